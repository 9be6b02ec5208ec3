"""The addresses that act: sign in and out, and for each act its question (GET) and the act itself (POST)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, cast
from urllib.parse import quote

from darklaunch_comparator.store.signatures import read_signature_names
from darklaunch_shared.launch.spec import check_name
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from darklaunch_console.acts.order import ACTS, ActOrder, carry_out
from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.launches.signatures import find_signatures, name_signature, record_decisions
from darklaunch_console.output.screen import make_printable
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres

from .confirmations import Confirmation, confirm_act, confirm_decision, confirm_rollback
from .errors import NoSuchPage
from .forms import FormRefused, read_form, read_signed_in_form
from .rendering import render_page
from .visitors import COOKIE, LONGEST_NAME, SignIn, get_visitor

WRONG_TOKEN_S: Final = 0.5
DECISIONS: Final = {"accept": "accepted", "resolve": "resolved", "reopen": "open"}


class ActingPages:
    """The pages that act, of the servers that the settings name."""

    def __init__(self, settings: ConsoleSettings, sign_in: SignIn) -> None:
        self._settings = settings
        self._sign_in = sign_in

    def list_routes(self) -> list[Route]:
        """Return the routes. An act is a POST; its GET asks, and changes nothing."""
        return [
            Route("/sign-in", self.show_sign_in, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/launches/{name}/acts/{act}", self.ask, methods=["GET"]),
            Route("/launches/{name}/acts/{act}", self.act, methods=["POST"]),
            Route("/launches/{name}/mismatches/{fingerprint}/acts/{act}", self.ask, methods=["GET"]),
            Route("/launches/{name}/mismatches/{fingerprint}/acts/{act}", self.decide, methods=["POST"]),
        ]

    def show_sign_in(self, request: Request) -> Response:
        """Return the form that asks for a name and the token."""
        back = _read_back(request.query_params.get("next", ""))
        return render_page("sign_in.html", {"back": back, "trouble": ""})

    async def sign_in(self, request: Request) -> Response:
        """Open a session for whoever shows the token."""
        form = await read_form(request)
        name = make_printable(form.get("name", "").strip(), LONGEST_NAME)
        back = _read_back(form.get("next", ""))
        if not self._sign_in.admits(form.get("token", "").strip()) or not name:
            await asyncio.sleep(WRONG_TOKEN_S)
            trouble = "This is not the token of this dashboard." if name else "Write who you are: History keeps it."
            return render_page("sign_in.html", {"back": back, "trouble": trouble}, status=401)
        response = RedirectResponse(back, 303)
        self._sign_in.open_session(response, name, secure=request.url.scheme == "https")
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session of this browser."""
        await read_signed_in_form(request)
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    def ask(self, request: Request) -> Response:
        """Return the page that asks before an act, or the one to sign in."""
        question = self._read_question(request)
        visitor = get_visitor()
        if not visitor.name and visitor.may_sign_in:
            return RedirectResponse(f"/sign-in?next={quote(request.url.path, safe='')}", 303)
        if not visitor.name:
            raise FormRefused("this dashboard is read-only: start it with DARKLAUNCH_DASHBOARD_TOKEN set to act here")
        return render_page("act.html", {"question": question, "trouble": ""})

    async def act(self, request: Request) -> Response:
        """Do what was confirmed; show the launch, or the question again with why it was refused."""
        visitor, form = await read_signed_in_form(request)
        name, act = _read_launch(request), str(request.path_params["act"])
        order = ActOrder(
            launch=name,
            act=act,
            actor=f"{visitor.name} (dashboard)",
            reason=form.get("reason", "").strip(),
            percent=form.get("percent", ""),
            overrules=form.get("confirm", "").strip() == name,
        )
        return await run_in_threadpool(self._carry_out, request, order)

    async def decide(self, request: Request) -> Response:
        """Accept, resolve or open again a group of mismatches."""
        visitor, form = await read_signed_in_form(request)
        reason = form.get("reason", "").strip()
        if request.path_params["act"] == "accept" and not reason:
            raise BadUsage("say why the shadow is meant to differ, for whoever asks in a month")
        return await run_in_threadpool(partial(self._decide, request, f"{visitor.name} (dashboard)", reason))

    def _carry_out(self, request: Request, order: ActOrder) -> Response:
        try:
            reply = carry_out(self._settings, order)
        except ConsoleError as refused:
            question = self._read_question(request)
            return render_page("act.html", {"question": question, "trouble": str(refused)}, status=409)
        return self._show_notice(f"/launches/{order.launch}", reply.sentence)

    def _decide(self, request: Request, actor: str, reason: str) -> Response:
        name, fingerprint = _read_launch(request), str(request.path_params["fingerprint"])
        state = DECISIONS.get(str(request.path_params["act"]))
        if state is None:
            raise NoSuchPage("a difference is accepted, resolved or opened again, nothing else")
        with open_postgres(self._settings) as connection:
            (decision,) = record_decisions(connection, name, [fingerprint], state, actor=actor, reason=reason)
        now = "open again" if state == "open" else state
        already = " already" if decision.was == decision.now else ""
        sentence = f"{name_signature(decision)} is {now}{already}."
        return self._show_notice(f"/launches/{name}/mismatches/{decision.fingerprint}", sentence)

    def _show_notice(self, path: str, sentence: str) -> Response:
        return RedirectResponse(f"{path}?notice={self._sign_in.sign_notice(sentence)}", 303)

    def _read_question(self, request: Request) -> Confirmation:
        name, act = _read_launch(request), str(request.path_params["act"])
        fingerprint = cast("str | None", request.path_params.get("fingerprint"))
        if act not in (ACTS if fingerprint is None else DECISIONS):
            raise NoSuchPage(f"there is no act “{make_printable(act, 40)}”")
        if act == "rollback":
            return confirm_rollback(name)
        with open_postgres(self._settings) as connection:
            if fingerprint is None:
                return confirm_act(read_judged_launch(connection, name), act)
            read_launch_record(connection, name)
            (found,) = find_signatures(name, read_signature_names(connection, name), [fingerprint])
            return confirm_decision(name, found.fingerprint, act, name_signature(found))


def _read_launch(request: Request) -> str:
    return check_name(str(request.path_params["name"]))


def _read_back(path: str) -> str:
    """Return the page to go on with: one of ours, never another site's."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
