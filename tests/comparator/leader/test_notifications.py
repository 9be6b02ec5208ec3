"""What promotions and rollbacks are told to: a webhook on a real server, a real command."""

import gc
import hashlib
import hmac
import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.leader.notifications import NotificationSender
from darklaunch_comparator.store.deliveries import read_deliveries
from darklaunch_comparator.store.launches import LaunchAct, create_launch, update_launch
from darklaunch_shared.launch.spec import LaunchSpec, LaunchStatus
from psycopg import Connection

from tests.support.comparators import settings_for

SECRET = "a secret of this test"


@dataclass
class Receiver:
    """A server that answers what it is told to, in order, and keeps what it heard."""

    url: str = ""
    answers: list[int] = field(default_factory=list[int])
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    kept = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.send_header("Location", kept.url)
            self.end_headers()

        def do_GET(self) -> None:  # where a redirect that is followed leads
            kept.heard.append(({"idempotency-key": "followed"}, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


def sender(connection: Connection[Any], **settings: Any) -> NotificationSender:
    given = settings_for("redis://127.0.0.1:1", connection.info.dsn, **({"webhook_secret": SECRET} | settings))
    return NotificationSender(given, lambda: True)


def promoted(connection: Connection[Any], name: str, *urls: str) -> None:
    spec = LaunchSpec("http://shadow", policy=dump_policy_json(JudgePolicy(webhooks=urls)) if urls else "")
    create_launch(connection, name, spec, LaunchAct("ann", "started"), percent=10)
    update_launch(
        connection,
        name,
        LaunchAct("judge", "promoted", "nothing objects", data={"judged": 4600}),
        status=LaunchStatus.PROMOTED,
    )


def states(connection: Connection[Any], name: str) -> list[tuple[str, str, int, str]]:
    return [(it.kind, it.state, it.attempts, it.said) for it in read_deliveries(connection, name)]


def due_now(connection: Connection[Any]) -> None:
    connection.execute("UPDATE darklaunch.delivery SET due_at = now() WHERE state = 'pending'")


def test_a_promotion_is_told_once_and_signed(connection: Connection[Any], launch_name: str) -> None:
    with receiver() as there:
        promoted(connection, launch_name, there.url)
        for _ in range(3):
            sender(connection).deliver_due(connection)
    ((headers, body),) = there.heard
    told = json.loads(body)
    assert (told["launch"], told["act"], told["why"]) == (launch_name, "promoted", "nothing objects")
    assert told["evidence"]["judged"] == 4600
    assert headers["idempotency-key"] == f"darklaunch-{launch_name}-{told['event']}"
    at, signed = (part.partition("=")[2] for part in headers["x-darklaunch-signature"].split(","))
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signed, expected)
    assert states(connection, launch_name) == [("webhook", "delivered", 1, "HTTP 200")]


def test_a_receiver_that_fails_hears_again_under_the_same_key(connection: Connection[Any], launch_name: str) -> None:
    with receiver(500, 302, 503, 500, 204) as there:
        promoted(connection, launch_name, there.url)
        sender(connection).deliver_due(connection)
        assert states(connection, launch_name) == [("webhook", "pending", 1, "HTTP 503")]
        sender(connection).deliver_due(connection)
        assert len(there.heard) == 3, "it is not due yet"
        due_now(connection)
        sender(connection).deliver_due(connection)
    assert len({headers["idempotency-key"] for headers, _ in there.heard}) == 1
    gc.collect()  # a connection left open would be a ResourceWarning
    assert states(connection, launch_name) == [("webhook", "delivered", 2, "HTTP 204")]


def test_after_a_day_it_is_given_up(connection: Connection[Any], launch_name: str) -> None:
    promoted(connection, launch_name, "http://127.0.0.1:1/nobody")
    sender(connection).deliver_due(connection)
    connection.execute("UPDATE darklaunch.delivery SET created_at = now() - interval '2 days', due_at = now()")
    sender(connection).deliver_due(connection)
    ((_, state, attempts, said),) = states(connection, launch_name)
    assert (state, attempts) == ("failed", 2)
    assert "Connection refused" in said


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [
        ("http://127.0.0.1:1/", "", "set DARKLAUNCH_WEBHOOK_SECRET"),
        ("http://169.254.169.254/latest", SECRET, "must not be called"),
    ],
)
def test_what_must_not_be_sent_is_not(
    connection: Connection[Any], launch_name: str, url: str, secret: str, why: str
) -> None:
    promoted(connection, launch_name, url)
    sender(connection, webhook_secret=secret).deliver_due(connection)
    ((_, state, _, said),) = states(connection, launch_name)
    assert state == "pending" and why in said


def test_a_command_of_this_machine_is_run_with_the_message_on_its_stdin(
    connection: Connection[Any], launch_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKLAUNCH_WEBHOOK_SECRET", SECRET)
    script = tmp_path / "act"
    given = '"$DARKLAUNCH_LAUNCH" "$DARKLAUNCH_ACT" "$2" "${DARKLAUNCH_WEBHOOK_SECRET-no secret}"'
    script.write_text(f'#!/bin/sh\ncat > "$1"\nprintf "%s %s %s, %s" {given} > "$1.args"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    promoted(connection, launch_name)
    sender(connection).deliver_due(connection)
    assert states(connection, launch_name) == []
    sender(connection, command=f"{script} {tmp_path}/out '$(date)'").deliver_due(connection)
    assert json.loads((tmp_path / "out").read_text())["launch"] == launch_name
    assert (tmp_path / "out.args").read_text() == f"{launch_name} promoted $(date), no secret"
    assert states(connection, launch_name) == [("command", "delivered", 1, "exited with 0")]


def test_a_command_that_fails_is_recorded_and_run_again(connection: Connection[Any], launch_name: str) -> None:
    promoted(connection, launch_name)
    sender(connection, command="sh -c 'echo no >&2; exit 3'").deliver_due(connection)
    assert states(connection, launch_name) == [("command", "pending", 1, "the command exited with 3: no")]
