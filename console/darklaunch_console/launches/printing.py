"""How a command prints what it changed: the outcome, what follows from it, what to type next; or one JSON object."""

from __future__ import annotations

from darklaunch_shared.launch.spec import LaunchState

from darklaunch_console.output.screen import print_json, print_line, print_lines, wrap_text

from .change import CurrentLaunch
from .launch_json import change_to_json


class ChangePrinter:
    """Prints the outcome of a change of one launch, as text or as JSON."""

    def __init__(self, in_json: bool) -> None:
        self._in_json = in_json

    def print_changed(self, state: LaunchState, line: str, style: str) -> None:
        """Print what is so now."""
        if self._in_json:
            print_json(change_to_json(state, changed=True))
        else:
            for part in wrap_text(line, more="  "):
                print_line(part, style=style)

    def print_unchanged(self, before: CurrentLaunch, line: str) -> None:
        """Print that nothing had to be changed."""
        if self._in_json:
            print_json(change_to_json(before.state, changed=False))
        else:
            print_lines(wrap_text(line, more="  "))

    def print_next(self, command: str, remark: str = "") -> None:
        """Print what follows from the change, if anything, and the command to type next."""
        if self._in_json:
            return
        if remark:
            print_lines(wrap_text(remark, "  ", "  "))
        print_lines(wrap_text(f"Next: {command}", "  ", "  "))
