"""Acts that change how much is mirrored: pause, resume, ramp. Each raises ConsoleError where it refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.errors import ServerUnreachable
from darklaunch_console.launches.change import ChangeNotPublished, change_launch, find_launch
from darklaunch_console.launches.description import (
    STATUS_WORDS,
    describe_mirroring,
    describe_standstill,
    describe_status,
)
from darklaunch_console.output.numbers import format_percent, format_seconds
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

from .act_result import ActResult


def pause_launch(settings: ConsoleSettings, name: str, *, actor: str, reason: str) -> ActResult:
    """Stop mirroring a launch for a while; exchanges that wait are kept."""
    with open_redis(settings) as redis, _suggesting_rollback(name), open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is not LaunchStatus.ACTIVE:
            status = STATUS_WORDS[before.state.status]
            sentence = f"{name} is {status} already: nothing is mirrored."
            return ActResult(state=before.state, changed=False, sentence=sentence)
        act = LaunchAct(actor, "paused", reason)
        state = change_launch(redis, connection, before, act, status=LaunchStatus.PAUSED).state
    oldest = format_seconds(state.spec.max_age_s)
    return ActResult(
        state=state,
        changed=True,
        sentence=f"{name} is paused: within a second nothing is mirrored any more.",
        remark=f"Exchanges that wait are kept; what is older than {oldest} is not replayed.",
        next_command=f"darklaunch resume {name}, or darklaunch drain {name} --discard",
        is_good=False,
    )


def resume_launch(settings: ConsoleSettings, name: str, *, actor: str, reason: str) -> ActResult:
    """Mirror a launch again, at the share it had: end a pause, an emergency hold or a rollback."""
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.ACTIVE and not before.held_somewhere:
            sentence = f"{name} is active already: {describe_mirroring(before.state)}."
            return ActResult(state=before.state, changed=False, sentence=sentence)
        old_status = describe_status(before.state, held=before.held_somewhere)
        act = LaunchAct(actor, "resumed", reason)
        state = change_launch(redis, connection, before, act, status=LaunchStatus.ACTIVE, hold=False).state
    return ActResult(
        state=state,
        changed=True,
        sentence=f"{name} is active again: {describe_mirroring(state)}.",
        remark=f"It was {old_status}." if old_status != "paused" else "",
        next_command=f"darklaunch show {name}",
    )


def ramp_launch(settings: ConsoleSettings, name: str, percent: float, *, actor: str, reason: str) -> ActResult:
    """Change the share of requests that a launch mirrors, in percent, 0 to 100."""
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        old_percent = before.state.percent
        if old_percent == percent:
            sentence = f"{name} is at {format_percent(percent)} already. {describe_standstill(before.state, before)}"
            return ActResult(state=before.state, changed=False, sentence=sentence.rstrip())
        act = LaunchAct(actor, "ramped", reason)
        state = change_launch(redis, connection, before, act, percent=percent).state
    line = f"{name} is at {format_percent(percent)}, was {format_percent(old_percent)}"
    if standstill := describe_standstill(state, before):
        sentence = f"{line}. {standstill}"
        return ActResult(
            state=state, changed=True, sentence=sentence, next_command=f"darklaunch resume {name}", is_good=False
        )
    return ActResult(
        state=state,
        changed=True,
        sentence=f"{line}: {describe_mirroring(state)}.",
        remark="" if percent else "What is in progress is finished.",
        next_command=f"darklaunch report {name}",
    )


@contextlib.contextmanager
def _suggesting_rollback(name: str) -> Generator[None]:
    """Add to an error of Postgres what stops a launch without it."""
    try:
        yield
    except ChangeNotPublished:
        raise
    except ServerUnreachable as unreachable:
        hint = f"Without it, `darklaunch rollback {name}` stops mirroring"
        raise ServerUnreachable(f"{str(unreachable).rstrip('.')}. {hint}") from unreachable
