"""Compare what two versions responded to one request: a pure function of values, without I/O and without a clock."""

from .arrays import IDENTITY_MEMBERS
from .endpoint_rules import NO_RULES, EndpointRules, Patterns, StructureRule, ToleranceRule, UnorderedRule
from .find_identifiers import find_identifier_places
from .headers import find_changed_headers
from .identifier_shape import find_identifier_shape
from .known_noise import NO_NOISE, KnownNoise, NoiseAspect, NoiseKey, make_noise_key, name_noise_key
from .magnitude import compare_sizes, is_far
from .model import ComparedResponse, Comparison, ComparisonOutcome, Difference, DifferenceKind, Excuse, ExcuseReason
from .page_texts import list_text_places
from .patterns import BadPattern, LinearPattern
from .readable_body import decode_body, format_body
from .responses import compare
from .signature import (
    compute_error_signature,
    compute_signature,
    compute_slow_signature,
    render_error_title,
    render_slow_title,
    render_title,
)
from .unseen import escape_unseen, name_unseen_difference

__all__ = [
    "IDENTITY_MEMBERS",
    "NO_NOISE",
    "NO_RULES",
    "BadPattern",
    "ComparedResponse",
    "Comparison",
    "ComparisonOutcome",
    "Difference",
    "DifferenceKind",
    "EndpointRules",
    "Excuse",
    "ExcuseReason",
    "KnownNoise",
    "LinearPattern",
    "NoiseAspect",
    "NoiseKey",
    "Patterns",
    "StructureRule",
    "ToleranceRule",
    "UnorderedRule",
    "compare",
    "compare_sizes",
    "compute_error_signature",
    "compute_signature",
    "compute_slow_signature",
    "decode_body",
    "escape_unseen",
    "find_changed_headers",
    "find_identifier_places",
    "find_identifier_shape",
    "format_body",
    "is_far",
    "list_text_places",
    "make_noise_key",
    "name_noise_key",
    "name_unseen_difference",
    "render_error_title",
    "render_slow_title",
    "render_title",
]
