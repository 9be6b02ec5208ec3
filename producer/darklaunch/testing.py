"""See in your own tests what would be captured, without Redis.

from darklaunch.testing import captured

def test_tokens_are_not_captured(client):
    with captured() as seen:
        client.get("/orders/7", headers={"Authorization": "Bearer secret"})
    (exchange,) = seen.exchanges
    assert exchange.endpoint == "GET /orders/{id}"
    assert "authorization" not in dict(exchange.request.headers)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus, check_percent
from darklaunch_shared.wire.exchange import VERSION, Exchange, unpack_exchange

from .capture.buffer import RecordingBuffer
from .capture.launch_snapshot import build_snapshot
from .capture.recorder import CaptureRecorder
from .delivery.known_promotions import PROMOTIONS
from .delivery.packing import RecordingPacker
from .recorders import visit_recorders
from .settings import HookSettings

LAUNCH = "captured"


class CapturedExchanges:
    """What the hooks of this process captured: exchanges in order, and counts of what was skipped and dropped."""

    def __init__(self, buffer: RecordingBuffer) -> None:
        self._buffer = buffer
        self._packer = RecordingPacker(HookSettings())
        self._exchanges: list[Exchange] = []
        self._skipped: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges, redacted, as they would be written to Redis; ids are `captured:1`, `captured:2`, …"""
        self._collect_exchanges()
        return self._exchanges

    @property
    def skipped(self) -> dict[str, int]:
        """The number of requests that do not count as sampled, by reason."""
        self._collect_exchanges()
        return dict(self._skipped)

    @property
    def dropped(self) -> dict[str, int]:
        """The number of requests that were sampled and would not be written to Redis, by reason."""
        self._collect_exchanges()
        return dict(self._dropped)

    def _collect_exchanges(self) -> None:
        for _, sampled, reason in self._buffer.take_notes():
            (self._dropped if sampled else self._skipped)[reason] += 1
        for recording in self._buffer.take_recordings(len(self._buffer)):
            exchange_id = f"{LAUNCH}:{len(self._exchanges) + 1}"
            prepared = self._packer.prepare(recording, self._buffer)
            packed = prepared.pack(LAUNCH, exchange_id, seal=False)
            prepared.release()
            fields = {keys.V: VERSION, keys.ID: exchange_id.encode(), keys.META: packed.meta}
            bodies = {keys.REQUEST: packed.request, keys.RESPONSE: packed.response}
            self._exchanges.append(unpack_exchange(fields | bodies))


@contextmanager
def promoted(*names: str) -> Generator[None]:
    """Make `is_promoted` return True for these launches and False for all others, until the block ends."""
    previous = PROMOTIONS.override(names)
    try:
        yield
    finally:
        PROMOTIONS.override(previous)


@contextmanager
def captured(
    *,
    percent: float = 100,
    allow: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    skip: tuple[str, ...] = (),
    sticky: str = "",
) -> Generator[CapturedExchanges]:
    """Capture into memory, as a launch with these policies would, until the block ends.

    It works on every hook of the process, with a Redis or without; running background threads are stopped first.
    Raises BadLaunch for policies that a launch could not have.
    """
    spec = LaunchSpec("http://shadow.invalid", allow=allow, only=only, skip=skip, sticky=sticky)
    state = LaunchState(
        name=LAUNCH, status=LaunchStatus.ACTIVE, percent=check_percent(percent), hold=False, revision=1, spec=spec
    )
    snapshot, problems = build_snapshot({LAUNCH: state})
    if problems:
        raise BadLaunch(problems[LAUNCH])
    buffer = RecordingBuffer(HookSettings().buffer_bytes, HookSettings().buffer_entries)
    diverted: list[CaptureRecorder] = []

    def divert_recorder(recorder: CaptureRecorder) -> None:
        recorder.divert_to(snapshot, buffer)
        diverted.append(recorder)

    try:
        with visit_recorders(divert_recorder):
            yield CapturedExchanges(buffer)
    finally:
        for recorder in diverted:
            recorder.end_diversion()
