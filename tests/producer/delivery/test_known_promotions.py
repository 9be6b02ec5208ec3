"""What a process knows of promotions."""

from __future__ import annotations

from darklaunch.delivery.known_promotions import KnownPromotions
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus


def test_only_a_newer_state_changes_what_is_known() -> None:
    def state(status: LaunchStatus, *, hold: bool = False) -> LaunchState:
        return LaunchState("", status, 100, hold, 1, LaunchSpec("http://shadow"))

    promotions = KnownPromotions()
    promotions.update(
        {
            "a": state(LaunchStatus.PROMOTED),
            "b": state(LaunchStatus.PROMOTED, hold=True),
            "c": state(LaunchStatus.ACTIVE),
        }
    )
    for states in ({}, {"b": state(LaunchStatus.ACTIVE)}):
        promotions.update(states)
        assert promotions.by_launch == {"a": True, "b": False, "c": False}
    promotions.update({"a": state(LaunchStatus.ROLLED_BACK)})
    assert promotions.by_launch == {"a": False, "b": False, "c": False}
