"""One stored exchange: its request, both responses side by side, the commands that repeat it, and what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_comparator.rules import load_rules
from darklaunch_comparator.store.report_queries import ResultRow, StoredSample, read_result, read_sample
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Request, Response
from darklaunch_shared.wire.replay import LatencySource, ShadowError, ShadowResponse

from darklaunch_console.dashboard.drawings.sides import SideLine, draw_lines
from darklaunch_console.dashboard.errors import NoSuchPage
from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import format_ms
from darklaunch_console.output.screen import make_printable
from darklaunch_console.reports.align_sequences import DIFFERS, LEFT, RIGHT, SAME
from darklaunch_console.reports.columns import EXCUSED, mark_excused
from darklaunch_console.reports.curl_command import ONE_A_LINE, build_curl_command
from darklaunch_console.reports.masked_places import find_masked_places
from darklaunch_console.reports.request_changes_text import describe_request_changes
from darklaunch_console.reports.response_rows import align_bodies, is_cut, list_body_lines
from darklaunch_console.reports.rule_trial import compare_sample
from darklaunch_console.reports.side_by_side import SideBySideRow
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

HEADERS: Final = 60
"""Header fields of a response that are shown."""
REQUEST_LINES: Final = 100
COMMAND_CHARS: Final = 20_000
"""The longest curl command that a page carries."""

_REASONS: Final = {
    "own_origin": "each side’s own address",
    "own_field": "belongs to the connection",
    "clock": "timestamp",
    "generated_id": "new each time",
    "only": "outside of what is compared",
    "unordered": "order means nothing",
    "status_classes": "same class",
    "headers": "never compared",
    "ignored": "ignored by a rule",
    "ignored_pattern": "ignored by a rule",
}
"""What the reasons of excuses are called beside a line; any other by its own name."""


@dataclass(frozen=True, slots=True)
class CurlCommand:
    """The command that sends the request to one side again, and why there is none if there is none."""

    side: str
    text: str
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeView:
    """A stored exchange as pages show it.

    headers, body  lines that stand side by side; `omitted` counts those of the body that are not shown
    cut            True if only the beginning of a body was laid out
    error          why there is no response of the shadow, "" if there is one
    changes        what the launch changes in requests for the shadow
    redacted       header fields that were removed before the exchange left the app
    """

    sample: StoredSample
    request_lines: tuple[str, ...]
    more_request_lines: int
    headers: tuple[SideLine, ...]
    body: tuple[SideLine, ...]
    omitted: int
    cut: bool
    error: str
    primary_ms: float
    shadow_ms: float | None
    timed_by: str
    commands: tuple[CurlCommand, ...]
    masked: tuple[str, ...]
    changes: str
    whole: bool

    @property
    def request(self) -> Request:
        """The captured request."""
        return self.sample.replay.exchange.request

    @property
    def redacted(self) -> tuple[str, ...]:
        """The names of the credentials that were left out of the request."""
        return self.sample.replay.exchange.redacted

    @property
    def build(self) -> str:
        """The shadow's build, "" if unknown."""
        return self.sample.replay.shadow.build


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangePage:
    """All that the page of one exchange shows; `view` is None if its bodies were not kept."""

    launch: str
    status: str
    exchange_id: str
    result: ResultRow | None
    view: ExchangeView | None


def read_exchange(connection: Connection, name: str, exchange_id: str, *, whole: bool = False) -> ExchangePage:
    """Read the page of an exchange. Raises NoSuchLaunch, and NoSuchPage for an exchange that is not recorded."""
    state = read_launch_record(connection, name).state
    sample = read_sample(connection, exchange_id, name)
    result = read_result(connection, name, exchange_id)
    if sample is None and result is None:
        raise NoSuchPage(
            f"{name} has no exchange {make_printable(exchange_id, 60)}: it was never recorded, or is past retention."
        )
    view = read_exchange_view(connection, sample, state.spec, whole=whole) if sample else None
    return ExchangePage(launch=name, status=describe_status(state), exchange_id=exchange_id, result=result, view=view)


