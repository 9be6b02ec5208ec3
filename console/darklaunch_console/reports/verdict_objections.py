"""What speaks against a promotion by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from darklaunch_console.output.screen import make_printable


def list_objections(summary: Mapping[str, Any]) -> list[str]:
    """Return what speaks against a promotion: no evidence, a verdict to roll back, busy endpoints not judged yet."""
    if not summary.get("judged") and summary.get("verdict") != "shadow_down":
        return ["nothing of it has been judged yet"]
    if summary["verdict"] == "shadow_down":
        return [f"its shadow is down: {make_printable(str(summary['why']), 300)}"]
    if summary["verdict"] == "roll_back":
        return [f"the verdict is to roll it back: {make_printable(str(summary['why']), 300)}"]
    return [
        f"{make_printable(str(each['what']), 200)} and is not judged"
        for each in _values(summary, "uncovered")
        if each["blocking"]
    ] + _list_latency_objections(summary)


def _list_latency_objections(summary: Mapping[str, Any]) -> list[str]:
    """Return that latency is not cleared, if it is not."""
    uncleared = [guard["guard"] for guard in _values(summary, "guards") if not guard.get("cleared", True)]
    if not uncleared or summary["latency"]["waived"]:
        return []
    what = make_printable(str(summary["latency"]["what"]), 200)
    return [f"the shadow is not shown to be no slower at {', '.join(uncleared)} ({what})"]


def _values(summary: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], summary[name])
