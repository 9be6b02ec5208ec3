"""Compare what two versions answered to one request: a pure function of values, without I/O and without a clock."""

from .answers import compare
from .identifiers import identifier_places
from .jsonpath import BadPath
from .model import Comparison, Difference, Excuse, Kind, Outcome, Reason, Side
from .noise import NO_NOISE, Noise, excusable
from .readable import body_text, readable_body
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
