"""What a browser posts: read within bounds, and refused unless it came from our own page by a person who signed in."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from darklaunch_console.errors import BadUsage, ConsoleError

from .visitors import Visitor, get_visitor

LARGEST_FORM: Final = 16_384
FORM_TYPE: Final = "application/x-www-form-urlencoded"

Form = dict[str, str]


class FormRefused(ConsoleError):
    """A form that did not come from a page of this dashboard, or from nobody who may act."""


class SignInNeeded(FormRefused):
    """Nobody is signed in, or the session has ended."""


async def read_body(request: Request) -> bytes:
    """Return what was posted. Raises BadUsage beyond 16 KiB."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise BadUsage(f"more than {LARGEST_FORM:,} bytes were sent: shorten the reason")
    return body


async def read_form(request: Request) -> Form:
    """Return the fields of a form that a page of ours posted. Raises FormRefused for one of another site."""
    _refuse_foreign(request)
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise FormRefused(f"a form is sent as {FORM_TYPE}")
    try:
        fields = parse_qs((await read_body(request)).decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise BadUsage("the form cannot be read") from None
    return {name: values[-1] for name, values in fields.items()}


async def read_signed_in_form(request: Request) -> tuple[Visitor, Form]:
    """Return a form and who posted it. Raises SignInNeeded, and FormRefused without the form's proof of its page."""
    visitor = get_visitor()
    form = await read_form(request)
    if not visitor.may_sign_in:
        raise FormRefused("this dashboard is read-only: start it with DARKLAUNCH_DASHBOARD_TOKEN set to act here")
    if not visitor.name:
        raise SignInNeeded("sign in to act: the session has ended, or there was none")
    if not hmac.compare_digest(form.get("csrf", "").encode(), visitor.csrf.encode()):
        raise FormRefused("the form is of another session: open the page again, then repeat it")
    return visitor, form


def _refuse_foreign(request: Request) -> None:
    """Raise FormRefused if the browser says that another site's page sent this (Fetch Metadata; RFC 6454)."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != request.headers.get("host", "")):
        raise FormRefused("another site sent this form: nothing was done")
