"""Dead letters: entries that no consumer survived or could read, kept with their payload for a person to look at."""

from dataclasses import dataclass
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry

from .exchange import read_captured_at_ms, read_exchange_id, read_meta
from .fields import Fields
from .replay import UnreplayedExchange, pack_unreplayed

MOST_FIELDS: Final = 1000
"""A stranger's entry may have more fields than a script can be given; the first of them tell enough."""

MOST_BYTES: Final = 16 * 1_048_576
"""What is kept of an entry: more than any exchange has that workers replay."""

_WHY: Final = (keys.DEAD_REASON, keys.DEAD_GROUP, keys.DEAD_DELIVERIES, keys.DEAD_AT)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead entry: why it died, in which group's hands, after how many deliveries, when (ms), and its own fields."""

    reason: str
    group: str
    deliveries: int
    at_ms: int
    fields: Fields


def pack_dead_letter(fields: Fields, reason: str, group: str, deliveries: int, at_ms: int) -> Fields:
    """Turn an entry and the story of its death into stream fields. What is over the bounds is cut off."""
    kept: Fields = {}
    room = MOST_BYTES
    for name, value in fields.items():
        if len(kept) == MOST_FIELDS or len(name) > room:
            break
        kept[name] = value[: room - len(name)]
        room -= len(name) + len(kept[name])
    why = (reason.encode(), group.encode(), str(deliveries).encode(), str(at_ms).encode())
    return {**kept, **dict(zip(_WHY, why, strict=True))}


def unpack_dead_letter(fields: Fields) -> DeadLetter:
    """Read a dead entry. Missing parts read as unknown: this is where broken entries end up."""
    reason, group, deliveries, at = (fields.get(name, b"") for name in _WHY)
    own = {name: value for name, value in fields.items() if name not in _WHY}
    return DeadLetter(
        reason.decode(errors="replace") or "unknown",
        group.decode(errors="replace") or "unknown",
        int(deliveries) if deliveries.isdigit() else 0,
        int(at) if at.isdigit() else 0,
        own,
    )


def pack_dead_notice(fields: Fields, entry_id: str, launch: str) -> Fields:
    """Tell the comparator that an exchange is dead. Empty when the entry has no exchange id: it was never sampled.

    An unreadable capture time is replaced by the time the entry was written, an unreadable endpoint by `?`.
    """
    try:
        identity = read_exchange_id(fields)
    except BadEntry:
        return {}
    endpoint = "?"
    try:
        meta = read_meta(fields, keys.META)
        endpoint = str(meta.get("endpoint", endpoint))[:200]
        at_ms = read_captured_at_ms(meta)
    except BadEntry:
        at_ms = int(entry_id.partition("-")[0])
    return pack_unreplayed(UnreplayedExchange(identity, launch, at_ms, endpoint, "dead", "dead"))
