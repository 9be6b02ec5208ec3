"""What an act on a launch has changed, and the sentences that say so."""

from __future__ import annotations

from dataclasses import dataclass

from darklaunch_shared.launch.spec import LaunchState


@dataclass(frozen=True, slots=True, kw_only=True)
class ActResult:
    """A launch after an act. `changed` is False if nothing had to change.

    `sentence` says what is so now, `remark` what follows from it, and `next_command` what to type next. `is_good` is
    False for an act that stops mirroring or starts none.
    """

    state: LaunchState
    changed: bool
    sentence: str
    remark: str = ""
    next_command: str = ""
    is_good: bool = True
