"""Names on Redis: one launch shard is one Cluster slot, and no two launches share a key."""

from collections.abc import Callable

import pytest
from darklaunch_shared import keys
from hypothesis import given
from hypothesis import strategies as st

OF_A_SHARD: tuple[Callable[[str, int], str], ...] = (
    keys.captures, keys.replays, keys.dead, keys.ledger, keys.admitted, keys.producers,
    lambda name, shard: keys.used(name, shard, 1_763_900_000_000),
)  # fmt: skip


def test_all_keys_of_a_shard_have_one_hash_tag_and_differ() -> None:
    names = [key("shop", 3) for key in OF_A_SHARD]
    assert {name.partition("}")[0] for name in names} == {"{dl:shop:3"}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("key", OF_A_SHARD)
def test_shards_and_launches_whose_names_run_into_each_other_share_no_key(key: Callable[[str, int], str]) -> None:
    assert len({key("a", 11), key("a-1", 1), key("a1", 1), key("a", 1)}) == 4


def test_an_exchange_is_used_under_the_minute_of_its_capture() -> None:
    assert keys.used("a", 0, 119_999) == keys.used("a", 0, 60_000)
    assert keys.used("a", 0, 120_000) != keys.used("a", 0, 119_999)


@given(st.text(min_size=1), st.integers(1, 64))
def test_a_producer_keeps_to_one_shard_there_is(producer: str, shards: int) -> None:
    assert 0 <= keys.shard_of(producer, shards) == keys.shard_of(producer, shards) < shards


def test_producers_spread_over_all_shards() -> None:
    assert {keys.shard_of(f"producer-{number}", 8) for number in range(200)} == set(range(8))
