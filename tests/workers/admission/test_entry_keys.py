"""A worker with keys: credentials reach the shadow and nobody else; entries that nobody signed reach nobody."""

from base64 import b64encode
from dataclasses import replace

import pytest
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.crypto.sealing import SEALED, Sealer
from darklaunch_shared.crypto.signing import sign
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.dead_letter import unpack_dead_letter
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_workers.settings import WorkerSettings, read_settings
from pydantic import ValidationError

from tests.support.pack_exchange import pack_exchange
from tests.support.workers import (
    admit,
    format_response,
    make_exchange,
    publish,
    read_drop_reasons,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
)

pytestmark = pytest.mark.anyio

KEY, OTHER = (f"k{number}:{b64encode(bytes([number]) * 32).decode()}" for number in (1, 2))
SECRET = "sid=s3cr3t"


def sealed(launch: str, seq: int, key: str = KEY, target: str = "/me") -> Exchange:
    captured = make_exchange(launch, seq, target=target, headers=(("accept", "*/*"), ("cookie", SEALED)))
    box = Sealer(parse_keys(key)).seal([(1, SECRET)], captured.request, launch, captured.id)
    return replace(captured, sealed=box)


async def test_sealed_credentials_reach_the_shadow_and_nobody_else(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def greet(_: object) -> bytes:
        return format_response(200, b"{}", "set-cookie: sid=s3cr3t-too; Path=/")

    async with running_shadow(greet) as shadow, running_worker(url, seal_key=f"{OTHER},{KEY}"):
        publish(redis, launch_name, LaunchSpec(shadow.origin, seal=True))
        admit(redis, launch_name, sealed(launch_name, 1), make_exchange(launch_name, 2))
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 2)
    assert {request.target: request.headers.get("cookie") for request in shadow.received} == {
        "/me": SECRET,
        "/orders/1": None,
    }
    for stream in (keys.replays(launch_name), keys.dead(launch_name)):
        listed = str(redis.execute_command("XRANGE", stream, "-", "+"))
        assert "s3cr3t" not in listed
        assert 'sealed\\"' not in listed
    (passed_on,) = [each.exchange for each in read_replays(redis, launch_name) if each.exchange.request.target == "/me"]
    assert passed_on.request.headers == (("accept", "*/*"), ("cookie", SEALED))
    assert passed_on.sealed == ""


async def test_what_cannot_be_unsealed_is_dropped_by_name(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url, seal_key=KEY):
        publish(redis, launch_name, LaunchSpec(shadow.origin, seal=True))
        moved = replace(sealed(launch_name, 2), id=make_exchange(launch_name, 3).id)
        diverted = sealed(launch_name, 4)
        diverted = replace(diverted, request=replace(diverted.request, target="/elsewhere"))
        first = sealed(launch_name, 1, OTHER)
        admit(redis, launch_name, first)
        admit(redis, launch_name, replace(moved, id=sealed(launch_name, 2).id, sealed=sealed(launch_name, 9).sealed))
        admit(redis, launch_name, moved)
        admit(redis, launch_name, diverted)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 4)
        off = f"{launch_name}-off"  # where the operator does not ask for it any more
        publish(redis, off, LaunchSpec(shadow.origin))
        admit(redis, off, sealed(off, 5))
        await wait_until(lambda: len(read_outcomes(redis, off)) == 1)
    assert read_drop_reasons(redis, launch_name) == ["unsealable"] * 4
    assert read_drop_reasons(redis, off) == ["unsealable"]
    assert shadow.received == []


async def test_a_worker_with_a_signing_key_takes_nothing_unsigned(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url, signing_key=KEY):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        for seq, key in ((1, KEY), (2, OTHER), (3, None)):
            fields = pack_exchange(make_exchange(launch_name, seq))
            if key:
                parts = (fields[keys.META], fields[keys.ID].decode(), fields[keys.REQUEST], fields[keys.RESPONSE])
                fields[keys.META] = sign(*parts, parse_keys(key))
            flat = [part for pair in fields.items() for part in pair]
            redis.execute_command("XADD", keys.captures(launch_name), "*", *flat)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 3)
    assert len(shadow.received) == len(read_replays(redis, launch_name)) == 1
    assert read_drop_reasons(redis, launch_name) == ["dead", "dead"]
    letters = redis.execute_command("XRANGE", keys.dead(launch_name), "-", "+")
    assert sorted(unpack_dead_letter(pair_fields(fields)).reason for _, fields in letters) == [
        "the entry is not signed", "the entry is signed with the key k2, which is not known here",
    ]  # fmt: skip


def test_a_wrong_key_is_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        read_settings({"DARKLAUNCH_SEAL_KEY": "mine:c2VjcmV0"})
    assert "the key mine is not 32 bytes in base64" in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)
    assert "AQEB" not in repr(WorkerSettings(seal_key=KEY))
