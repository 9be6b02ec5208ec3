"""`dashboard`: the launches in a browser."""

from __future__ import annotations

import ipaddress
import os
import secrets
import signal
import socket
import threading
import time

import click
import uvicorn

from darklaunch_console.cli.extras import DASHBOARD_PORT
from darklaunch_console.dashboard.application import create_application
from darklaunch_console.dashboard.visitors import SHORTEST_TOKEN, SignIn
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import print_line
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import name_postgres, require_database

PARENT_VARIABLE = "DARKLAUNCH_DASHBOARD_PARENT"
"""Names the process whose end ends the dashboard, when another command has started it."""
PARENT_EVERY_S = 1.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DASHBOARD_PORT,
    show_default=True,
    help="Port to listen on; 0 for any free one.",
)
@click.option("--quiet", is_flag=True, hidden=True)
@click.pass_obj
def dashboard(settings: ConsoleSettings, host: str, port: int, quiet: bool) -> None:
    """Show the launches in a browser: verdicts, evidence, ledger, latency, problems. Ctrl-C ends it.

    Reading needs no sign-in: whoever reaches the address sees it, so that the default is this machine alone. To act
    there, sign in with the token that is printed, or with that of DARKLAUNCH_DASHBOARD_TOKEN. Beyond this machine
    nobody acts without that variable.
    """
    database = require_database(settings)
    sign_in = SignIn(_choose_token(host, os.environ.get("DARKLAUNCH_DASHBOARD_TOKEN", "")))
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    if parent := os.environ.get(PARENT_VARIABLE):
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    if not quiet:
        print_line(
            f"Dashboard of {name_postgres(database)}: http://{shown}:{listener.getsockname()[1]}/  (Ctrl-C ends it)"
        )
    print_line(_describe_acting(sign_in))
    config = uvicorn.Config(
        create_application(settings, sign_in),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,  # open pages follow changes without end
    )
    uvicorn.Server(config).run(sockets=[listener])


def _end_with(parent: int) -> None:
    """End this process once its parent has ended: a dashboard that nobody asked for would stay."""
    while os.getppid() == parent:
        time.sleep(PARENT_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _choose_token(host: str, configured: str) -> str:
    """Return the token that admits people to act, "" for none: made here only if nobody else can reach the address."""
    if configured:
        if len(configured) < SHORTEST_TOKEN:
            raise BadUsage(f"DARKLAUNCH_DASHBOARD_TOKEN is too short: take {SHORTEST_TOKEN} characters or more")
        return configured
    return secrets.token_urlsafe(24) if _is_loopback(host) else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _describe_acting(sign_in: SignIn) -> str:
    if not sign_in.token:
        return "The dashboard is read-only beyond this machine. To act: set DARKLAUNCH_DASHBOARD_TOKEN"
    if sign_in.token == os.environ.get("DARKLAUNCH_DASHBOARD_TOKEN"):
        return "To act on the dashboard: sign in with the token of DARKLAUNCH_DASHBOARD_TOKEN"
    return f"To act on the dashboard: sign in with the token {sign_in.token}"


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises BadUsage for an address that cannot be used, with what to do."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        hint = "name another --port, or 0 for any" if port else "name another --host"
        raise BadUsage(f"cannot listen on {host}:{port} ({error.strerror or error}): {hint}") from error
