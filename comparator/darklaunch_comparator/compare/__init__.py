"""Compare what two versions answered to one request: a pure function of values, without I/O and without a clock."""

from .find_identifiers import identifier_places
from .known_noise import NO_NOISE, KnownNoise, excusable
from .model import ComparedResponse, Comparison, ComparisonOutcome, Difference, DifferenceKind, Excuse, ExcuseReason
from .readable_body import body_text, readable_body
from .response import compare
from .rule_path import BadPath
from .rules import NO_RULES, EndpointRules
from .signature import error_signature, error_title, signature, slow_signature, slow_title, title

__all__ = [
    "NO_NOISE",
    "NO_RULES",
    "BadPath",
    "ComparedResponse",
    "Comparison",
    "ComparisonOutcome",
    "Difference",
    "DifferenceKind",
    "EndpointRules",
    "Excuse",
    "ExcuseReason",
    "KnownNoise",
    "body_text",
    "compare",
    "error_signature",
    "error_title",
    "excusable",
    "identifier_places",
    "readable_body",
    "signature",
    "slow_signature",
    "slow_title",
    "title",
]
