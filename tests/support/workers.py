"""For tests of workers: a shadow to call, launches to publish, exchanges to admit, workers to run."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from subprocess import Popen
from typing import Any

import anyio
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.exchange import Exchange, Headers, Request, Response
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.replay import Replay, UnreplayedExchange, unpack_replay
from darklaunch_workers.run import serve
from darklaunch_workers.settings import WorkerSettings, as_environment

from tests.support.pack_exchange import pack_exchange

from .loopback import conversing

PRODUCER = "abcd1234"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as the shadow got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def exchange_id(self) -> str:
        return self.headers["x-darklaunch-exchange"]


@dataclass(slots=True)
class RecordingShadow:
    """A shadow on a loopback port: the requests it got, and how it responds."""

    respond: Callable[[ReceivedRequest], Awaitable[bytes]]
    origin: str = ""
    received: list[ReceivedRequest] = field(default_factory=list)


def format_response(status: int = 200, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def respond_ok(_request: ReceivedRequest) -> bytes:
    return format_response()


@asynccontextmanager
async def running_shadow(
    respond: Callable[[ReceivedRequest], Awaitable[bytes]] = respond_ok,
) -> AsyncIterator[RecordingShadow]:
    """Serve HTTP/1.1. `respond` returns the bytes to send; none closes the connection."""
    shadow = RecordingShadow(respond)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            request_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            method, target, _ = request_line.split(" ")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = ReceivedRequest(method, target, headers, body, time.monotonic())
            shadow.received.append(request)
            response = await shadow.respond(request)
            writer.write(response)
            await writer.drain()
            if not response:
                return

    async with conversing(converse) as (_, port):
        shadow.origin = f"http://127.0.0.1:{port}"
        yield shadow


@contextmanager
def connected(url: str) -> Iterator[RedisClient]:
    redis = connect(url, client_name="darklaunch-test")
    try:
        yield redis
    finally:
        redis.close()


def publish(
    redis: RedisClient, name: str, spec: LaunchSpec, status: str = "active", *, noise: float = 0, **fields: str
) -> None:
    """Publish a launch's next state; `noise` is the share of exchanges that is replayed a second time, in per cent.

    A `status` that does not exist damages the state after it was published, as a stray HSET would.
    """
    if status not in set(LaunchStatus):
        fields["status"] = status
        status = LaunchStatus.PAUSED
    spec = replace(spec, noise_percent=noise)
    revision = int(redis.execute_command("INCR", keys.REVISION))
    state = LaunchState(name, LaunchStatus(status), percent=100.0, hold=False, revision=revision, spec=spec)
    publish_launch(redis, state, lift_hold=False)
    for field_name, value in fields.items():
        redis.execute_command("HSET", keys.launch(name), field_name, value)
    redis.execute_command("INCR", keys.REVISION)


def make_exchange(
    launch: str,
    seq: int,
    *,
    method: str = "GET",
    target: str = "/orders/1",
    headers: Headers = (),
    body: bytes = b"",
    age_s: float = 0,
) -> Exchange:
    request = Request(method, target, "http://shop", headers, body)
    primary = Response(200, (("content-type", "application/json"),), b'{"of": "primary"}', 1.0)
    at_ms = int((time.time() - age_s) * 1000)
    return Exchange(f"{PRODUCER}:{seq}", launch, at_ms, f"{method} /orders/{{id}}", request, primary)


def admit(redis: RedisClient, launch: str, *exchanges: Exchange, shard: int = 0) -> None:
    """Put exchanges on the stream as a hook does; their sequence numbers must follow one another."""
    names = (keys.captures(launch, shard), keys.ledger(launch, shard), keys.admitted(launch, shard))
    first = int(exchanges[0].id.partition(":")[2])
    parts: list[bytes] = []
    for it in exchanges:
        fields = pack_exchange(it)
        parts += [fields[keys.META], fields[keys.REQUEST], fields[keys.RESPONSE]]
    assert call_script(redis, ScriptCall("admit", names, (100_000, PRODUCER, first, *parts))) == len(exchanges)


def admit_many(redis: RedisClient, launch: str, first: int, count: int, **request: Any) -> None:
    admit(redis, launch, *(make_exchange(launch, seq, **request) for seq in range(first, first + count)))


def read_outcomes(redis: RedisClient, launch: str, shard: int = 0) -> list[Replay | UnreplayedExchange]:
    """Read the replays stream."""
    listed = redis.execute_command("XRANGE", keys.replays(launch, shard), "-", "+")
    return [unpack_replay(pair_fields(fields)) for _, fields in listed]


def read_replays(redis: RedisClient, launch: str) -> list[Replay]:
    return [outcome for outcome in read_outcomes(redis, launch) if isinstance(outcome, Replay)]


def read_drop_reasons(redis: RedisClient, launch: str) -> list[str]:
    """Return the reasons of what was not replayed."""
    return [outcome.reason for outcome in read_outcomes(redis, launch) if isinstance(outcome, UnreplayedExchange)]


def count_waiting(redis: RedisClient, launch: str) -> int:
    return int(redis.execute_command("XLEN", keys.captures(launch)))


def read_ledger(redis: RedisClient, launch: str) -> dict[str, int]:
    stored = pair_fields(redis.execute_command("HGETALL", keys.ledger(launch)))
    return {name.decode(): int(count) for name, count in stored.items() if int(count)}


async def wait_until(is_true: Callable[[], bool], within_s: float = 60) -> None:
    """Wait until a condition is true. Raises TimeoutError when it does not become true in time."""
    with anyio.fail_after(within_s):
        while not is_true():  # noqa: ASYNC110
            await anyio.sleep(0.02)


@asynccontextmanager
async def running_worker(redis_url: str, **settings: Any) -> AsyncIterator[None]:
    """Run a worker in this process, and stop it in good order."""
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, WorkerSettings(redis_url=redis_url, **settings), stop)
        try:
            yield
        finally:
            stop.set()


@contextmanager
def worker_process(redis_url: str, **settings: Any) -> Iterator[Popen[bytes]]:
    """Run a worker command in a process of its own; kill what is left of it."""
    environment = {**os.environ, **as_environment(WorkerSettings(redis_url=redis_url, **settings))}
    process = Popen([sys.executable, "-m", "darklaunch_workers"], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(60)


async def wait_for_exit(process: Popen[bytes], within_s: float = 60) -> int:
    """Wait for a process and return its exit code."""
    await wait_until(lambda: process.poll() is not None, within_s)
    return process.wait()


def with_deadline(spec: LaunchSpec, deadline_s: float) -> LaunchSpec:
    """Return a specification with a shorter deadline than operators can set."""
    return replace(spec, max_latency_diff_ms=deadline_s * 1000 - 5000)
