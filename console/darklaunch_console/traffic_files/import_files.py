"""Importing files into a launch, one after the other, each as a producer of its own."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from darklaunch.recorders import open_launch_recorder
from darklaunch.settings import HookSettings, read_settings
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.spec import RECORDED_APP, LaunchState
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.errors import ConsoleError

from .ask_primary import PrimaryClient
from .checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from .player import ImportCounts, PlayOptions, Progress, TrafficPlayer
from .recorded import BadTrafficFile, RecordedRequest
from .traffic_file import identify_file, read_traffic_file

BUFFER_BYTES: Final = 512 * 1_048_576  # a chunk must fit, with what the primary is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What is imported, and how.

    kind     format of the files, "" to look at each
    origin   origin whose requests are mirrored, "" for the first one of each file
    primary  whom to ask for responses that the files lack; None for nobody
    slots    how many requests the primary gets at a time
    speed    how many times as fast as it was recorded; 0 for as fast as the workers are
    limit    requests to read of each file; 0 for all
    again    files that were imported before are imported once more
    """

    kind: str = ""
    origin: str = ""
    primary: Origin | None = None
    slots: int = 4
    speed: float = 0.0
    limit: int = 0
    again: bool = False


@dataclass(slots=True)
class ImportedFile:
    """A file that was imported: from which origin, what became of its requests.

    `resumed_at` is how many requests an import before had read. `was_imported`: all of it, so nothing was done.
    """

    path: str
    origin: str = ""
    resumed_at: int = 0
    was_imported: bool = False
    counts: ImportCounts = field(default_factory=ImportCounts)
    failures: dict[str, int] = field(default_factory=dict[str, int])


async def import_file(
    redis: RedisClient, redis_url: str, state: LaunchState, path: str, options: ImportOptions, on_progress: Progress
) -> ImportedFile:
    """Import one file into a launch for recorded traffic.

    Raises BadTrafficFile for a file that cannot be read, ConsoleError when the launch does not take its requests.
    """
    file_id = identify_file(path)
    begin = Checkpoint() if options.again else read_checkpoint(redis, state.name, file_id)
    if begin.finished_at_ms:
        return ImportedFile(path, was_imported=True)
    first, requests = _peek(_read(path, options), path)
    imported = ImportedFile(path, options.origin or first.origin, begin.position)
    if options.primary is None:
        requests = map(_require_response, requests)
    primary = _make_client(options, state)
    saved = begin

    def save(checkpoint: Checkpoint) -> None:
        nonlocal saved
        saved = checkpoint
        save_checkpoint(redis, state.name, file_id, checkpoint)

    recorder, thread = open_launch_recorder(_build_settings(redis_url, state), state.name, begin.as_counters())
    try:
        player = TrafficPlayer(recorder, thread, redis, state, primary=primary)
        play = PlayOptions(origin=imported.origin, speed=options.speed, save=save)
        imported.counts = await player.play(requests, begin, play, on_progress)
        save(saved.finish(time.time_ns() // 1_000_000))
    finally:
        recorder.stop(for_good=True)
        if primary is not None:
            imported.failures = primary.failures
            await primary.aclose()
    return imported


def preview_files(paths: Sequence[str], options: ImportOptions) -> Iterable[tuple[str, Counter[str], list[str]]]:
    """Yield of each file its path, how many requests it has by origin, and its first requests, without sending any."""
    for path in paths:
        origins: Counter[str] = Counter()
        first: list[str] = []
        for request in _read(path, options):
            origins[request.origin] += 1
            if len(first) < 10:
                status = f" → {request.response.status}" if request.response else ""
                first.append(f"{request.method} {request.target}{status}")
        yield path, origins, first


def check_recorded(state: LaunchState) -> None:
    """Raise ConsoleError unless the launch is one for recorded traffic: live and recorded must not mix in a verdict."""
    if not state.spec.is_recorded:
        raise ConsoleError(
            f"{state.name} mirrors live traffic, and a verdict must not mix it with recorded requests. Start one "
            f"for these: darklaunch start NAME --recorded --shadow {state.spec.shadow}"
        )


def _read(path: str, options: ImportOptions) -> Iterator[RecordedRequest]:
    requests = read_traffic_file(path, options.kind)
    return itertools.islice(requests, options.limit) if options.limit else requests


def _peek(requests: Iterator[RecordedRequest], path: str) -> tuple[RecordedRequest, Iterator[RecordedRequest]]:
    first = next(requests, None)
    if first is None:
        raise BadTrafficFile(f"{path} has no request in it")
    return first, itertools.chain((first,), requests)


def _require_response(request: RecordedRequest) -> RecordedRequest:
    if request.response is None:
        raise BadTrafficFile(
            f"{request.place}: no response was recorded. Name the primary, which is then asked for it: --primary URL"
        )
    return request


def _make_client(options: ImportOptions, state: LaunchState) -> PrimaryClient | None:
    if options.primary is None:
        return None
    deadline_s, cap = state.spec.deadline_s, state.spec.response_cap_bytes
    return PrimaryClient(options.primary, slots=options.slots, deadline_s=deadline_s, body_cap_bytes=cap)


def _build_settings(redis_url: str, state: LaunchState) -> HookSettings:
    cap = max(state.spec.request_cap_bytes, state.spec.response_cap_bytes)
    settings = read_settings({"redis_url": redis_url, "app_name": RECORDED_APP, "body_cap_bytes": cap})
    return replace(settings, buffer_bytes=BUFFER_BYTES)
