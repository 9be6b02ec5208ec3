"""How `accept`, `resolve` and `reopen` print what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from darklaunch_comparator.store.signatures import SignatureDecision

from darklaunch_console.output.screen import GOOD, print_json, print_line, print_lines, wrap_text
from darklaunch_console.output.text import format_plural

from .signatures import name_signature


def print_decisions(
    launch: str, decisions: Sequence[SignatureDecision], state: str, *, in_json: bool, consequence: str = ""
) -> None:
    """Print what changed, what follows from it, and what to type next."""
    if in_json:
        print_json([{**asdict(decision), "changed": decision.was != decision.now} for decision in decisions])
        return
    changed = [decision for decision in decisions if decision.was != decision.now]
    if changed:
        now = "open again" if state == "open" else state
        is_or_are = "is" if len(changed) == 1 else "are"
        print_line(f"{format_plural(len(changed), 'signature')} {is_or_are} {now}.", style=GOOD)
    else:
        print_line(f"Nothing to do: {'it is' if len(decisions) == 1 else 'all are'} {state} already.")
    for decision in decisions:
        already = " (already)" if decision.was == decision.now and changed else ""
        print_lines(wrap_text(f"{decision.fingerprint}  {name_signature(decision)}{already}", "  ", " " * 14))
    if consequence and changed:
        print_lines(wrap_text(consequence))
    print_line(f"Next: darklaunch mismatches {launch}{'' if state == 'open' else f' --state {state}'}")
