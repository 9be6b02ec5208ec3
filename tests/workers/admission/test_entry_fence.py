"""Copies of a signed entry: sent once, refused by name, and the account still balances."""

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.crypto.signing import sign
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.fields import Fields, pair_fields

from tests.support.pack_exchange import pack_exchange
from tests.support.workers import (
    make_exchange,
    publish,
    read_drop_reasons,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
)
from tests.workers.admission.test_entry_keys import KEY

pytestmark = pytest.mark.anyio


def sign_entry(exchange: Exchange) -> Fields:
    fields = pack_exchange(exchange)
    parts = (fields[keys.META], exchange.id, fields[keys.REQUEST], fields[keys.RESPONSE])
    return {**fields, keys.META: sign(*parts, parse_keys(KEY))}


def write(redis: RedisClient, launch: str, fields: Fields, shard: int = 0, entry_id: str = "*") -> str:
    flat = [part for pair in fields.items() for part in pair]
    return str(redis.execute_command("XADD", keys.captures(launch, shard), entry_id, *flat).decode())


def read_ledger(redis: RedisClient, launch: str, shard: int = 0) -> dict[str, int]:
    stored = pair_fields(redis.execute_command("HGETALL", keys.ledger(launch, shard)))
    return {name.decode(): int(count) for name, count in stored.items() if name}


async def test_ten_copies_of_a_signed_write_are_sent_once_and_counted(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url, signing_key=KEY):
        publish(redis, launch_name, LaunchSpec(shadow.origin, allow=("POST /pay",), noise_percent=0))
        entry = sign_entry(make_exchange(launch_name, 1, method="POST", target="/pay"))
        for _ in range(5):
            write(redis, launch_name, entry)
        await wait_until(lambda: read_ledger(redis, launch_name).get("repeated") == 4)
        for _ in range(5):  # after its outcome too
            write(redis, launch_name, entry)
        await wait_until(lambda: read_ledger(redis, launch_name).get("repeated") == 9)
    assert len(shadow.received) == len(read_outcomes(redis, launch_name)) == 1
    assert read_ledger(redis, launch_name) == {"replayed": 1, "repeated": 9}
    (used,) = redis.execute_command("KEYS", f"{{dl:{launch_name}:0}}:used:*")
    assert 0 < redis.execute_command("PTTL", used) <= 1000 * (300 + 60 + 120)


async def test_a_copy_on_another_shard_is_refused(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url, signing_key=KEY):
        publish(redis, launch_name, LaunchSpec(shadow.origin, shards=2, noise_percent=0))
        entry = sign_entry(make_exchange(launch_name, 1))
        entry_id = write(redis, launch_name, entry)
        write(redis, launch_name, entry, shard=1, entry_id=entry_id)
        await wait_until(lambda: sum(sum(read_ledger(redis, launch_name, shard).values()) for shard in (0, 1)) == 2)
    assert len(shadow.received) == 1
    assert sum(read_ledger(redis, launch_name, shard).get("repeated", 0) for shard in (0, 1)) == 1


async def test_an_unsigned_copy_keeps_no_signed_exchange_from_its_replay(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url, signing_key=KEY):
        exchange = make_exchange(launch_name, 1)
        write(redis, launch_name, pack_exchange(exchange))
        write(redis, launch_name, sign_entry(exchange))
        publish(redis, launch_name, LaunchSpec(shadow.origin, noise_percent=0))
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 1)
    assert len(shadow.received) == 1


async def test_an_old_signed_entry_is_not_replayed(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url, signing_key=KEY):
        publish(redis, launch_name, LaunchSpec(shadow.origin, max_age_s=0.2))
        entry = sign_entry(make_exchange(launch_name, 1))
        await anyio.sleep(0.3)
        write(redis, launch_name, entry)
        await wait_until(lambda: read_drop_reasons(redis, launch_name) == ["stale"])
    assert shadow.received == []


def test_a_redelivered_entry_and_a_retried_dead_letter_are_no_copies(redis: RedisClient, launch_name: str) -> None:
    used = keys.used(launch_name, 0, 0)

    def use(entry: str) -> int:
        return int(call_script(redis, ScriptCall("use_once", (used,), ("p:1", entry, 60_000))))

    assert [use("0/1-0"), use("0/1-0"), use("0/2-0")] == [1, 1, 0]
    letter = redis.execute_command("XADD", keys.dead(launch_name), "*", "id", "p:1", "dead_reason", "x").decode()
    names = (keys.dead(launch_name), keys.captures(launch_name), keys.ledger(launch_name), used)
    assert call_script(redis, ScriptCall("retry_dead_letter", names, (letter, "p:1"))) == 1
    assert [use("0/3-0"), use("0/1-0")] == [1, 0]
