"""What make an exchange is of, so that among a group's exchanges the rarest make can be told and kept.

Two exchanges of one signature are of the same make when both their status codes, the shape of their path and the names
of their query's parameters agree. The shape of a path keeps how many segments it has and whether each is a number, a
made-up id or a word: `/orders/17` and `/orders/18` are alike, `/orders/latest` and `/orders/17?page=2` are not.
"""

import re
from hashlib import blake2b
from typing import Final

from darklaunch_comparator.compare import find_identifier_shape

NAMES: Final = 20
"""Parameter names looked at, and path segments: more of them make no other variant."""

_NUMBER: Final = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_LONGEST: Final = 200


def fingerprint_request(target: str, primary_status: int, shadow_status: int | None) -> str:
    """Name the make of an exchange by 8 hex digits. `shadow_status` is None when the shadow did not answer."""
    path, _, query = target.partition("?")
    names = sorted({part.partition("=")[0] for part in query.split("&", NAMES)[:NAMES] if part})
    shapes = [_shape(segment) for segment in path.split("/", NAMES)[:NAMES]]
    make = "\n".join([f"{primary_status} {shadow_status}", "/".join(shapes), *names])
    return blake2b(make.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _shape(segment: str) -> str:
    if _NUMBER.fullmatch(segment):
        return "0"
    if len(segment) > _LONGEST:
        return "long"
    return find_identifier_shape(segment) or ("a" if segment else "")
