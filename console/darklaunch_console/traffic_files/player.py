"""Playing a traffic file into a launch: through the hook's own capture, delivery and numbers, at a chosen speed.

Requests are mirrored in chunks. After each, all of it is on the stream or counted, and how far the file was read is
noted on Redis. An import that was killed goes on from there as the same producer: what it had written already has its
number on the stream, and is not written twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

import anyio
from darklaunch.capture.recorder import CaptureRecorder
from darklaunch.capture.recording import RequestHead
from darklaunch.delivery.thread import DeliveryThread
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.exchange import Headers, Response

from darklaunch_console.errors import ConsoleError

from .ask_primary import PrimaryClient
from .checkpoint import Checkpoint
from .recorded import RecordedRequest

CHUNK: Final = 200
CHUNK_BYTES: Final = 32 * 1_048_576
MOST_WAITING: Final = 600
"""Exchanges of the launch that may wait for workers: what waits too long counts as stale."""
POLL_S: Final = 0.02
STALLED_S: Final = 30.0
SOON_S: Final = 0.05

Progress = Callable[["ImportCounts", str], None]
"""Called with the counts so far and with what is waited for, "" if nothing is."""


@dataclass(slots=True)
class ImportCounts:
    """What became of the requests of a recording.

    read      requests read from the file
    mirrored  those that are on the stream
    left_out  those that are not, by reason
    """

    read: int = 0
    mirrored: int = 0
    left_out: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions:
    """How a traffic file is played.

    origin     the only origin whose requests are mirrored; "" for all
    speed      how many times as fast as it was recorded; 0 for as fast as the workers are
    save       keeps a checkpoint; nothing is kept of stdin
    """

    origin: str
    speed: float
    save: Callable[[Checkpoint], None]


class TrafficPlayer:
    """Plays traffic files into one launch. `primary` is asked for responses that they lack; None if there is none."""

    def __init__(
        self,
        recorder: CaptureRecorder,
        thread: DeliveryThread,
        redis: RedisClient,
        state: LaunchState,
        *,
        primary: PrimaryClient | None,
    ) -> None:
        self._recorder = recorder
        self._thread = thread
        self._redis = redis
        self._launch = state.name
        self._captures = keys.captures(state.name, keys.shard_of(thread.producer, max(1, state.spec.shards)))
        self._primary = primary
        self._handed_over = 0

    async def play(
        self, requests: Iterator[RecordedRequest], begin: Checkpoint, options: PlayOptions, on_progress: Progress
    ) -> ImportCounts:
        """Play the requests that follow `begin`. Raises ConsoleError when the launch does not take them."""
        counts = ImportCounts()
        for _ in range(begin.position):
            next(requests, None)
        self._handed_over = begin.count_accounted()
        await self._wait_for_launch()
        began_s, first_at_s = time.monotonic(), None
        chunk: list[RecordedRequest] = []
        size = 0
        for request in requests:
            if options.speed and request.at_s is not None:
                first_at_s = request.at_s if first_at_s is None else first_at_s
                due_s = began_s + (request.at_s - first_at_s) / options.speed
                if due_s - time.monotonic() > SOON_S:
                    await self._play_chunk(chunk, begin, counts, options, on_progress)
                    chunk, size = [], 0
                    await anyio.sleep(max(0.0, due_s - time.monotonic()))
            chunk.append(request)
            size += len(request.body) + (len(request.response.body) if request.response else 0)
            if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
                await self._play_chunk(chunk, begin, counts, options, on_progress)
                chunk, size = [], 0
        await self._play_chunk(chunk, begin, counts, options, on_progress)
        return counts

    async def _play_chunk(
        self,
        chunk: Sequence[RecordedRequest],
        begin: Checkpoint,
        counts: ImportCounts,
        options: PlayOptions,
        on_progress: Progress,
    ) -> None:
        if not chunk:
            return
        await self._wait_for_room(counts, on_progress)
        wanted = [request for request in chunk if not options.origin or request.origin in ("", options.origin)]
        counts.left_out["other_origin"] += len(chunk) - len(wanted)
        for request, response in zip(wanted, await self._find_responses(wanted), strict=True):
            if response is None:
                counts.left_out["no_response"] += 1
            else:
                self._hand_over(request, response, options.origin)
        await self._wait_until_accounted()
        counts.read += len(chunk)
        counters = self._thread.read_counters(self._launch)
        if counters:
            counts.mirrored = counters.seq - begin.seq
            for reasons, before in ((counters.skipped, begin.skipped), (counters.dropped, begin.dropped)):
                for reason, count in reasons.items():
                    counts.left_out[reason] = count - before.get(reason, 0)
        options.save(Checkpoint.of(begin.position + counts.read, counters))
        on_progress(counts, "")

    async def _find_responses(self, requests: Sequence[RecordedRequest]) -> list[Response | None]:
        responses = [request.response for request in requests]
        if self._primary is not None:
            missing = [at for at, response in enumerate(responses) if response is None]
            for at, response in zip(
                missing, await self._primary.ask_all([requests[at] for at in missing]), strict=True
            ):
                responses[at] = response
        return responses

    def _hand_over(self, request: RecordedRequest, response: Response, origin: str) -> None:
        """Record one exchange as if a server had received it: what the hook leaves out is left out here too."""
        scheme, _, authority = (request.origin or origin or "http://localhost").partition("://")
        name, _, port = authority.rpartition(":") if authority.rpartition(":")[2].isdigit() else (authority, "", "")
        headers = request.headers
        if not any(field == "host" for field, _ in headers):
            headers = (("host", authority), *headers)
        head = RequestHead(
            request.method, request.target, scheme, name, port or None, "", headers, dict(headers), len(request.body)
        )
        self._handed_over += 1
        recording = self._recorder.begin_recording(0.0, request.method, request.target, lambda: head)
        if recording is None:  # counted as skipped
            return
        began_s = perf_counter()
        recording.add_request_chunk(request.body, last=True)
        recording.begin_response(response.status, _find_content_type(response.headers), response.headers)
        recording.add_response_chunk(response.body, began_s + response.latency_ms / 1000)
        recording.finish()

    async def _wait_for_launch(self) -> None:
        """Wait until the recorder knows the launch. Raises ConsoleError when it does not sample."""
        until_s = time.monotonic() + 10.0
        while not self._recorder.snapshot.sampling_launches:
            if time.monotonic() > until_s:
                raise ConsoleError(
                    f"{self._launch} takes no requests: it is paused, has ended or is at 0 %, or Redis does not "
                    f"respond. See darklaunch show {self._launch}"
                )
            await anyio.sleep(POLL_S)

    async def _wait_for_room(self, counts: ImportCounts, on_progress: Progress) -> None:
        """Wait until few enough exchanges wait for workers. Raises ConsoleError when the launch has ended meanwhile."""
        while int(self._redis.execute_command("XLEN", self._captures)) > MOST_WAITING:
            on_progress(counts, "the workers")
            await anyio.sleep(5 * POLL_S)
            self._check_launch(counts)
        self._check_launch(counts)

    def _check_launch(self, counts: ImportCounts) -> None:
        if not self._recorder.snapshot.sampling_launches:
            raise ConsoleError(
                f"{self._launch} takes no more requests after {counts.read:,} of the file: it was paused or has "
                f"ended. See darklaunch show {self._launch}; the same import goes on from there"
            )

    async def _wait_until_accounted(self) -> None:
        """Wait until everything that was handed over is on the stream or counted. Raises ConsoleError after 30 s."""
        before, until_s = -1, time.monotonic() + STALLED_S
        while (accounted := self._count_accounted()) < self._handed_over:
            if accounted != before:
                before, until_s = accounted, time.monotonic() + STALLED_S
            if time.monotonic() > until_s:
                raise ConsoleError(
                    "Redis has taken nothing for 30 s. Check it with `darklaunch doctor`; the same import goes on "
                    "from where it stands"
                )
            await anyio.sleep(POLL_S)

    def _count_accounted(self) -> int:
        counters = self._thread.read_counters(self._launch)
        return Checkpoint.of(0, counters).count_accounted()


def _find_content_type(headers: Headers) -> str:
    return next((value for name, value in headers if name == "content-type"), "")
