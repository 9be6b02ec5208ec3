"""What `accept`, `resolve` and `reopen` decided, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from darklaunch_comparator.store.signatures import SignatureDecision

from darklaunch_console.output.screen import GOOD, StyledLine, wrap_text
from darklaunch_console.output.text import format_plural

from .signatures import name_signature


def decisions_to_json(decisions: Sequence[SignatureDecision]) -> list[dict[str, Any]]:
    """Return each decision with whether it changed anything."""
    return [{**asdict(decision), "changed": decision.was != decision.now} for decision in decisions]


def render_decisions(
    launch: str, decisions: Sequence[SignatureDecision], state: str, consequence: str = ""
) -> list[StyledLine]:
    """Return as lines what changed, what follows from it, and what to type next."""
    changed = [decision for decision in decisions if decision.was != decision.now]
    if changed:
        now = "open again" if state == "open" else state
        is_or_are = "is" if len(changed) == 1 else "are"
        lines = [(f"{format_plural(len(changed), 'signature')} {is_or_are} {now}.", GOOD)]
    else:
        lines = [(f"Nothing to do: {'it is' if len(decisions) == 1 else 'all are'} {state} already.", "")]
    for decision in decisions:
        already = " (already)" if decision.was == decision.now and changed else ""
        name = f"{decision.fingerprint}  {name_signature(decision)}{already}"
        lines += [(line, "") for line in wrap_text(name, "  ", " " * 14)]
    if consequence and changed:
        lines += [(line, "") for line in wrap_text(consequence)]
    return [*lines, (f"Next: darklaunch mismatches {launch}{'' if state == 'open' else f' --state {state}'}", "")]
