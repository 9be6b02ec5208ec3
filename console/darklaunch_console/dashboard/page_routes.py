"""The addresses of the pages that are only read; each filter and each sample has one of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from darklaunch_console.stores.postgres import Connection

from .errors import NoSuchPage
from .pages.exchange import read_exchange
from .pages.exchanges import read_exchanges
from .pages.group import read_group_page
from .pages.launch import read_launch
from .pages.launches import LaunchesPage, read_launches
from .pages.mismatches import read_mismatches
from .queries import read_value
from .rendering import render_page

T = TypeVar("T")


class ReadPostgres(Protocol):
    """Calls a function with a connection, and returns what it returns."""

    def __call__(self, function: Callable[[Connection], T], /) -> T: ...


ReadPage = Callable[[Connection, Request], Any]


def build_page_routes(read: ReadPostgres) -> list[Route]:
    """Return the routes of the pages, each of which reads by `read`."""

    def serve(read_page: ReadPage, template: str) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            if any("\0" in str(part) for part in request.path_params.values()):
                raise NoSuchPage("nothing that is recorded has a NUL in its name.")
            page = read(lambda connection: read_page(connection, request))
            empty = isinstance(page, LaunchesPage) and not page.sections
            return render_page("no_launches.html" if empty else template, {"page": page})

        return endpoint

    return [
        Route("/", serve(lambda connection, _: read_launches(connection), "launches.html")),
        Route("/launches/{name}", serve(_read_launch, "launch.html"), name="launch"),
        Route("/launches/{name}/mismatches", serve(_read_mismatches, "mismatches.html")),
        Route("/launches/{name}/mismatches/{fingerprint}", serve(_read_group, "group.html")),
        Route("/launches/{name}/exchanges", serve(_read_exchanges, "exchanges.html")),
        Route("/launches/{name}/exchanges/{exchange_id}", serve(_read_exchange, "exchange.html")),
    ]


def _read_launch(connection: Connection, request: Request) -> object:
    return read_launch(connection, request.path_params["name"])


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


def _read_exchange(connection: Connection, request: Request) -> object:
    path, whole = request.path_params, "whole" in request.query_params
    return read_exchange(connection, path["name"], path["exchange_id"], whole=whole)
