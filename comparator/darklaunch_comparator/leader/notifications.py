"""Tell of promotions and rollbacks: signed webhooks, and a command of this machine's.

Each delivery is a row that is kept until it has arrived: a courier that dies, or a receiver that is away for hours,
loses nothing. A receiver may hear of one event more than once and knows it by its idempotency key.

Where a webhook goes stands in the launch's policy. The key it is signed with, and the command, are read from the
environment of this process and from nowhere else: nobody who can write to Redis or Postgres can have anything run here.
"""

import hashlib
import hmac
import logging
import os
import shlex
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import psycopg
from darklaunch_shared.launch.origin import explain_forbidden_address
from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.wire.http_headers import EVENT_HEADER, SIGNATURE_HEADER
from psycopg import Connection
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.deliveries import DeliveryAttempt, NotifiedEvent, attempt_delivery, queue_deliveries

EVERY_S: Final = 1.0
ANSWER_S: Final = 5.0
COMMAND_S: Final = 60.0
AGAIN_S: Final = 15.0
TRIES: Final = 3

log = logging.getLogger("darklaunch.comparator")


class NotificationFailed(Exception):
    """The receiver could not be reached, or did not accept."""


class NotificationRefused(Exception):
    """It must not be sent, or can only be once something is set up."""


class NotificationSender:
    """Delivers on a thread of its own while `on_duty` says so."""

    def __init__(self, settings: ComparatorSettings, on_duty: Callable[[], bool]) -> None:
        self._settings, self._on_duty = settings, on_duty
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="darklaunch-courier", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end after the delivery under way."""
        self._halt.set()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._halt.is_set():
            try:
                with connect_store(self._settings.database_url, name="darklaunch-courier") as connection:
                    while not self._halt.wait(EVERY_S):
                        if self._on_duty():
                            self.deliver(connection)
                            backoff.reset()
            except (psycopg.Error, OSError) as error:
                if backoff.failures == 0:
                    log.warning("nothing is delivered until Postgres answers: %s", error)
                self._halt.wait(backoff.next_s())

    def deliver(self, connection: Connection[Any]) -> None:
        """Queue what happened, and deliver what is due. Raises psycopg.Error."""
        command = self._settings.command
        queue_deliveries(connection, command=bool(command))
        kinds = ("webhook", "command") if command else ("webhook",)
        more = True
        while more and not self._halt.is_set():
            with attempt_delivery(connection, kinds, AGAIN_S) as taken:
                more = taken is not None
                if taken is not None:
                    self._try(taken)

    def _try(self, taken: DeliveryAttempt) -> None:
        try:
            if taken.kind == "command":
                taken.said = run_command(self._settings.command, taken.told)
            else:
                taken.said = self._send(taken)
            taken.delivered = True
        except (NotificationFailed, NotificationRefused) as failed:
            taken.said = str(failed)
        where = taken.target or "the command"
        log.info("launch %s: %s told of %s: %s", taken.told.launch, where, taken.told.act, taken.said)

    def _send(self, taken: DeliveryAttempt) -> str:
        if not self._settings.webhook_secret:
            raise NotificationRefused("not sent: set DARKLAUNCH_WEBHOOK_SECRET for the comparators, to sign it with")
        tries = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=0.2, max=2.0),
            retry=retry_if_exception_type(NotificationFailed),
            sleep=self._pause,
            reraise=True,
        )
        body = pack_message(taken.told)
        return tries(post_webhook, taken.target, body, taken.told, self._settings.webhook_secret)

    def _pause(self, delay_s: float) -> None:
        self._halt.wait(delay_s)


def pack_message(told: NotifiedEvent) -> bytes:
    """Write what a receiver is told, as JSON."""
    return orjson.dumps({
        "event": told.event,
        "launch": told.launch,
        "act": told.act,
        "at": told.at,
        "actor": told.actor,
        "why": told.reason,
        "revision": told.revision,
        "evidence": told.data,
    })  # fmt: skip


def sign_message(body: bytes, at_s: int, secret: str) -> str:
    """Sign a body together with the time, so that what was overheard cannot be sent again much later."""
    digest = hmac.new(secret.encode(), b"%d." % at_s + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def post_webhook(url: str, body: bytes, told: NotifiedEvent, secret: str) -> str:
    """Send it once and give the receiver's status. Follows no redirect, asks no proxy.

    Raises NotificationFailed unless the receiver accepts (2xx), and Refused for an address that must not be called.
    """
    parts = urlsplit(url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "darklaunch",
        "Idempotency-Key": f"darklaunch-{told.launch}-{told.event}",
        EVENT_HEADER: told.act,
        SIGNATURE_HEADER: sign_message(body, int(time.time()), secret),
    }
    try:
        for *_, address in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
            if why := explain_forbidden_address(str(address[0])):
                raise NotificationRefused(f"not sent: {parts.hostname} must not be called: {why}")
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (the policy admits http alone)
        with _OPENER.open(request, timeout=ANSWER_S) as answer:
            return f"HTTP {answer.status}"
    except urllib.error.HTTPError as refused:
        refused.close()
        raise NotificationFailed(f"HTTP {refused.code}") from refused
    except (OSError, HTTPException, ValueError) as error:
        raise NotificationFailed(f"{type(error).__name__}: {error}") from error


def run_command(command: str, told: NotifiedEvent) -> str:
    """Run this machine's command, without a shell: the message comes on its stdin. Raises NotificationFailed."""
    environment = {**os.environ, "DARKLAUNCH_LAUNCH": told.launch, "DARKLAUNCH_ACT": told.act}
    environment.pop("DARKLAUNCH_WEBHOOK_SECRET", None)
    try:
        done = subprocess.run(  # noqa: S603 (from this process's own environment)
            shlex.split(command), input=pack_message(told), env=environment, capture_output=True, timeout=COMMAND_S
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NotificationFailed(f"the command could not be run: {error}") from error
    if done.returncode:
        told_by_it = done.stderr.decode(errors="replace").strip()[-300:]
        raise NotificationFailed(f"the command exited with {done.returncode}: {told_by_it}")
    return "exited with 0"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
