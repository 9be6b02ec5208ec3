"""Templates into pages: one Jinja environment, its filters, and what every page knows."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from darklaunch_shared.launch.spec import LaunchStatus
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from darklaunch_console.dashboard.confirmations import list_group_acts, list_launch_acts
from darklaunch_console.dashboard.drawings.last_hour import draw_last_hour
from darklaunch_console.dashboard.pages.exchanges import OUTCOMES
from darklaunch_console.dashboard.visitors import get_visitor
from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import (
    format_count,
    format_decimal,
    format_ms,
    format_percent,
    format_seconds,
    format_share,
    format_signed,
)
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.times import format_minute, format_second
from darklaunch_console.reports.coverage import describe_missing
from darklaunch_console.reports.events import describe_event, list_reasons
from darklaunch_console.reports.latency import format_latency_ms
from darklaunch_console.reports.noise_sentences import count_doubts
from darklaunch_console.reports.noise_text import COMPARED_BY
from darklaunch_console.reports.sentences import OUTCOME_MEANINGS, describe_decision, describe_period

STATUS_ICONS: Final = {
    LaunchStatus.ACTIVE: "play",
    LaunchStatus.PAUSED: "pause",
    LaunchStatus.PROMOTED: "check",
    LaunchStatus.ROLLED_BACK: "back",
}


def _format_clock(at: datetime) -> str:
    """Return the local time of day, for a table that has the day in a heading."""
    return at.astimezone().strftime("%H:%M:%S")


def _format_epoch_ms(at_ms: int) -> str:
    """Return a time that came over the wire; `–` for one that cannot be meant."""
    try:
        return format_second(datetime.fromtimestamp(at_ms / 1000, UTC)) if at_ms else "–"
    except (OverflowError, ValueError, OSError):
        return "–"


def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("darklaunch_console.dashboard"),
        autoescape=True,  # captured text is shown, never interpreted
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "at_ms": _format_epoch_ms,
        "clock": _format_clock,
        "count": format_count,
        "decimal": format_decimal,
        "iso": datetime.isoformat,
        "latency": format_latency_ms,
        "minute": format_minute,
        "ms": format_ms,
        "percent": format_percent,
        "printable": make_printable,
        "query": urlencode,
        "second": format_second,
        "seconds": format_seconds,
        "share": format_share,
        "shell": shlex.quote,
        "signed": format_signed,
    }
    functions: dict[str, Any] = {
        "COMPARED_BY": COMPARED_BY,
        "OUTCOME_MEANINGS": OUTCOME_MEANINGS,
        "OUTCOMES": OUTCOMES,
        "STATUS_ICONS": STATUS_ICONS,
        "count_doubts": count_doubts,
        "describe_decision": describe_decision,
        "describe_event": describe_event,
        "describe_missing": describe_missing,
        "describe_period": describe_period,
        "describe_status": describe_status,
        "draw_last_hour": draw_last_hour,
        "list_group_acts": list_group_acts,
        "list_launch_acts": list_launch_acts,
        "list_reasons": list_reasons,
    }
    for name, function in functions.items():
        environment.globals[name] = function
    return environment


_ENVIRONMENT: Final = _make_environment()


def render_page(template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return a page as a response. Raises jinja2.UndefinedError for a value that the template lacks."""
    now = datetime.now(UTC)
    text = _ENVIRONMENT.get_template(template).render(
        **values, now=now, visitor=get_visitor(), zone=now.astimezone().tzname()
    )
    return HTMLResponse(text, status_code=status)
