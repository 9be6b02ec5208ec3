"""Parse one JSON text exactly, in bounded time and memory: every digit counts, NaN and lone surrogates are read."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, cast

from darklaunch_comparator.content import CorruptBody, to_text
from darklaunch_comparator.places import ROOT, JsonPlace

from .collector import Unverified
from .identifier_shape import is_map
from .model import Json, NotANumber

DEPTH_CAP: Final = 128
NODES_CAP: Final = 100_000

_BRACKETS: Final = re.compile(rb'"(?:[^"\\]+|\\.|\\\Z)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
GIANT_BYTES: Final = 1_000_000
"""A shorter text cannot hold too many values: `refuse_giant` need not be called for it."""
_GIANT_VALUES: Final = 5 * NODES_CAP


@dataclass(frozen=True, slots=True)
class MalformedJson:
    """A body that is not JSON; `undecodable` if it is not even text."""

    reason: str
    undecodable: bool = False


def parse_exactly(side: str, text: bytes) -> "Json | MalformedJson":
    """Parse a text with exact numbers. `side` is for messages.

    Raises Unverified if it is nested too deep.
    """
    if _is_too_deep(text):
        raise Unverified(f"the {side}'s body is nested more than {DEPTH_CAP} deep")
    try:
        return cast(Json, _EXACT_DECODER.decode(to_text(text)))
    except CorruptBody as error:
        return MalformedJson(str(error), undecodable=True)
    except ValueError as error:
        return MalformedJson(f"not JSON: {str(error)[:80]}")
    except RecursionError:  # this far down someone else's stack even DEPTH_CAP may be too deep
        raise Unverified(f"the {side}'s body is nested too deep to read here") from None


def refuse_giant(side: str, text: bytes) -> None:
    """Raise Unverified if a text holds more values than can be parsed in bounded memory."""
    # Two megabytes of `[],` are 700,000 values. Counting marks estimates them from above, without parsing.
    if len(text) > GIANT_BYTES and text.count(b",") + text.count(b"[") + text.count(b"{") > _GIANT_VALUES:
        raise Unverified(f"the {side}'s body holds more than {_GIANT_VALUES:,} values")


def find_repeated_keys(text: bytes) -> dict[str, JsonPlace]:
    """Find keys that an object has twice: one place by index-free path. Empty if the text is not JSON."""
    if _is_too_deep(text):
        return {}
    try:
        document = cast(Json, _REPEATS_DECODER.decode(to_text(text)))
    except (ValueError, RecursionError, CorruptBody):
        return {}
    places: dict[str, JsonPlace] = {}
    todo: list[tuple[Json, JsonPlace]] = [(document, ROOT)]
    nodes = 0
    while todo and nodes < NODES_CAP:
        part, place = todo.pop()
        nodes += 1
        if isinstance(part, _ObjectWithRepeats):
            for name in part.repeated:
                repeated = place.key(name)
                places.setdefault(repeated.group_path, repeated)
        if isinstance(part, dict):
            in_map = is_map(part)
            members = [(name, child) for name, child in part.items() if isinstance(child, dict | list)]
            todo.extend([(child, place.key(name, in_map=in_map)) for name, child in reversed(members)])
        elif isinstance(part, list):
            elements = [(at, child) for at, child in enumerate(part) if isinstance(child, dict | list)]
            todo.extend([(child, place.index(at)) for at, child in reversed(elements)])
    return places


def _is_too_deep(text: bytes) -> bool:
    if text.count(b"[") + text.count(b"{") <= DEPTH_CAP:
        return False
    depth = 0
    for match in _BRACKETS.finditer(text):
        mark = match[0]
        if mark == b"[" or mark == b"{":
            depth += 1
            if depth > DEPTH_CAP:
                return True
        elif mark == b"]" or mark == b"}":
            depth -= 1
    return False


def _parse_whole(digits: str) -> int | Decimal | NotANumber:
    # int() takes quadratic time and refuses past 4,300 digits; a Decimal is exact and takes linear time
    return int(digits) if len(digits) <= 18 else _parse_fraction(digits)


def _parse_fraction(digits: str) -> Decimal | NotANumber:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent of twenty digits
        return NotANumber(digits)


class _ObjectWithRepeats(dict[str, Json]):
    """An object that has keys twice."""

    repeated: tuple[str, ...] = ()


def _build_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Build an object, marked if it has keys twice."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    names: set[str] = set()
    repeated: list[str] = []
    for name, _ in pairs:
        if name in names:
            repeated.append(name)
        names.add(name)
    marked = _ObjectWithRepeats(members)
    marked.repeated = tuple(repeated)
    return marked


_EXACT_DECODER: Final = json.JSONDecoder(parse_float=_parse_fraction, parse_int=_parse_whole, parse_constant=NotANumber)
_REPEATS_DECODER: Final = json.JSONDecoder(
    parse_float=_parse_fraction, parse_int=_parse_whole, parse_constant=NotANumber, object_pairs_hook=_build_object
)