def read_exchange_view(
    connection: Connection, sample: StoredSample, spec: LaunchSpec, *, whole: bool = False
) -> ExchangeView:
    """Return a stored exchange as pages show it, with why what was excused was: by the rules of now."""
    exchange, shadow = sample.replay.exchange, sample.replay.shadow
    places = [str(each["path"]) for each in sample.differences]
    if isinstance(shadow, ShadowResponse):
        cut = is_cut(exchange.primary) or is_cut(shadow.response)
        reasons = {} if cut else _read_reasons(connection, sample, spec)  # comparing long bodies takes seconds
        headers = _list_header_rows(exchange.primary, shadow.response, places)
        rows = align_bodies(exchange.primary, shadow.response)
        if "status" not in places and "latency" not in places and not sample.omitted:
            rows = mark_excused(rows, places)
    else:
        reasons = {}
        headers = [SideBySideRow(f"{exchange.primary.status}", None, "status", LEFT)]
        headers += [SideBySideRow(f"{name}: {value}", None, name, SAME) for name, value in exchange.primary.headers]
        rows = [SideBySideRow(line, None, "", SAME) for line in list_body_lines(exchange.primary)]
        cut = is_cut(exchange.primary)
    body, omitted = draw_lines(rows, reasons, whole=whole)
    header_reasons = {row.place: reasons.get(row.place, "not compared") for row in headers}
    header_lines, _ = draw_lines(headers[: 2 * HEADERS], header_reasons, numbered=False, whole=True)
    request_lines = list_body_lines(Response(0, exchange.request.headers, exchange.request.body, 0.0))
    return ExchangeView(
        sample=sample,
        request_lines=tuple(make_printable(line, 500) for line in request_lines[:REQUEST_LINES]),
        more_request_lines=max(0, len(request_lines) - REQUEST_LINES),
        headers=tuple(header_lines),
        body=tuple(body),
        omitted=omitted,
        cut=cut,
        error=_describe_error(shadow) if isinstance(shadow, ShadowError) else "",
        primary_ms=exchange.primary.latency_ms,
        shadow_ms=shadow.response.latency_ms if isinstance(shadow, ShadowResponse) else None,
        timed_by=_describe_clock(shadow) if isinstance(shadow, ShadowResponse) else "",
        commands=tuple(
            _build_command(side, exchange.request, origin)
            for side, origin in (("primary", exchange.request.origin), ("shadow", spec.shadow))
        ),
        masked=tuple(find_masked_places(exchange.request)),
        changes=describe_request_changes(spec),
        whole=whole,
    )


def _read_reasons(connection: Connection, sample: StoredSample, spec: LaunchSpec) -> dict[str, str]:
    """Return why differences are excused, by place: the exchange is compared again."""
    try:
        comparison = compare_sample(connection, sample, spec, load_rules(spec.rules))
    except ConsoleError:  # it cannot be compared: nothing was excused
        return {}
    return {each.path: _REASONS.get(each.reason, each.reason.replace("_", " ")) for each in comparison.excuses}


def _list_header_rows(primary: Response, shadow: Response, places: Sequence[str]) -> list[SideBySideRow]:
    mark = SAME if primary.status == shadow.status else DIFFERS if "status" in places else EXCUSED
    rows = [SideBySideRow(str(primary.status), str(shadow.status), "status", mark)]
    left, right = _join_headers(primary), _join_headers(shadow)
    for name in dict.fromkeys([*left, *right]):
        one, other = left.get(name), right.get(name)
        place = f"header:{name}"
        if one == other:
            mark = SAME
        elif place not in places:
            mark = EXCUSED
        else:
            mark = LEFT if other is None else RIGHT if one is None else DIFFERS
        texts = [None if value is None else f"{name}: {value}" for value in (one, other)]
        rows.append(SideBySideRow(texts[0], texts[1], place, mark))
    return rows


def _join_headers(response: Response) -> dict[str, str]:
    """Return header fields by name, those that occur more than once joined as RFC 9110 5.2 says."""
    joined: dict[str, str] = {}
    for name, value in response.headers[: 2 * HEADERS]:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _describe_error(shadow: ShadowError) -> str:
    what = f"No response: {shadow.error.value.replace('_', ' ')}, given up after {format_ms(shadow.waited_ms)}"
    return f"{what}. {make_printable(shadow.detail, 300)}" if shadow.detail else what


def _describe_clock(shadow: ShadowResponse) -> str:
    if shadow.latency_source is LatencySource.SERVER_TIMING:
        return "both inside the app"
    return "the primary inside the app, the shadow by the worker"


def _build_command(side: str, request: Request, origin: str) -> CurlCommand:
    try:
        command = build_curl_command(request, origin, separator=ONE_A_LINE)
    except ConsoleError as error:
        return CurlCommand(side, "", make_printable(str(error), 300))
    if len(command) > COMMAND_CHARS:
        return CurlCommand(side, "", "It is too long for a page: `darklaunch curl` prints it.")
    return CurlCommand(side, command)
