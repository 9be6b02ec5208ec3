"""A launch as JSON values, the same in every command."""

from __future__ import annotations

from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_shared.launch.spec import LaunchState


def state_to_json(state: LaunchState) -> dict[str, object]:
    """Return a launch's state as JSON values."""
    return {
        "launch": state.name,
        "status": state.status.value,
        "percent": state.percent,
        "hold": state.hold,
        "revision": state.revision,
        "shadow": state.spec.shadow,
    }


def record_to_json(record: LaunchRecord) -> dict[str, object]:
    """Return a recorded launch's state and when it was created and changed, as JSON values."""
    return {**state_to_json(record.state), "created_at": record.created_at, "updated_at": record.updated_at}


def change_to_json(state: LaunchState, *, changed: bool, **more: object) -> dict[str, object]:
    """Return what a command that changes launches prints with --json; `changed` is False if nothing had to change."""
    return {**state_to_json(state), "build": state.spec.build or None, "changed": changed, **more}
