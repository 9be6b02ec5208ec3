"""What the launch state orders, and what a worker does not send whatever the hook decided."""

from dataclasses import replace
from typing import Any

import pytest
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_workers.admission.orders import HEAD_CAP_BYTES, HEADERS_CAP, ReplayMode, find_refusal, read_orders

from tests.support.workers import make_exchange

SPEC = LaunchSpec("http://a", allow=("POST /search",), request_cap_bytes=10, response_cap_bytes=100)


@pytest.mark.parametrize(
    ("request_parts", "reason"),
    [
        ({}, None),
        ({"method": "POST", "target": "/search?q=1", "body": b"x" * 10}, None),
        ({"method": "POST", "target": "/search?q=1", "body": b"x" * 11}, "too_large"),
        ({"target": "/" + "x" * HEAD_CAP_BYTES}, "too_large"),
        ({"target": "/" + "x" * (HEAD_CAP_BYTES - 1)}, None),
        ({"headers": (("x", "y" * HEAD_CAP_BYTES),)}, "too_large"),
        ({"headers": (("x", "y"),) * HEADERS_CAP}, None),
        ({"headers": (("x", "y"),) * (HEADERS_CAP + 1)}, "too_large"),
        ({"headers": (("X-DarkLaunch-Exchange", "a:1"),)}, "loop"),
        ({"method": "POST", "target": "/orders"}, "unsafe_method"),
        ({"method": "post", "target": "/search"}, "unsafe_method"),
        ({"method": "get"}, "unsafe_method"),
        ({"headers": (("X-HTTP-Method-Override", "DELETE"),)}, "method_override"),
        ({"target": "/search?_method=DELETE"}, "method_override"),
        ({"method": "POST", "target": "/x/../search"}, "unsafe_method"),
    ],
)
def test_the_rules_of_the_launch_are_applied_again(request_parts: dict[str, Any], reason: str | None) -> None:
    assert find_refusal(make_exchange("shop", 1, **request_parts), compile_path_policy(SPEC), SPEC) == reason


def test_a_method_that_a_body_names_is_judged() -> None:
    spec = LaunchSpec("http://a", allow=("POST /search",))
    form = (("content-type", "application/x-www-form-urlencoded"),)
    exchanges = [
        make_exchange("shop", 1, method="POST", target="/search", headers=form, body=body)
        for body in (b"q=1", b"q=1&_method=DELETE")
    ]
    refusals = [find_refusal(each, compile_path_policy(spec), spec) for each in exchanges]
    assert refusals == [None, "method_override"]


def test_a_response_that_could_not_be_compared_in_full_is_not_replayed() -> None:
    captured = make_exchange("shop", 1)
    large = replace(captured, primary=replace(captured.primary, body=b"x" * 101))
    assert find_refusal(large, compile_path_policy(SPEC), SPEC) == "too_large"


@pytest.mark.parametrize(
    ("status", "hold", "settle", "mode", "reason"),
    [
        (LaunchStatus.ACTIVE, False, "", ReplayMode.REPLAY, ""),
        (LaunchStatus.PROMOTED, False, "", ReplayMode.REPLAY, ""),
        (LaunchStatus.ACTIVE, False, "paused", ReplayMode.REPLAY, ""),
        (LaunchStatus.PAUSED, False, "", ReplayMode.WAIT, ""),
        (LaunchStatus.PAUSED, False, "paused", ReplayMode.DROP, "paused"),
        (LaunchStatus.ROLLED_BACK, False, "", ReplayMode.DROP, "superseded_by_rollback"),
        *((status, True, "", ReplayMode.DROP, "superseded_by_rollback") for status in LaunchStatus),
    ],
)
def test_the_launch_state_orders_to_replay_wait_or_drop(
    status: LaunchStatus, hold: bool, settle: str, mode: ReplayMode, reason: str
) -> None:
    orders = read_orders(LaunchState("x", status, 10, hold, 1, LaunchSpec("http://a"), settle))
    assert (orders.mode, orders.reason) == (mode, reason)


def test_a_state_that_cannot_be_read_means_wait() -> None:
    assert read_orders(None).mode is ReplayMode.WAIT
