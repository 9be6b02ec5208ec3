"""The application that serves the dashboard: pages for people, and the same facts as JSON under /api/v1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from darklaunch_comparator.store.launches import read_change_marks
from darklaunch_shared.errors import BadLaunch
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from darklaunch_console.acts.promotion import PromotionRefused
from darklaunch_console.errors import BadUsage, ConsoleError, NoSuchLaunch, ServerUnreachable
from darklaunch_console.launches.change import ConflictingChange
from darklaunch_console.launches.signatures import NoSuchSignature
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, open_postgres

from .acting import ActingPages
from .api import build_api_routes, is_api_request, render_problem
from .api_acts import build_api_act_routes
from .api_evidence import build_evidence_routes
from .changes import ALL_LAUNCHES, ChangeFeed
from .errors import NoSuchPage
from .forms import FormRefused, SignInNeeded
from .page_routes import build_page_routes
from .rendering import render_page
from .security import SecurityHeaders
from .visitors import IdentifyVisitor, SignIn

STATIC: Final = Path(__file__).parent / "static"

T = TypeVar("T")


def create_application(settings: ConsoleSettings, sign_in: SignIn | None = None) -> Starlette:
    """Return the dashboard of the servers that the settings name; it keeps nothing between requests.

    Whoever knows the token of `sign_in` may act; without one everybody reads only.
    """
    sign_in = sign_in or SignIn()

    def read(function: Callable[[Connection], T]) -> T:
        with open_postgres(settings) as connection:
            return function(connection)

    feed = ChangeFeed(lambda: read(read_change_marks))

    async def follow_changes(request: Request) -> Response:
        events = feed.follow(request.query_params.get("launch", ALL_LAUNCHES))
        return StreamingResponse(events, media_type="text/event-stream")

    return Starlette(
        routes=[
            *build_page_routes(settings, read),
            *ActingPages(settings, sign_in).list_routes(),
            Route("/changes", follow_changes),
            *build_api_routes(read),
            *build_evidence_routes(read),
            *build_api_act_routes(settings, sign_in),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(IdentifyVisitor, sign_in=sign_in)],
        exception_handlers={
            ConsoleError: _show_error,
            BadLaunch: _show_error,
            HTTPException: _show_error,
        },
    )


def _show_error(request: Request, error: Exception) -> Response:
    """Return what went wrong and what to do, as a page or as problem+json."""
    status, title = _classify(error)
    detail = str(error.detail) if isinstance(error, HTTPException) else str(error)
    if is_api_request(request):
        return render_problem(status, title, detail)
    return render_page("error.html", {"title": title, "detail": detail[:1].upper() + detail[1:]}, status=status)


def _classify(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, "There is no such page" if error.status_code == 404 else "This cannot be done here"
    if isinstance(error, NoSuchLaunch | BadLaunch):
        return 404, "There is no such launch"
    if isinstance(error, SignInNeeded):
        return 401, "Sign in to act"
    if isinstance(error, FormRefused):
        return 403, "Nothing was done"
    if isinstance(error, ConflictingChange | PromotionRefused):
        return 409, "Nothing was done"
    if isinstance(error, NoSuchPage | NoSuchSignature):
        return 404, "This is not recorded"
    if isinstance(error, BadUsage):
        return 400, "This address cannot be read"
    if isinstance(error, ServerUnreachable):
        return 503, "A server cannot be reached"
    return 500, "This did not work"
