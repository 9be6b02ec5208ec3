"""Redis stopped, killed, flushed, full, loading, read-only, refusing: everything goes on by itself, and is counted."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from darklaunch_shared import keys
from darklaunch_shared.scripts import load

from tests.support.cli import Cli

from .hook import Hook
from .proxy import Proxy
from .redis_servers import LINES, RedisServer
from .stage import Stage

pytestmark = pytest.mark.faults


def test_nothing_at_all(stage: Stage) -> None:
    stage.up(workers=2, comparators=2)
    stage.mended()
    account = stage.finish("none")
    assert account["dropped"] == {}
    assert stage.shadow.again == 0


def test_absent_at_start(stage: Stage) -> None:
    stage.redis.kill()
    stage.worker()
    stage.comparator()
    hook = Hook(stage.redis_url)
    stage.hooks.append(hook)
    hook.load(100)
    time.sleep(2)
    stage.redis.start()
    stage.launch()
    stage.mended()
    stage.finish("Redis: absent at start")


def test_stopped(stage: Stage) -> None:
    stage.up()
    stage.redis.signal(signal.SIGSTOP)
    time.sleep(4)
    stage.redis.signal(signal.SIGCONT)
    stage.mended()
    account = stage.finish("Redis: SIGSTOP 4 s")
    assert "lost_in_redis" not in account["dropped"]


def backlog(stage: Stage, at_least: int = 50) -> None:
    """Make the shadow take its time until exchanges wait on the stream."""
    stage.shadow.delay_s = 1.0
    stage.until(lambda: stage.length(keys.captures(stage.name)) >= at_least)


def test_killed_with_an_append_only_file(stage: Stage) -> None:
    lines = ("appendonly yes", "appendfsync always")
    stage.redis.kill()
    stage.redis.start(*lines)
    stage.up()
    backlog(stage)
    stage.redis.kill()
    time.sleep(1)
    stage.shadow.delay_s = 0.0
    stage.redis.start(*lines)
    stage.mended()
    account = stage.finish("Redis: SIGKILL, restarted with its file")
    assert "lost_in_redis" not in account["dropped"]


def test_killed_without_persistence(stage: Stage) -> None:
    stage.up()
    backlog(stage)
    stage.redis.kill()
    time.sleep(1)
    stage.shadow.delay_s = 0.0
    stage.redis.start()
    stage.mended()
    account = stage.finish("Redis: SIGKILL, restarted empty")
    assert account["dropped"]["lost_in_redis"] >= 50


def test_flushed_under_load(stage: Stage) -> None:
    stage.up(workers=2, comparators=2)
    backlog(stage)
    stage.client.execute_command("FLUSHALL")
    stage.shadow.delay_s = 0.0
    assert stage.mended() < 15
    account = stage.finish("Redis: FLUSHALL")
    assert account["dropped"]["lost_in_redis"] >= 20


def test_scripts_flushed(stage: Stage) -> None:
    stage.up()
    for _ in range(5):
        stage.client.execute_command("SCRIPT FLUSH")
        time.sleep(0.3)
    stage.mended()
    assert stage.finish("Redis: SCRIPT FLUSH")["dropped"] == {}


def test_loading(stage: Stage) -> None:
    stage.up()
    stage.client.execute_command("DEBUG", "POPULATE", 3000)
    stage.client.execute_command("SAVE")
    stage.redis.kill()
    stage.redis.start("key-load-delay 1000", "loading-process-events-interval-bytes 1024", answering=False)
    stage.until(stage.redis.answers)
    log = stage.redis.read_log()
    assert "Done loading" in log or "DB loaded" in log
    stage.mended()
    stage.finish("Redis: killed after SAVE, LOADING 3 s")


def test_a_full_server_drains(stage: Stage) -> None:
    stage.up()
    backlog(stage)
    stage.client.execute_command("CONFIG SET", "maxmemory", 1)
    stage.shadow.delay_s = 0.0
    stage.until(lambda: stage.length(keys.captures(stage.name)) == 0)
    stage.until(lambda: stage.length(keys.replays(stage.name)) == 0)
    stage.client.execute_command("CONFIG SET", "maxmemory", 0)
    stage.mended()
    account = stage.finish("Redis: OOM")
    assert account["dropped"]["oom"] > 0 and set(account["dropped"]) == {"oom"}


def test_evicted(stage: Stage) -> None:
    stage.up()
    backlog(stage)
    stage.client.execute_command("CONFIG SET", "maxmemory-policy", "allkeys-random")
    stage.client.execute_command("CONFIG SET", "maxmemory", 1)
    time.sleep(1)
    stage.client.execute_command("CONFIG SET", "maxmemory", 0)
    stage.shadow.delay_s = 0.0
    stage.mended()
    account = stage.finish("Redis: evicts everything (allkeys-random)")
    assert account["dropped"]["lost_in_redis"] > 0


Act = Callable[[Stage], Any]


def info(redis: RedisServer, section: str) -> dict[str, Any]:
    told: Any = redis.ask("INFO", section)
    return told


def config(name: str, value: str | int) -> Act:
    return lambda stage: stage.client.execute_command("CONFIG SET", name, value)


def command(*words: str | int) -> Act:
    return lambda stage: stage.client.execute_command(*words)


def cannot_save(stage: Stage) -> None:
    Path(stage.redis.directory, "dump.rdb").mkdir()
    stage.client.execute_command("CONFIG SET", "save", "3600 1")
    stage.client.execute_command("BGSAVE")
    stage.until(lambda: info(stage.redis, "persistence")["rdb_last_bgsave_status"] == "err")


def no_connection_left(stage: Stage) -> None:
    stage.client.execute_command("CONFIG SET", "maxclients", 1)
    stage.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def wrong_type(stage: Stage) -> None:
    """Put something else where the replays go, at a moment when they are all recorded."""
    script = "if redis.call('XLEN', KEYS[1]) > 0 then return 0 end redis.call('SET', KEYS[1], 'oops') return 1"
    stage.until(lambda: stage.client.execute_command("EVAL", script, 1, keys.replays(stage.name)) == 1)


REFUSALS: dict[str, tuple[Act, Act]] = {
    "MISCONF": (cannot_save, config("save", "")),
    "READONLY": (command("REPLICAOF", "127.0.0.1", 1), command("REPLICAOF", "NO", "ONE")),
    "NOREPLICAS": (config("min-replicas-to-write", 1), config("min-replicas-to-write", 0)),
    "maxclients": (no_connection_left, config("maxclients", 10_000)),
    "WRONGTYPE": (wrong_type, lambda stage: stage.client.execute_command("DEL", keys.replays(stage.name))),
    "NOPERM": (command("ACL", "SETUSER", "default", "-@write"), command("ACL", "SETUSER", "default", "+@all")),
    "CLIENT PAUSE WRITE": (command("CLIENT", "PAUSE", 3000, "WRITE"), command("PING")),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusing(stage: Stage, refusal: str) -> None:
    begin, end = REFUSALS[refusal]
    stage.up()
    begin(stage)
    # A key in the way stops outcomes only: leases run on, and more of them pass than an exchange has deliveries.
    lasting_s = 9 if refusal == "WRONGTYPE" else 3
    time.sleep(lasting_s)
    end(stage)
    stage.mended()
    account = stage.finish(f"Redis: {refusal} {lasting_s} s")
    assert set(account["dropped"]) <= {"redis_down"}
    assert account["outcomes"]["dead"] == 0
    if refusal == "WRONGTYPE":
        assert stage.shadow.again == 0, "an outcome that waits is not made a second time"


LOST: dict[str, Callable[[], bytes]] = {
    "the admission script": lambda: load("admit").sha.encode(),
    "XREADGROUP": lambda: b"XREADGROUP",
    "the finish script": lambda: load("finish").sha.encode(),
}


@pytest.mark.parametrize("lost", LOST)
def test_lost_replies(stage: Stage, lost: str) -> None:
    proxy = stage.redis_proxy()
    stage.up(workers=2)
    word, seen = LOST[lost](), 0

    def lose(request: bytes) -> bool:
        nonlocal seen
        seen += word in request
        return word in request and seen % 4 == 0

    proxy.lose = lose
    stage.until(lambda: proxy.lost >= 5)
    proxy.lose = lambda _request: False
    stage.mended()
    account = stage.finish(f"Redis: lost replies of {lost}")
    assert account["dropped"] == {}


def test_half_open_connections(stage: Stage) -> None:
    proxy = stage.redis_proxy()
    stage.up()
    proxy.fall_silent()
    stage.mended()
    assert stage.finish("Redis: half-open connections")["dropped"] == {}


def test_connections_reset_again_and_again(stage: Stage) -> None:
    proxy = stage.redis_proxy()
    stage.up()
    for _ in range(6):
        proxy.reset()
        time.sleep(0.4)
    stage.mended()
    stage.finish("Redis: connections reset, 6 times")


def test_single_bytes_and_lag(stage: Stage) -> None:
    proxy = stage.redis_proxy()
    stage.up()
    hook = stage.hooks[0]
    hook.rest()
    proxy.piece = 1
    hook.load(10)
    time.sleep(2)
    proxy.piece, proxy.delay_s = 0, 0.1
    time.sleep(1)
    proxy.delay_s = 0.0
    stage.mended()
    assert stage.finish("Redis: fragments of one byte, then 200 ms of lag")["dropped"] == {}


def test_a_replica_promoted_behind_its_primary(stage: Stage, tmp_path: Path) -> None:
    program = LINES[0].find()
    assert program is not None
    (tmp_path / "replica").mkdir()
    replica = RedisServer(program, tmp_path / "replica")
    replica.password = stage.redis.password
    link = Proxy(stage.redis.port)
    replica.start(f"replicaof 127.0.0.1 {link.port}")
    try:
        proxy = stage.redis_proxy()
        stage.up()
        stage.until(lambda: info(replica, "replication")["master_link_status"] == "up")
        backlog(stage, 10)
        link.fall_silent()
        time.sleep(1.5)
        stage.redis.kill()
        replica.ask("REPLICAOF", "NO", "ONE")
        proxy.target_port = replica.port
        proxy.reset()
        stage.moved_to(replica)
        stage.shadow.delay_s = 0.0
        stage.mended()
        account = stage.finish("Redis: a replica 1.5 s behind is promoted")
        assert account["dropped"]["lost_in_redis"] > 0
    finally:
        replica.kill()
        link.close()


def test_a_launch_can_be_paused_on_a_full_server(stage: Stage) -> None:
    hook = stage.up()
    stage.client.execute_command("CONFIG SET", "maxmemory", 1)
    Cli(stage.redis.url, stage.dsn, str(stage.redis.directory)).ok("pause", stage.name)
    stage.until(lambda: not hook.sampling, 5)
    stage.client.execute_command("CONFIG SET", "maxmemory", 0)
    Cli(stage.redis.url, stage.dsn, str(stage.redis.directory)).ok("resume", stage.name)
    stage.mended()
    stage.finish("Redis: OOM, paused and resumed")
