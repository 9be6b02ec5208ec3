"""SIGKILL at every numbered place: after a restart each exchange has exactly one result, and every sum is right."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from darklaunch_shared import keys
from darklaunch_shared.process.crash_points import CRASH_POINTS

from .outages import locked, shut_out
from .processes import Process
from .stage import Stage

pytestmark = pytest.mark.faults

Start = Callable[..., Process]


def died(stage: Stage, victim: Process) -> None:
    stage.until(lambda: victim.exit_code is not None, 30)
    assert victim.exit_code == -signal.SIGKILL, stage.logs()


def under_load(stage: Stage, place: str, start: Start) -> None:
    """Die in the middle of ordinary work."""
    stage.hook().load(150)
    died(stage, start(crash_at=f"{place}:3"))


def taking_over(stage: Stage, place: str, start: Start) -> None:
    """Die while taking over from one that died before."""
    stage.hook().load(100)
    before = "worker.responded:5" if start == stage.worker else "comparator.committed:2"
    died(stage, start(crash_at=before))
    died(stage, start(crash_at=place))


def burying(stage: Stage, place: str, start: Start) -> None:
    """Die over an entry that cannot be read."""
    stage.hook().load(100)
    stream = keys.captures(stage.name) if start == stage.worker else keys.replays(stage.name)
    stage.client.execute_command("XADD", stream, "*", "hello", "world")
    died(stage, start(crash_at=place))


def holding_on(stage: Stage, place: str, start: Start) -> None:
    """Die while exchanges take so long that their leases are extended."""
    hook = stage.hook()
    if start == stage.worker:
        stage.shadow.delay_s = 0.8
        hook.load(50)
        died(stage, start(crash_at=place, lease_s=1.0))
        stage.shadow.delay_s = 0.0
    else:
        hook.load(50)
        stage.until(lambda: stage.length(keys.replays(stage.name)) > 0)
        with locked(stage.dsn, "darklaunch.tally"):
            died(stage, start(crash_at=place, lease_s=1.0))


def ending(stage: Stage, place: str, start: Start) -> None:
    """Die while ending in good order."""
    stage.hook().load(150)
    victim = start(crash_at=place)
    stream, group = (
        (keys.captures(stage.name), keys.WORKER_GROUP)
        if start == stage.worker
        else (keys.replays(stage.name), keys.COMPARATOR_GROUP)
    )
    stage.until(lambda: stage.consumers(stream, group))
    victim.signal(signal.SIGTERM)
    died(stage, victim)


def handing_back(stage: Stage, place: str, start: Start) -> None:
    """Die while ending in good order with work in hand that cannot be done now."""
    hook = stage.hook()
    hook.load(200)
    if start == stage.worker:
        stage.until(lambda: stage.length(keys.captures(stage.name)) > 10)
        victim = start(crash_at=place)
        stage.until(lambda: len(stage.shadow.asked) > 2)
        victim.signal(signal.SIGTERM)
        died(stage, victim)
        return
    stage.until(lambda: stage.length(keys.replays(stage.name)) > 10)
    with shut_out(stage.dsn):
        victim = start(crash_at=place)
        stage.until(lambda: any(stage.consumers(keys.replays(stage.name), keys.COMPARATOR_GROUP).values()))
        victim.signal(signal.SIGTERM)
        died(stage, victim)


SCENES: dict[str, Callable[[Stage, str, Start], None]] = {
    "consumer.claimed": taking_over,
    "consumer.burying": burying,
    "consumer.buried": burying,
    "consumer.extended": holding_on,
    "consumer.handing_back": handing_back,
    "consumer.handed_back": handing_back,
    "consumer.left": ending,
    "worker.stopping": ending,
    "comparator.stopping": ending,
}


def of(kind: str) -> list[str]:
    return [place for place in CRASH_POINTS if place.startswith(f"{kind}.")]


@pytest.mark.parametrize("place", [*of("consumer"), *of("worker")])
def test_a_worker(stage: Stage, place: str) -> None:
    scene = SCENES.get(place, under_load)
    stage.launch(max_rps=5.0 if scene is handing_back else 0.0)
    stage.comparator()
    scene(stage, place, stage.worker)
    if scene is handing_back:
        stage.hooks[0].rest()
        stage.respecify(max_rps=0.0)
    stage.worker()
    stage.mended() if stage.hooks[0].loading else None
    stage.finish(f"a worker dies: {place}")


@pytest.mark.parametrize("place", [*of("consumer"), *of("comparator")])
def test_a_comparator(stage: Stage, place: str) -> None:
    stage.launch()
    stage.worker()
    SCENES.get(place, under_load)(stage, place, stage.comparator)
    stage.comparator()
    stage.mended()
    stage.finish(f"a comparator dies: {place}")


@pytest.mark.parametrize("place", of("leader"))
def test_a_leader(stage: Stage, place: str) -> None:
    unpublished = place in ("leader.publishing", "leader.published")
    stage.launch(published=not unpublished)
    if not unpublished:
        stage.hook().load(100)
        stage.until(lambda: stage.length(keys.captures(stage.name)) > 20)
    if place == "leader.hold_recorded":
        stage.client.execute_command("HSET", keys.launch(stage.name), "hold", 1)
    if place in ("leader.losses_written", "leader.losses_committed"):
        stage.client.execute_command("XTRIM", keys.captures(stage.name), "MAXLEN", 5)
    died(stage, stage.comparator(crash_at=place, gap_after_s=0.5))
    stage.worker()
    stage.comparator()
    if unpublished:
        stage.hook().load(100)
    if place != "leader.hold_recorded":
        stage.mended()
    account = stage.finish(f"a leader dies: {place}")
    assert ("lost_in_redis" in account["dropped"]) == (place in ("leader.losses_written", "leader.losses_committed"))


@pytest.mark.parametrize("place", of("hook"))
def test_an_app(stage: Stage, place: str) -> None:
    """Die in the background thread of an app: only what it held in memory is gone with it."""
    stage.launch()
    stage.worker()
    stage.comparator()
    ends = place in ("hook.drained", "hook.closed")
    victim = stage.app(60 if ends else 10_000, 200.0, crash_at=place if ends else f"{place}:3")
    died(stage, victim)
    began_s = time.monotonic()
    second = stage.app(100, 200.0, first=10_000)
    stage.until(lambda: second.exit_code == 0)
    stage.until(lambda: stage.rows() >= 100)
    stage.recovery_s = time.monotonic() - began_s
    account = stage.finish(f"an app dies: {place}", killed=None)
    assert account["killed"] < 50
