"""Counters of producers survive Redis, and damaged ones are refused in a line."""

import orjson
import pytest
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.producer_counters import ProducerCounters, pack_counters, unpack_counters

COUNTERS = ProducerCounters("abcd1234", 1_763_900_000_000, 1_763_900_001_000, 7, 9, {"full": 2}, {"loop": 3}, True)


def test_counters_come_back_as_they_were_written() -> None:
    assert unpack_counters(pack_counters(COUNTERS)) == COUNTERS


def test_what_a_newer_release_adds_is_passed_over() -> None:
    assert unpack_counters(orjson.dumps({**orjson.loads(pack_counters(COUNTERS)), "queue": 5})) == COUNTERS


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b"null", b"{}", b'"counters"'])
def test_what_are_no_counters_is_refused(raw: bytes) -> None:
    with pytest.raises(BadEntry, match="a producer's counters are damaged"):
        unpack_counters(raw)


@pytest.mark.parametrize("changes", [{"seq": "many"}, {"dropped": [1]}, {"skipped": None}, {"sampled": None}])
def test_a_member_of_another_type_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadEntry, match="damaged"):
        unpack_counters(orjson.dumps({**orjson.loads(pack_counters(COUNTERS)), **changes}))
