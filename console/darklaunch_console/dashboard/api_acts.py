"""Acts by a program: POST under /api/v1 with the dashboard's token, and the answer as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, cast

import orjson
from darklaunch_shared.launch.spec import check_name
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from darklaunch_console.acts.order import ActOrder, carry_out
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import make_printable
from darklaunch_console.settings import ConsoleSettings

from .api import PREFIX, render_json
from .forms import FormRefused, SignInNeeded, read_body
from .visitors import LONGEST_NAME, SignIn

LONGEST_REASON: Final = 400


def build_api_act_routes(settings: ConsoleSettings, sign_in: SignIn) -> list[Route]:
    """Return the routes that act. A bearer token is needed; a browser's session is not accepted (so no CSRF here)."""

    async def act(request: Request) -> Response:
        _require_token(request, sign_in)
        fields = await _read_fields(request)
        order = ActOrder(
            launch=check_name(str(request.path_params["name"])),
            act=str(request.path_params["act"]),
            actor=f"{make_printable(fields.get('by', '') or 'a program', LONGEST_NAME)} (API)",
            reason=fields.get("reason", "").strip()[:LONGEST_REASON],
            percent=fields.get("percent", ""),
            overrules=fields.get("anyway", "") == "true",
        )
        reply = await run_in_threadpool(carry_out, settings, order)
        return render_json({"launch": order.launch, "act": order.act, **asdict(reply)})

    return [Route(f"{PREFIX}/launches/{{name}}/acts/{{act}}", act, methods=["POST"])]


def _require_token(request: Request, sign_in: SignIn) -> None:
    if not sign_in.token:
        raise FormRefused("this dashboard is read-only: start it with DARKLAUNCH_DASHBOARD_TOKEN set to act here")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not sign_in.admits(token.strip()):
        raise SignInNeeded("send the dashboard's token: Authorization: Bearer TOKEN")


async def _read_fields(request: Request) -> dict[str, str]:
    """Return the fields of the JSON object that was sent, as text. Raises BadUsage for anything else."""
    body = await read_body(request)
    try:
        fields: Any = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        raise BadUsage('the body is not JSON: send {} or {"reason": "…"}') from None
    if not isinstance(fields, dict):
        raise BadUsage('the body is not a JSON object: send {} or {"reason": "…"}')
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in cast(dict[str, Any], fields).items()
    }
