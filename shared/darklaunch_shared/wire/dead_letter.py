"""Dead letters: entries that killed their consumers or could not be read, kept with their payload for a person."""

from dataclasses import dataclass
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry

from .exchange import read_captured_at_ms, read_exchange_id, read_meta
from .fields import Fields
from .replay import UnreplayedExchange, pack_unreplayed

MAX_FIELDS: Final = 1000
"""The most fields kept of an entry that is not ours: a script cannot take any number of arguments."""

MAX_BYTES: Final = 16 * 1_048_576
"""The most bytes kept of an entry: more than any exchange that workers replay."""

_DEATH_FIELDS: Final = (keys.DEAD_REASON, keys.DEAD_GROUP, keys.DEAD_DELIVERIES, keys.DEAD_AT)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead entry: why it died, in which group, after how many deliveries, when (epoch ms), and its own fields."""

    reason: str
    group: str
    deliveries: int
    at_ms: int
    fields: Fields


def pack_dead_letter(fields: Fields, reason: str, group: str, deliveries: int, at_ms: int) -> Fields:
    """Return an entry and why it died as stream fields. Cuts off what exceeds MAX_FIELDS and MAX_BYTES."""
    kept: Fields = {}
    room = MAX_BYTES
    for name, value in fields.items():
        if len(kept) == MAX_FIELDS or len(name) > room:
            break
        kept[name] = value[: room - len(name)]
        room -= len(name) + len(kept[name])
    death = (reason.encode(), group.encode(), str(deliveries).encode(), str(at_ms).encode())
    return {**kept, **dict(zip(_DEATH_FIELDS, death, strict=True))}


def unpack_dead_letter(fields: Fields) -> DeadLetter:
    """Read a dead entry. Missing parts become "unknown" or 0, because broken entries end up here."""
    reason, group, deliveries, at = (fields.get(name, b"") for name in _DEATH_FIELDS)
    own = {name: value for name, value in fields.items() if name not in _DEATH_FIELDS}
    return DeadLetter(
        reason.decode(errors="replace") or "unknown",
        group.decode(errors="replace") or "unknown",
        int(deliveries) if deliveries.isdigit() else 0,
        int(at) if at.isdigit() else 0,
        own,
    )


def pack_dead_notice(fields: Fields, entry_id: str, launch: str) -> Fields:
    """Return the entry that tells the comparator of a death. Empty without an exchange id: it was never sampled.

    Replaces an unreadable capture time by the time the entry was written, and an unreadable endpoint by `?`.
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
