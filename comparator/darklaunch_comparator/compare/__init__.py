"""Compare what two versions answered to one request: a pure function of values, without I/O and without a clock."""

from .answers import compare
from .ignore import NOTHING, BadPath, Ignore
from .model import Comparison, Difference, Excuse, Kind, Outcome, Reason, Side
from .readable import readable_body
from .signature import error_signature, error_title, signature, slow_signature, slow_title, title

__all__ = [
    "NOTHING",
    "BadPath",
    "Comparison",
    "Difference",
    "Excuse",
    "Ignore",
    "Kind",
    "Outcome",
    "Reason",
    "Side",
    "compare",
    "error_signature",
    "error_title",
    "readable_body",
    "signature",
    "slow_signature",
    "slow_title",
    "title",
]
