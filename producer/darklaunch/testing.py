"""See in your own tests what would be captured, without Redis.

from darklaunch.testing import captured

def test_tokens_stay_here(client):
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
from .capture.launch_snapshot import snapshot_of
from .capture.recorder import CaptureRecorder, welcoming
from .delivery.known_promotions import FLAGS
from .delivery.packing import RecordingPacker
from .settings import HookSettings

LAUNCH = "captured"


class CapturedExchanges:
    """What the hooks of this process captured: `exchanges` in order, `skipped` and `dropped` counted by reason."""

    def __init__(self, outbox: RecordingBuffer) -> None:
        self._outbox = outbox
        self._packer = RecordingPacker(HookSettings())
        self._exchanges: list[Exchange] = []
        self._skipped: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    @property
    def exchanges(self) -> list[Exchange]:
        """What would travel, redacted as it would be; ids are `captured:1`, `captured:2`, …"""
        self._collect()
        return self._exchanges

    @property
    def skipped(self) -> dict[str, int]:
        """Requests that do not count as sampled, by reason."""
        self._collect()
        return dict(self._skipped)

    @property
    def dropped(self) -> dict[str, int]:
        """Requests that were sampled and would not travel, by reason."""
        self._collect()
        return dict(self._dropped)

    def _collect(self) -> None:
        for _, sampled, reason in self._outbox.take_notes():
            (self._dropped if sampled else self._skipped)[reason] += 1
        for recorded in self._outbox.take(len(self._outbox)):
            identity = f"{LAUNCH}:{len(self._exchanges) + 1}"
            sample = self._packer.sample(recorded, self._outbox)
            parcel = sample.parcel(LAUNCH, identity, seal=False)
            sample.settle()
            fields = {keys.V: VERSION, keys.ID: identity.encode(), keys.META: parcel.meta}
            bodies = {keys.REQUEST: parcel.request, keys.RESPONSE: parcel.response}
            self._exchanges.append(unpack_exchange(fields | bodies))


@contextmanager
def promoted(*names: str) -> Generator[None]:
    """Have `is_promoted` answer True for these launches and False for all others until the block ends."""
    before = FLAGS.pin(names)
    try:
        yield
    finally:
        FLAGS.pin(before)


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

    Works on every hook of the process, whether it has a Redis or not; a running background thread is stopped first.
    Raises BadLaunch for policies that a launch could not have.
    """
    spec = LaunchSpec("http://shadow.invalid", allow=allow, only=only, skip=skip, sticky=sticky)
    state = LaunchState(LAUNCH, LaunchStatus.ACTIVE, check_percent(percent), False, 1, spec)
    snapshot, broken = snapshot_of({LAUNCH: state})
    if broken:
        raise BadLaunch(broken[LAUNCH])
    outbox = RecordingBuffer(HookSettings().outbox_bytes, HookSettings().outbox_entries)
    diverted: list[CaptureRecorder] = []

    def divert(recorder: CaptureRecorder) -> None:
        recorder.divert(snapshot, outbox)
        diverted.append(recorder)

    try:
        with welcoming(divert):
            yield CapturedExchanges(outbox)
    finally:
        for recorder in diverted:
            recorder.restore()
