"""What went wrong, as a fingerprint that is the same for the same fault, and as a title of one line."""

from hashlib import blake2b
from typing import Final

from darklaunch_comparator.places import write_header_place

from .model import Comparison, Difference, DifferenceKind

_TITLE_PARTS: Final = 3
_TITLE_LENGTH: Final = 200
_GRAVE: Final = (DifferenceKind.MISSING, DifferenceKind.TYPE, DifferenceKind.ENCODING, DifferenceKind.EXTRA)
_HEADER: Final = write_header_place("")
_KIND_WORDS: Final = {DifferenceKind.DUPLICATE_KEY: "duplicate key"}


def compute_signature(endpoint: str, comparison: Comparison) -> str:
    """Return the fingerprint of a mismatch: 12 hex digits over the endpoint and its (index-free path, kind) pairs.

    A status difference goes in with both codes: 200 → 500 and 200 → 404 are two faults.
    """
    return _fingerprint(endpoint, *sorted({_describe(difference) for difference in comparison.differences}))


def render_title(comparison: Comparison) -> str:
    """Describe a mismatch in one line: `$.total_cents missing, $.total extra` or `status 200 → 500`.

    The most telling differences lead: the status, then what is missing or of another type in the body, headers last.
    """
    differences = sorted(comparison.differences, key=_rank)
    parts = list(dict.fromkeys([_describe(difference) for difference in differences]))
    shown = ", ".join(parts[:_TITLE_PARTS])
    if len(shown) > _TITLE_LENGTH:
        shown = shown[: _TITLE_LENGTH - 1] + "…"
    more = len(parts) - _TITLE_PARTS
    return f"{shown} and {more} more" if more > 0 else shown


def compute_error_signature(endpoint: str, error_class: str) -> str:
    """Return the fingerprint of exchanges without a response of the shadow: 12 hex digits over endpoint and error."""
    # Not the title: people may have accepted the signature, and its words may still get better.
    return _fingerprint(endpoint, f"no answer: {error_class}")


def render_error_title(error_class: str) -> str:
    """Describe in one line why the shadow did not respond: `no response: timeout`."""
    return f"no response: {error_class}"


def compute_slow_signature(endpoint: str) -> str:
    """Return the fingerprint of exchanges that took the shadow too long: 12 hex digits over the endpoint."""
    return _fingerprint(endpoint, "slow")


def render_slow_title(limit_ms: float) -> str:
    """Describe in one line that the shadow took too long: `slower by more than 2,000 ms`."""
    return f"slower by more than {limit_ms:,.0f} ms"


def _rank(difference: Difference) -> int:
    """Return how far back in a title a difference stands; equals stay in document order."""
    if difference.kind is DifferenceKind.STATUS:
        return 0
    if difference.group_path.startswith(_HEADER):
        return 3
    return 1 if difference.kind in _GRAVE else 2


def _describe(difference: Difference) -> str:
    if difference.kind is DifferenceKind.STATUS:
        return f"status {difference.primary} → {difference.shadow}"
    kind = (
        "differs"
        if difference.kind is DifferenceKind.HEADER
        else _KIND_WORDS.get(difference.kind, difference.kind.value)
    )
    return f"{difference.group_path} {kind}"


def _fingerprint(*parts: str) -> str:
    return blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=6).hexdigest()
