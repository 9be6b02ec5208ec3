"""Notify of promotions and rollbacks: signed webhooks, and a command on this machine.

Each delivery is a row that is kept until it has arrived, so that nothing is lost when a leader dies or a receiver is
away for hours. A receiver may get one event more than once, and can tell by its idempotency key.

The address of a webhook is in the launch's policy. The key that signs it and the command come from the environment of
this process alone, so that nobody who can write to Redis or Postgres can have anything run here.
"""

import logging
import os
import shlex
import subprocess
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import Connection
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from darklaunch_comparator.errors import NotificationFailed, NotificationRefused
from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.deliveries import (
    DeliveryAttempt,
    NotifiedEvent,
    attempt_delivery,
    queue_deliveries,
)
from darklaunch_comparator.store.store_thread import StoreThread

from .webhook import pack_event, post_webhook

EVERY_S: Final = 1.0
COMMAND_TIMEOUT_S: Final = 60.0
RETRY_AFTER_S: Final = 15.0
"""How long after a failed attempt the next one is due at the earliest; longer each time."""
MAX_POSTS: Final = 3
"""How often an attempt posts a webhook before it counts as failed."""

log = logging.getLogger("darklaunch.comparator")


class NotificationSender:
    """Delivers notifications on a thread of its own while `is_leading` returns True."""

    def __init__(self, settings: ComparatorSettings, is_leading: Callable[[], bool]) -> None:
        self._settings = settings
        self._is_leading = is_leading
        self._thread = StoreThread(
            settings.database_url,
            self._deliver_if_leading,
            name="darklaunch-notifications",
            every_s=EVERY_S,
            on_failure=_log_failure,
        )

    def start(self) -> None:
        """Start delivering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery in progress, without waiting for it."""
        self._thread.stop()

    def deliver_due(self, connection: Connection[Any]) -> None:
        """Queue deliveries for new events, then attempt all that are due. Raises psycopg.Error."""
        command = self._settings.command
        queue_deliveries(connection, command=bool(command))
        kinds = ("webhook", "command") if command else ("webhook",)
        more = True
        while more and not self._thread.stopping:
            with attempt_delivery(connection, kinds, RETRY_AFTER_S) as attempt:
                more = attempt is not None
                if attempt is not None:
                    self._deliver(attempt)

    def _deliver_if_leading(self, connection: Connection[Any]) -> None:
        if self._is_leading():
            self.deliver_due(connection)

    def _deliver(self, attempt: DeliveryAttempt) -> None:
        try:
            if attempt.kind == "command":
                attempt.result = run_command(self._settings.command, attempt.event)
            else:
                attempt.result = self._post(attempt)
            attempt.delivered = True
        except (NotificationFailed, NotificationRefused) as error:
            attempt.result = str(error)
        log.info(
            "launch %s: notified %s of %s: %s",
            attempt.event.launch,
            attempt.target or "the command",
            attempt.event.act,
            attempt.result,
        )

    def _post(self, attempt: DeliveryAttempt) -> str:
        secret = self._settings.webhook_secret
        if not secret:
            raise NotificationRefused("not sent: set DARKLAUNCH_WEBHOOK_SECRET for the comparators, to sign it with")
        post_with_retries = Retrying(
            stop=stop_after_attempt(MAX_POSTS),
            wait=wait_random_exponential(multiplier=0.2, max=2.0),
            retry=retry_if_exception_type(NotificationFailed),
            sleep=self._thread.wait,
            reraise=True,
        )
        return post_with_retries(post_webhook, attempt.target, attempt.event, secret)


def run_command(command: str, event: NotifiedEvent) -> str:
    """Run the command without a shell, the event as JSON on its stdin, and return how it ended.

    Raises NotificationFailed if it cannot be run, exits with an error or takes longer than 60 s.
    """
    environment = {**os.environ, "DARKLAUNCH_LAUNCH": event.launch, "DARKLAUNCH_ACT": event.act}
    environment.pop("DARKLAUNCH_WEBHOOK_SECRET", None)
    try:
        process = subprocess.run(  # noqa: S603 (from this process's own environment)
            shlex.split(command),
            input=pack_event(event),
            env=environment,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NotificationFailed(f"the command could not be run: {error}") from error
    if process.returncode:
        stderr = process.stderr.decode(errors="replace").strip()[-300:]
        raise NotificationFailed(f"the command exited with {process.returncode}: {stderr}")
    return "exited with 0"


def _log_failure(error: Exception, is_first: bool) -> None:
    if not isinstance(error, psycopg.Error | OSError):
        log.error("notifications stopped and are tried again", exc_info=error)
    elif is_first:
        log.warning("notifications are not sent until Postgres answers: %s", error)
