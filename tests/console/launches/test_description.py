"""A launch in words: its status, what it mirrors, who stopped it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_console.launches.change import CurrentLaunch
from darklaunch_console.launches.description import (
    describe_mirroring,
    describe_standstill,
    describe_status,
    describe_stop,
)
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchSpec, LaunchState, LaunchStatus

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def make_state(status: LaunchStatus = LaunchStatus.ACTIVE, *, hold: bool = False, **spec: Any) -> LaunchState:
    return LaunchState("shop", status, 10.0, hold, 1, LaunchSpec("http://h", **spec))


def make_current(state: LaunchState, *, held: bool = False, by: str = "", why: str = "") -> CurrentLaunch:
    return CurrentLaunch(LaunchRecord(state, 0, NOW, NOW), held, 1, by, why)


@pytest.mark.parametrize(
    ("status", "hold", "word"),
    [
        (LaunchStatus.ACTIVE, False, "active"),
        (LaunchStatus.ACTIVE, True, "held"),
        (LaunchStatus.PAUSED, True, "held"),
        (LaunchStatus.ROLLED_BACK, True, "rolled back"),
        (LaunchStatus.PROMOTED, True, "promoted"),
    ],
)
def test_a_hold_is_the_status_of_a_launch_that_goes_on(status: LaunchStatus, hold: bool, word: str) -> None:
    assert describe_status(make_state(status, hold=hold)) == word
    assert describe_status(make_state(status), held=hold) == word


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "10 % of GET, HEAD and OPTIONS requests are mirrored to http://h"),
        ({"app": "shop\x1b"}, "10 % of the GET, HEAD and OPTIONS requests of shop\\x1b are mirrored to http://h"),
        (
            {"app": UNDECIDED_APP},
            "10 % of the GET, HEAD and OPTIONS requests of the first app that is seen are mirrored to http://h",
        ),
        (
            {"allow": ("POST /quote",)},
            "10 % of GET, HEAD and OPTIONS requests, and of POST /quote, are mirrored to http://h",
        ),
    ],
)
def test_what_is_mirrored_names_the_app_and_what_else_is_allowed(spec: dict[str, Any], said: str) -> None:
    assert describe_mirroring(make_state(**spec)) == said


def test_who_stopped_a_launch_is_named_with_the_reason() -> None:
    assert describe_stop(make_current(make_state())) == ""
    assert describe_stop(make_current(make_state(), held=True)) == "is held"
    assert (
        describe_stop(make_current(make_state(), held=True, by="ann@desk", why="slow")) == "is held by ann@desk: slow"
    )
    rolled_back = make_current(make_state(LaunchStatus.ROLLED_BACK), held=True, by="the judge")
    assert describe_stop(rolled_back) == "was rolled back by the judge"


def test_a_changed_launch_that_mirrors_nothing_says_so() -> None:
    assert describe_standstill(make_state(), make_current(make_state())) == ""
    held = describe_standstill(make_state(), make_current(make_state(), held=True))
    assert held == "It is held: nothing is mirrored until it is resumed."
    paused = make_state(LaunchStatus.PAUSED)
    assert describe_standstill(paused, make_current(paused)).startswith("It is paused: ")
