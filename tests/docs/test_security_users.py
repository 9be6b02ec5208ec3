"""docs/SECURITY.md's Redis users and Postgres role: the real parts run as them, and may nothing else."""

from __future__ import annotations

import re
import secrets
from asyncio import to_thread
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from darklaunch import CaptureMiddleware
from darklaunch_comparator.store.runtime_role import grant_runtime_role
from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect
from psycopg import sql
from redis.exceptions import NoPermissionError

from tests.support.asgi import answering, body, get, start
from tests.support.cli import Cli, http_server
from tests.support.comparators import comparing, settings_for
from tests.support.hook import eventually
from tests.support.workers import running_worker

from .page import blocks, page

pytestmark = pytest.mark.anyio

(USERS,) = (block for block in blocks(page("docs/SECURITY.md"), "text") if "ACL SETUSER" in block)


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Make the documented users on a Redis of their own, and give a URL for each."""
    with embedded_valkey() as valkey:
        admin = connect(valkey.url, client_name="test")
        given: dict[str, str] = {}
        for line in USERS.splitlines():
            _, _, user, *rules = line.split()
            password = secrets.token_hex(8)
            rules = [f">{password}" if rule.startswith(">") else rule for rule in rules]
            admin.execute_command("ACL", "SETUSER", user, "reset", *rules)
            given[user.removeprefix("dl-")] = f"redis://{user}:{password}@127.0.0.1:{valkey.port}/0"
        admin.close()
        yield given


@pytest.fixture
def dsn(own_postgres_dsn: str) -> Iterator[str]:
    """Return the DSN of a runtime role."""
    role = f"dl_{secrets.token_hex(4)}"
    with psycopg.connect(own_postgres_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw'").format(sql.Identifier(role)))
        grant_runtime_role(own_postgres_dsn, role)
        parts = urlsplit(own_postgres_dsn)
        yield parts._replace(netloc=f"{role}:pw@{parts.netloc.rpartition('@')[2]}").geturl()
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])
        owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def operate(cli: Cli, shadow: str, hook: CaptureMiddleware, answer: list[dict[str, Any]]) -> None:
    """Start a launch, mirror to it, and ask every question there is."""
    cli.ok("start", "shop", "--shadow", shadow, "--percent", "100")
    get(hook)
    assert eventually(lambda: hook._recorder.snapshot.sampling_launches)
    for number in range(20):
        assert get(hook, f"/orders/{number}") == answer
    assert eventually(lambda: cli.json("report", "shop")["ledger"]["mismatched"] == 20)
    for command in ("list", "show shop", "mismatches shop", "backlog", "dead list shop"):
        assert cli.run(*command.split()).exit_code in (0, 1), command
    audit = cli.json("audit", "shop")
    assert (audit["lost"], audit["uninvited"]) == (0, 0)
    told = {check["what"]: check["level"] for check in cli.json("doctor")["checks"]}
    assert "fail" not in told.values(), told
    assert any(what.endswith("has the rights that comparators need") for what in told), told
    cli.ok("pause", "shop")
    cli.ok("resume", "shop")
    cli.ok("rollback", "shop")
    assert eventually(lambda: not hook._recorder.snapshot.sampling_launches)


SIGNING_KEY = f"k1:{b64encode(bytes(32)).decode()}"  # so that the workers' notes of used entries are written too


async def test_the_parts_run_as_the_documented_users(urls, dsn, tmp_path, caplog) -> None:
    cli = Cli(urls["admin"], dsn, str(tmp_path))
    answer = [start(200, (b"content-type", b"application/json")), body(b'{"id":1}')]
    hook = CaptureMiddleware(answering(*answer), redis_url=urls["hook"], signing_key=SIGNING_KEY)
    settings = settings_for(urls["comparator"], dsn, gap_every_s=0.5)
    with ExitStack() as stack:
        shadow = stack.enter_context(http_server(headers={"content-type": "application/json"}))
        stack.callback(hook._recorder.stop, for_good=True)
        async with running_worker(urls["worker"], signing_key=SIGNING_KEY), comparing(settings):
            await to_thread(operate, cli, shadow.url, hook, answer)
    refused = [line for line in caplog.messages if "NOPERM" in line or "permission" in line.lower()]
    assert not refused


OTHERS = (
    "FLUSHALL", "CONFIG SET maxmemory 1", "ACL SETUSER me on", "SHUTDOWN NOSAVE", "KEYS *", "DEBUG SLEEP 0",
    "MODULE LIST", "REPLICAOF NO ONE", "CLIENT KILL TYPE normal", "MONITOR", "GET another-apps-key",
)  # fmt: skip


@pytest.mark.parametrize(
    ("user", "commands"),
    [
        ("hook", (
            "HSET dl:launch:shop spec {}", "SADD dl:launches other", "XRANGE {dl:shop:0}:captures - +",
            "XADD {dl:shop:0}:replays * v 1", "XTRIM {dl:shop:0}:captures MAXLEN 0",
            "HDEL {dl:shop:0}:used:1 p:1",
        )),
        ("worker", ("HSET dl:launch:shop spec {}", "INCR dl:revision", "DEL {dl:shop:0}:captures")),
        ("comparator", ("DEL {dl:shop:0}:replays",)),
        ("admin", ()),
    ],
)  # fmt: skip
def test_a_user_may_nothing_but_its_part(urls, user: str, commands: tuple[str, ...]) -> None:
    client = connect(urls[user], client_name="test")
    for command in (*commands, *OTHERS):
        with pytest.raises(NoPermissionError):
            client.execute_command(*command.split())
    client.close()


def test_every_key_of_the_product_belongs_to_a_user() -> None:
    patterns = re.findall(r"%?R?~(\S+)", USERS)
    for name in (keys.captures, keys.replays, keys.dead, keys.ledger, keys.admitted, keys.producers):
        assert any(pattern == f"{{dl:*}}:{name('x').rpartition(':')[2]}" for pattern in patterns), name
