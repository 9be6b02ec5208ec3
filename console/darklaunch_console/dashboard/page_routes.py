"""The addresses of the pages that are only read; each filter and each sample has one of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from darklaunch_console.doctor.examination import run_checks
from darklaunch_console.errors import DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_second
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection

from .api import ReadPostgres
from .doctor_watch import DoctorWatch
from .errors import NoSuchPage
from .last_pages import LastPages
from .pages.exchange import read_exchange
from .pages.exchanges import read_exchanges
from .pages.group import read_group_page
from .pages.history import read_history
from .pages.launch import read_launch
from .pages.launches import LaunchesPage, read_launches
from .pages.mismatches import read_mismatches
from .pages.operations import count_waiting_results, read_operations
from .queries import read_value
from .rendering import render_page

ReadPage = Callable[[Connection, Request], Any]


def build_page_routes(settings: ConsoleSettings, read: ReadPostgres) -> list[Route]:
    """Return the routes of the pages, each of which reads by `read`."""
    last_pages = LastPages()
    doctor = DoctorWatch(lambda: run_checks(settings))

    def serve(read_page: ReadPage, template: str) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            if any("\0" in str(part) for part in request.path_params.values()):
                raise NoSuchPage("nothing that is recorded has a NUL in its name.")
            address = str(request.url)
            try:
                page = read(lambda connection: read_page(connection, request))
            except DatabaseNotMigrated:
                raise
            except ServerUnreachable as unreachable:
                return _show_absence(settings, template, last_pages, address, unreachable)
            last_pages.remember(address, page)
            return _render(template, page)

        return endpoint

    def show_operations(_: Request) -> Response:
        return render_page("operations.html", {"page": read_operations(settings, doctor.read())})

    return [
        Route("/", serve(lambda connection, _: read_launches(connection), "launches.html")),
        Route("/launches/{name}", serve(_read_launch, "launch.html"), name="launch"),
        Route("/launches/{name}/mismatches", serve(_read_mismatches, "mismatches.html")),
        Route("/launches/{name}/mismatches/{fingerprint}", serve(_read_group, "group.html")),
        Route("/launches/{name}/exchanges", serve(_read_exchanges, "exchanges.html")),
        Route("/launches/{name}/exchanges/{exchange_id}", serve(_read_exchange, "exchange.html")),
        Route("/history", serve(_read_history, "history.html")),
        Route("/operations", show_operations),
    ]


def _render(template: str, page: object, *, notice: str = "") -> Response:
    empty = isinstance(page, LaunchesPage) and not page.sections
    status = 503 if notice else 200
    return render_page("no_launches.html" if empty else template, {"page": page, "notice": notice}, status=status)


def _show_absence(
    settings: ConsoleSettings, template: str, last_pages: LastPages, address: str, error: ServerUnreachable
) -> Response:
    """Return the page as it was read last, or none, with which server is away, since when, and what goes on."""
    since = format_second(last_pages.note_absence())
    what, _, advice = str(error).partition(". ")
    waiting = count_waiting_results(settings)
    goes_on = "" if waiting is None else f" Mirroring goes on, and {format_plural(waiting, 'result')} wait in Redis."
    known = last_pages.recall(address)
    figures = f" Figures are from {format_second(known.read_at)}." if known else ""
    notice = f"Not reachable since {since}: {what}.{figures}{goes_on} {advice}".strip()
    if known:
        return _render(template, known.page, notice=notice)
    return render_page("error.html", {"title": "A server cannot be reached", "detail": notice}, status=503)


def _read_launch(connection: Connection, request: Request) -> object:
    return read_launch(connection, request.path_params["name"], request.query_params, datetime.now(UTC))


def _read_mismatches(connection: Connection, request: Request) -> object:
    return read_mismatches(connection, request.path_params["name"], request.query_params)


def _read_group(connection: Connection, request: Request) -> object:
    return read_group_page(
        connection,
        request.path_params["name"],
        request.path_params["fingerprint"],
        sample=read_value(request.query_params, "sample"),
        ignored=read_value(request.query_params, "ignore"),
        whole="whole" in request.query_params,
    )


def _read_exchanges(connection: Connection, request: Request) -> object:
    return read_exchanges(connection, request.path_params["name"], request.query_params, datetime.now(UTC))


def _read_history(connection: Connection, request: Request) -> object:
    return read_history(connection, request.query_params, datetime.now(UTC))


def _read_exchange(connection: Connection, request: Request) -> object:
    path, whole = request.path_params, "whole" in request.query_params
    return read_exchange(connection, path["name"], path["exchange_id"], whole=whole)
