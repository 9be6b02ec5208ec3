"""Exchange ids of a stream, listed page by page without what travels with them."""

from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect
from darklaunch_shared.redis.exchange_ids import list_exchange_ids


def test_every_entry_is_listed_once_in_order_whatever_the_page(redis_url: str, launch_name: str) -> None:
    redis = connect(redis_url, client_name="darklaunch-test")
    stream = keys.captures(launch_name)
    entries = [
        (redis.execute_command("XADD", stream, "*", keys.ID, f"p:{number}", keys.REQUEST, b"x" * 1000), f"p:{number}")
        for number in range(1, 8)
    ]
    expected = [(entry.decode(), identity) for entry, identity in entries]
    for page in (1, 3, 7, 200):
        assert list(list_exchange_ids(redis, stream, page=page)) == expected
    redis.close()


def test_an_entry_of_a_stranger_has_no_id_and_a_stream_that_is_not_there_none(redis_url: str, launch_name: str) -> None:
    redis = connect(redis_url, client_name="darklaunch-test")
    entry = redis.execute_command("XADD", keys.replays(launch_name), "*", "hello", "world")
    assert list(list_exchange_ids(redis, keys.replays(launch_name))) == [(entry.decode(), "")]
    assert list(list_exchange_ids(redis, keys.captures(launch_name))) == []
    redis.close()
