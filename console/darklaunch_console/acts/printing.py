"""How a command prints an act: the outcome, what follows from it, what to type next; or one JSON object."""

from __future__ import annotations

from darklaunch_console.launches.launch_json import change_to_json
from darklaunch_console.output.screen import GOOD, WARN, print_json, print_line, print_lines, wrap_text

from .act_result import ActResult


def print_act(result: ActResult, *, in_json: bool) -> None:
    """Print what is so now, what follows from it if anything, and the command to type next."""
    if in_json:
        print_json(change_to_json(result.state, changed=result.changed))
        return
    style = (GOOD if result.is_good else WARN) if result.changed else ""
    for part in wrap_text(result.sentence, more="  "):
        print_line(part, style=style)
    if not result.changed:
        return
    if result.remark:
        print_lines(wrap_text(result.remark, "  ", "  "))
    print_lines(wrap_text(f"Next: {result.next_command}", "  ", "  "))
