"""The dashboard's facts as JSON under /api/v1: what `--json` prints, with errors as problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, Protocol, TypeVar

from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.judgements import read_verdicts
from darklaunch_comparator.store.launches import list_events, list_launches
from darklaunch_shared.process.safe_json import dump_safe_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from darklaunch_console.launches.launch_json import record_to_json
from darklaunch_console.reports.evidence import gather_evidence
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.reports.report_json import report_to_json
from darklaunch_console.reports.verdict_json import verdict_to_json
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

PREFIX: Final = "/api/v1"
EVENTS: Final = 100

T = TypeVar("T")


class ReadPostgres(Protocol):
    """Calls a function with a connection, and returns what it returns."""

    def __call__(self, function: Callable[[Connection], T], /) -> T: ...


def build_api_routes(read: ReadPostgres) -> list[Route]:
    """Return the routes of the API, each of which reads by `read`."""

    def serve(function: Callable[[Connection, str], Any]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            name = str(request.path_params.get("name", ""))
            return render_json(read(lambda connection: function(connection, name)))

        return endpoint

    return [
        Route(f"{PREFIX}/launches", serve(lambda connection, _: read_launch_list(connection))),
        Route(f"{PREFIX}/launches/{{name}}/report", serve(read_report)),
        Route(f"{PREFIX}/launches/{{name}}/verdict", serve(read_verdict)),
        Route(f"{PREFIX}/launches/{{name}}/events", serve(read_events)),
    ]


def read_launch_list(connection: Connection) -> dict[str, Any]:
    """Return every launch with its verdict and its ledger."""
    verdicts = read_verdicts(connection)
    return {
        "launches": [
            {
                **record_to_json(record),
                "verdict": verdicts.get(record.state.name),
                "ledger": asdict(report_queries.read_launch_ledger(connection, record.state.name)),
            }
            for record in list_launches(connection)
        ]
    }


def read_report(connection: Connection, name: str) -> dict[str, Any]:
    """Return what `darklaunch report NAME --json` prints. Raises NoSuchLaunch."""
    return report_to_json(gather_evidence(connection, name))


def read_verdict(connection: Connection, name: str) -> dict[str, Any]:
    """Return what `darklaunch verdict NAME --json` prints. Raises NoSuchLaunch."""
    return verdict_to_json(read_judged_launch(connection, name))


def read_events(connection: Connection, name: str) -> dict[str, Any]:
    """Return the latest events of a launch, the latest first. Raises NoSuchLaunch."""
    read_launch_record(connection, name)
    return {"launch": name, "events": [asdict(event) for event in list_events(connection, name, EVENTS)]}


def is_api_request(request: Request) -> bool:
    """True if the request asks for JSON by its address."""
    return request.url.path.startswith(f"{PREFIX}/")


def render_json(value: Any, *, status: int = 200, media_type: str = "application/json") -> Response:
    """Return a value as a JSON response, its keys in the order they were given."""
    body = dump_safe_json(value, default=_encode)
    return Response(body, status_code=status, media_type=media_type)


def render_problem(status: int, title: str, detail: str) -> Response:
    """Return an error as problem+json."""
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return render_json(problem, status=status, media_type="application/problem+json")


def _encode(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    raise TypeError(f"{type(value).__name__} has no JSON form")
