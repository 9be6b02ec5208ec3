"""Compare what two versions answered to one request: a pure function of values, without I/O and without a clock."""

from .find_identifiers import identifier_places
from .known_noise import NO_NOISE, Noise, excusable
from .model import Comparison, Difference, Excuse, Kind, Outcome, Reason, Side
from .readable_body import body_text, readable_body
from .response import compare
from .rule_path import BadPath
from .rules import NO_RULES, Rules
from .signature import error_signature, error_title, signature, slow_signature, slow_title, title

__all__ = [
    "NO_NOISE",
    "NO_RULES",
    "BadPath",
    "Comparison",
    "Difference",
    "Excuse",
    "Kind",
    "Noise",
    "Outcome",
    "Reason",
    "Rules",
    "Side",
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
