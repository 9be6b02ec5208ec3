"""Fingerprint the shape of a request, so that a signature keeps a sample of its rarest shape.

Two exchanges have the same shape if both status codes, the shape of the path and the names of the query parameters
agree. The shape of a path is the number of its segments and whether each is a number, a generated id or a word:
`/orders/17` and `/orders/18` have one shape, `/orders/latest` and `/orders/17?page=2` have others.
"""

import re
from hashlib import blake2b
from typing import Final

from darklaunch_comparator.compare import find_identifier_shape

MOST_NAMES: Final = 20
"""Parameter names and path segments that are looked at; what comes after them does not change the shape."""

_NUMBER: Final = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_LONGEST_SEGMENT: Final = 200


def fingerprint_request(target: str, primary_status: int, shadow_status: int | None) -> str:
    """Return the fingerprint of an exchange's shape, 8 hex digits. `shadow_status` is None without a response."""
    path, _, query = target.partition("?")
    names = sorted({part.partition("=")[0] for part in query.split("&", MOST_NAMES)[:MOST_NAMES] if part})
    shapes = [_describe_segment(segment) for segment in path.split("/", MOST_NAMES)[:MOST_NAMES]]
    shape = "\n".join([f"{primary_status} {shadow_status}", "/".join(shapes), *names])
    return blake2b(shape.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _describe_segment(segment: str) -> str:
    if _NUMBER.fullmatch(segment):
        return "0"
    if len(segment) > _LONGEST_SEGMENT:
        return "long"
    return find_identifier_shape(segment) or ("a" if segment else "")
