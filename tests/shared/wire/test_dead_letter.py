"""Dead letters and their notices: payload and story are kept, and both are bounded."""

from darklaunch_shared import keys
from darklaunch_shared.wire.dead_letter import MAX_BYTES, pack_dead_letter, pack_dead_notice, unpack_dead_letter
from darklaunch_shared.wire.replay import (
    UnreplayedExchange,
    unpack_replay,
)

from tests.support.entries import make_entry


def test_a_dead_letter_keeps_its_payload_and_its_story() -> None:
    letter = unpack_dead_letter(pack_dead_letter(make_entry(), "delivered 5 times", "workers", 5, 1_763_900_000_123))
    assert letter.fields == make_entry()
    assert (letter.reason, letter.group, letter.deliveries) == ("delivered 5 times", "workers", 5)


def test_a_dead_letter_is_bounded_whatever_a_stranger_wrote() -> None:
    huge = {**make_entry(), b"x" * 1000: b"", keys.RESPONSE: b"x" * 40_000_000, b"more": b"x" * 40_000_000}
    kept = unpack_dead_letter(pack_dead_letter(huge, "too much", "workers", 1, 1)).fields
    assert sum(len(name) + len(value) for name, value in kept.items()) == MAX_BYTES
    assert kept[keys.META] == make_entry()[keys.META]


def test_a_strangers_entry_is_dead_without_a_notice() -> None:
    assert pack_dead_notice({b"hello": b"world"}, "1763900000000-0", "checkout") == {}


def test_a_damaged_exchange_is_noticed_with_what_can_be_read() -> None:
    notice = unpack_replay(pack_dead_notice({**make_entry(), keys.META: b"{"}, "1763900000000-0", "checkout"))
    assert notice == UnreplayedExchange("abcd1234:7", "checkout", 1_763_900_000_000, "?", "dead", "dead")
