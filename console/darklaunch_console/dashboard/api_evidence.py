"""The evidence behind a launch as JSON: mismatches, recorded exchanges, and one exchange, beside their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from darklaunch_console.reports.exchange_view import exchange_to_json
from darklaunch_console.stores.postgres import Connection

from .api import PREFIX, ReadPostgres, render_json
from .errors import NoSuchPage
from .pages.exchange import read_exchange
from .pages.exchanges import read_exchanges
from .pages.group import read_group_page
from .pages.mismatches import read_mismatches


def build_evidence_routes(read: ReadPostgres) -> list[Route]:
    """Return the routes, each of which reads by `read` and takes the filters of its page."""

    def serve(function: Callable[[Connection, Request], Any]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            if any("\0" in str(part) for part in request.path_params.values()):
                raise NoSuchPage("nothing that is recorded has a NUL in its name.")
            return render_json(read(lambda connection: function(connection, request)))

        return endpoint

    launch = f"{PREFIX}/launches/{{name}}"
    return [
        Route(f"{launch}/mismatches", serve(_list_mismatches)),
        Route(f"{launch}/mismatches/{{fingerprint}}", serve(_show_group)),
        Route(f"{launch}/exchanges", serve(_list_exchanges)),
        Route(f"{launch}/exchanges/{{exchange_id}}", serve(_show_exchange)),
    ]


def _list_mismatches(connection: Connection, request: Request) -> dict[str, Any]:
    page = read_mismatches(connection, request.path_params["name"], request.query_params)
    problems = [asdict(problem) for problem in page.problems]
    return {"launch": page.launch, "total": page.total, "mismatches": problems, "next": page.following or None}


def _show_group(connection: Connection, request: Request) -> dict[str, Any]:
    path = request.path_params
    page = read_group_page(connection, path["name"], path["fingerprint"])
    samples = [asdict(row.kept) for row in page.samples]
    return {"launch": page.launch, **asdict(page.group), "share": page.share, "samples": samples}


def _list_exchanges(connection: Connection, request: Request) -> dict[str, Any]:
    page = read_exchanges(connection, request.path_params["name"], request.query_params, datetime.now(UTC))
    rows = [asdict(row) for row in page.rows]
    return {"launch": page.launch, "exchanges": rows, "endpoints": page.suggested, "next": page.following or None}


def _show_exchange(connection: Connection, request: Request) -> dict[str, Any]:
    path = request.path_params
    page = read_exchange(connection, path["name"], path["exchange_id"])
    kept = exchange_to_json(page.view.sample, page.view.changes) if page.view else None
    return {"launch": page.launch, "result": asdict(page.result) if page.result else None, "kept": kept}
