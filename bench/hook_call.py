"""Measure what the hook adds to one request in the request's own thread: µs per call, medians of one run.

    python -m bench.hook_call [--rounds 15]

An app is called without a server: a bare one that answers 2 kB of JSON, the same behind a wrapper that does nothing,
behind the hook while no launch samples the request, and behind the hook while every request is sampled. The contenders
take turns, each often enough to last some milliseconds, with the collector off; `added` is the median over the rounds
of the difference to the bare app in the same round. What the background thread does is not in these figures: the
buffer is emptied between rounds, outside the clock (`bench.hook_server` measures the whole process). `p50` and `p99`
are of single sampled calls, each timed by itself, less the same of the bare app.
"""

import argparse
import gc
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from darklaunch import CaptureMiddleware
from darklaunch.asgi import ASGIApp, Message, Receive, Scope, Send
from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.launch_snapshot import build_snapshot
from darklaunch.recorders import list_recorders
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus

CALLS = 1_000
BODY = orjson.dumps({"lines": [{"sku": f"A-{n:05}", "quantity": n, "price_cents": 1999 + n} for n in range(42)]})
HEADERS = [
    (b"host", b"shop.example"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, br"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    (b"cookie", b"session=0123456789abcdef; theme=dark"),
    (b"authorization", b"Bearer 0123456789abcdef"),
    (b"x-request-id", b"0123456789abcdef"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
]
ANSWERED = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


@dataclass(frozen=True)
class Added:
    """What a wrapper adds to a bare call, in µs; `p50` and `p99` of single calls where those were timed."""

    name: str
    us: float
    p50_us: float = 0.0
    p99_us: float = 0.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": ANSWERED})
    await send({"type": "http.response.body", "body": BODY})


def wrapped(inner: ASGIApp) -> ASGIApp:
    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        await inner(scope, receive, send)

    return wrapper


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_message: Message) -> None:
    pass


def scope() -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/orders/123",
        "raw_path": b"/orders/123",
        "query_string": b"expand=lines",
        "root_path": "",
        "headers": HEADERS,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
    }


def finish(call: Awaitable[None]) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        call.__await__().__next__()
    except StopIteration:
        return
    raise RuntimeError("the app waited")


def hooked(percent: float, app_name: str) -> tuple[ASGIApp, RecordingBuffer]:
    """Put the hook around the app, as a launch at this share would find it; the background thread does not run."""
    built = CaptureMiddleware(app, redis_url="redis://127.0.0.1:1/0", app_name=app_name)
    recorder = next(each for each in list_recorders() if each.settings.app_name == app_name)
    state = LaunchState("bench", LaunchStatus.ACTIVE, percent, False, 1, LaunchSpec("http://shadow.invalid"))
    buffer = RecordingBuffer(1 << 30, 1_000_000)
    recorder.divert_to(build_snapshot({"bench": state})[0], buffer)
    return built, buffer


def empty(buffer: RecordingBuffer) -> None:
    buffer.take_notes()
    for recording in buffer.take_recordings(len(buffer)):
        buffer.release_bytes(recording.reserved_bytes)


def measure(rounds: int) -> list[Added]:
    """Measure every contender in interleaved rounds."""
    unsampled, _ = hooked(1e-9, "unsampled")
    sampled, buffer = hooked(100.0, "sampled")
    contenders: dict[str, ASGIApp] = {
        "bare app": app,
        "no-op wrapper": wrapped(app),
        "hook, not sampled": unsampled,
        "hook, sampled": sampled,
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    singles: dict[str, list[float]] = {"bare app": [], "hook, sampled": []}
    for _ in range(rounds):
        for name, contender in contenders.items():
            took[name].append(_timed(partial(_calls, contender)) / CALLS * 1e6)
            if name in singles:
                singles[name] += _each(contender)
            empty(buffer)
    found: list[Added] = []
    for name in list(contenders)[1:]:
        added = statistics.median(one - bare for one, bare in zip(took[name], took["bare app"], strict=True))
        spread = [0.0, 0.0]
        if name in singles:
            bare, mine = (statistics.quantiles(singles[each], n=100) for each in ("bare app", name))
            spread = [mine[at] - bare[at] for at in (49, 98)]
        found.append(Added(name, added, *spread))
    return found


def _calls(contender: ASGIApp) -> None:
    for _ in range(CALLS):
        finish(contender(scope(), receive, send))


def _each(contender: ASGIApp) -> list[float]:
    clock = time.perf_counter_ns
    took: list[float] = []
    gc.collect()
    gc.disable()
    for _ in range(CALLS):
        given = scope()
        began = clock()
        finish(contender(given, receive, send))
        took.append((clock() - began) / 1e3)
    gc.enable()
    return took


def _timed(run: Callable[[], None]) -> float:
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    run()
    took = time.perf_counter() - began
    gc.enable()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    os.environ.pop("DARKLAUNCH_REDIS_URL", None)
    print(f"{'in one process, 2 kB of JSON':32}{'added, µs':>10}{'p50':>8}{'p99':>8}    {rounds} rounds of {CALLS:,}")
    for row in measure(rounds):
        single = f"{row.p50_us:8.1f}{row.p99_us:8.1f}" if row.p50_us else ""
        print(f"{row.name:32}{row.us:10.2f}{single}")


if __name__ == "__main__":
    main()
