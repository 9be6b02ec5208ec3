"""What README.md tells people to type, typed: its redis-cli recipes, its SQL, its snippet, its commands."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import psycopg
import pytest
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_console.embedded import Valkey
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.launch.states import LaunchStates
from darklaunch_shared.redis.client import RedisClient, connect, connect_async
from darklaunch_shared.redis.consumer import FinishedEntry, GroupConsumer, worker_streams
from darklaunch_shared.redis.script_calls import ScriptCaller
from darklaunch_shared.redis.script_queue import ScriptQueue

from .docs.page import blocks, indented, page, section
from .support.exchanges import exchange, finding, replayed
from .support.workers import admit_many, publish

README = page("README.md")
LAUNCH = "checkout-v2"
RECIPES = indented(section(README, "## Look with redis-cli, and stop with it"))
REAL_CLI = shutil.which("redis-cli") or shutil.which("valkey-cli")

Type = Callable[[str], list[str]]


@pytest.fixture(params=["darklaunch redis-cli", *([REAL_CLI] if REAL_CLI else [])])
def type_in(own_valkey: Valkey, tmp_path: Path, request: pytest.FixtureRequest) -> Type:
    """Yield a shell with a `redis-cli` that reaches the test's server; returns the lines that a command prints."""
    password = urlsplit(own_valkey.url).password or ""
    if request.param == REAL_CLI:
        program = f"exec {REAL_CLI} -p {own_valkey.port} --no-auth-warning"
    else:
        program = f"exec {Path(sys.executable).with_name('darklaunch')} --redis {own_valkey.url} redis-cli"
    command = tmp_path / "redis-cli"
    command.write_text(f'#!/bin/sh\n{program} "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "REDISCLI_AUTH": password,
        "VALKEYCLI_AUTH": password,
    }

    def typed(line: str) -> list[str]:
        done = subprocess.run(["/bin/sh", "-c", line], env=environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode(errors="replace").splitlines()

    return typed


@pytest.mark.anyio
async def test_every_redis_cli_recipe_shows_what_it_says(own_valkey: Valkey, type_in: Type) -> None:
    """Of seven exchanges on the stream one is finished, one dies, two are in the hands of a worker, three wait."""
    (xlen, per_worker, idle, oldest, groups, dead, ledger, stop) = RECIPES
    redis = connect(own_valkey.url, client_name="darklaunch-test")
    publish(redis, LAUNCH, LaunchSpec("http://127.0.0.1:1"))
    admit_many(redis, LAUNCH, 1, 7)
    held = await worked_on(own_valkey.url)
    type_in(f"redis-cli XCLAIM '{{dl:checkout-v2:0}}:captures' workers worker-1 0 {held[0]} IDLE 20000 JUSTID")

    assert type_in(xlen) == ["5"]
    assert type_in(per_worker) == ["2", held[0], held[1], "worker-1", "2"]
    captures = "{dl:checkout-v2:0}:captures"  # renewed, as workers do: the machine may be slow
    redis.execute_command("XCLAIM", captures, "workers", "worker-1", 0, held[1], "IDLE", 0)
    assert [line for line in type_in(idle) if "-" in line] == [held[0], "worker-1"]
    entry_id, *fields = type_in(oldest)
    assert entry_id == held[0]
    assert 0 <= time.time() - int(entry_id.partition("-")[0]) / 1000 < 120
    assert fields[:4] == ["v", "1", "id", "abcd1234:3"]
    told = paired(type_in(groups))
    assert (told["name"], told["pending"]) == ("workers", "2")
    (_, *letter) = type_in(dead)
    assert paired(letter)["dead_reason"] == "it was poison"
    assert {"admitted": "7", "replayed": "1", "dead": "1"}.items() <= paired(type_in(ledger)).items()

    view = LaunchStates()
    assert look(redis, view)
    type_in(stop)
    assert not look(redis, view)
    redis.close()


async def worked_on(url: str) -> list[str]:
    """Take four exchanges as a worker does: finish the first, bury the second; return the entry ids of the others."""
    redis = connect_async(url, client_name="darklaunch-test")
    queue = ScriptQueue(ScriptCaller(redis))
    worker = GroupConsumer(redis, queue, worker_streams(LAUNCH, 0), name="worker-1", lease_s=60)
    while not (taken := await worker.read(4)):
        pass
    first, second, *held = taken
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.run)
        assert await worker.finish([FinishedEntry(first.entry_id, first.fields, "replayed")]) == [True]
        assert await worker.bury(second, "it was poison")
        tasks.cancel_scope.cancel()
    await redis.aclose()
    return [delivery.entry_id for delivery in held]


def look(redis: RedisClient, view: LaunchStates) -> bool:
    """Poll control state as hooks and workers do; say whether they would mirror."""
    more = True
    while more:
        pipeline = redis.pipeline(transaction=False)
        for command in view.commands():
            pipeline.execute_command(*command)
        more = view.feed(pipeline.execute(raise_on_error=False), time.monotonic())
    return view.states(time.monotonic())[LAUNCH].fraction > 0


def paired(lines: list[str]) -> dict[str, str]:
    return dict(zip(lines[::2], lines[1::2], strict=True))


def test_every_question_to_postgres_is_answered(postgres_dsn: str) -> None:
    """A hundred requests took the primary 1 … 100 ms and the shadow twice as long."""
    times_ms = [float(number) for number in range(1, 101)]
    findings = [
        finding(
            replayed(exchange(LAUNCH, seq, endpoint="GET /search", latency_ms=ms), latency_ms=2 * ms),
            LAUNCH,
        )
        for seq, ms in enumerate(times_ms, 1)
    ]
    (block,) = blocks(README, "sql")
    questions = [line.partition(";")[0] for line in block.splitlines()]
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        prepare_connection(connection)
        write_batch(connection, LAUNCH, findings, WriterCache())
        answers = [connection.execute(question.encode()).fetchall() for question in questions]
    primary, shadow, difference, latency, ledger = answers
    assert [primary[0][0], shadow[0][0], difference[0][0]] == pytest.approx([95, 190, 95], rel=0.0055)
    assert {row[1] for row in latency} == {"primary", "shadow", "difference"}
    assert ledger[0][:2] == (100, 100)


def test_the_snippet_runs() -> None:
    (snippet,) = blocks(README, "python")
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_link_leads_to_a_file() -> None:
    root = Path(__file__).resolve().parents[1]
    for name in ("README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (root / "docs").glob("*.md"))):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page(name)):
            assert (root / name).parent.joinpath(target).exists(), f"{name} links to {target}"
