"""The stage that each fault is a few lines on: a hook, workers and comparators as processes, and a shadow, all real.

A test brings the stage up, breaks something under load, mends it, and calls `finish`: that waits until everything has
drained, checks the promises, and reports what it came to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from darklaunch_comparator.leader import cleanup
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_console.stores.postgres import Connection
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.fields import pair_fields
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis.exceptions import RedisError

from tests.support.cli import Cli
from tests.support.exchanges import assert_sums_equal_rows

from .hook import Hook
from .processes import Process, app_main, comparator_main, worker_main
from .proxy import Proxy
from .redis_servers import RedisServer
from .shadow import Shadow

LIMIT_S = 60.0
WORKER: dict[str, Any] = {"lease_s": 1.2, "concurrency": 16}
COMPARATOR: dict[str, Any] = {
    "lease_s": 1.2, "batch_wait_ms": 20, "wait_ms": 100, "gap_after_s": 3.0, "gap_every_s": 0.5,
}  # fmt: skip

Record = Callable[[str, object], None]


class Stage:
    """Servers and processes of one test. `redis_url` and `dsn` are how the processes reach them; a proxy may lie there.

    `sampled_elsewhere` counts what hooks in other processes sampled, as far as they lived to say so.
    """

    def __init__(self, redis: RedisServer, dsn: str, directory: Path, name: str, record: Record) -> None:
        self.redis, self.dsn, self.name = redis, dsn, name
        self.redis_url, self.process_dsn = redis.url, dsn
        self.shadow = Shadow()
        self.processes: list[Process] = []
        self.hooks: list[Hook] = []
        self.recovery_s: float | None = None
        self._revision = 0
        self.directory, self._record = directory, record
        self._exits = ExitStack()
        self._exits.callback(self.shadow.close)
        self.client: RedisClient = redis.client()
        self._exits.callback(self.client.close)

    # Bringing it up

    def launch(self, name: str = "", *, published: bool = True, **spec: Any) -> None:
        """Record a launch at 100 %, and publish it."""
        with connect_store(self.dsn, name="darklaunch-test") as connection:
            given = LaunchSpec(**{"shadow": self.shadow.origin, "noise_percent": 0.0, **spec})
            record = create_launch(connection, name or self.name, given, LaunchAct("tester", "started"), percent=100.0)
        if published:
            publish_launch(self.client, record.state, lift_hold=True)

    def respecify(self, **spec: Any) -> None:
        """Change a launch's specification on Redis, as a later revision."""
        self._revision = max(self._revision, 1_000) + 1
        changed = LaunchSpec(**{"shadow": self.shadow.origin, "noise_percent": 0.0, **spec})
        state = LaunchState(
            self.name, LaunchStatus.ACTIVE, percent=100.0, hold=False, revision=self._revision, spec=changed
        )
        publish_launch(self.client, state, lift_hold=False)

    def worker(self, *, crash_at: str = "", **settings: Any) -> Process:
        return self._run("worker", worker_main, crash_at, {"redis_url": self.redis_url, **WORKER, **settings})

    def comparator(self, *, crash_at: str = "", **settings: Any) -> Process:
        urls = {"redis_url": self.redis_url, "database_url": self.process_dsn}
        return self._run("comparator", comparator_main, crash_at, {**urls, **COMPARATOR, **settings})

    def app(self, requests: int, per_s: float, *, crash_at: str = "", first: int = 0) -> Process:
        """Run a web app with the hook in a process of its own, which asks itself."""
        return self._run("app", app_main, crash_at, self.redis_url, requests, per_s, first)

    def hook(self, **options: Any) -> Hook:
        """Put the hook into this process, and wait until it samples."""
        hook = Hook(self.redis_url, **options)
        self.hooks.append(hook)
        hook.begin()
        return hook

    def up(self, *, workers: int = 1, comparators: int = 1, per_s: float = 100.0, **spec: Any) -> Hook:
        """Bring everything up, under load, and wait until the first exchanges are recorded. Gives the hook."""
        self.launch(**spec)
        for _ in range(workers):
            self.worker()
        for _ in range(comparators):
            self.comparator()
        hook = self.hook()
        hook.load(per_s)
        self.until(lambda: self.rows() >= 20)
        return hook

    def _run(self, kind: str, main: Callable[..., None], crash_at: str, *args: Any) -> Process:
        log_path = self.directory / f"{kind}-{len(self.processes)}.log"
        process = Process(kind, main, log_path, crash_at, *args)
        self.processes.append(process)
        return process

    def redis_proxy(self) -> Proxy:
        """Make the processes started from now on reach Redis through a proxy."""
        proxy = self._kept(Proxy(self.redis.port))
        self.redis_url = self.redis.url.replace(f":{self.redis.port}/", f":{proxy.port}/")
        return proxy

    def postgres_proxy(self) -> Proxy:
        """Make the processes started from now on reach Postgres through a proxy."""
        port = conninfo_to_dict(self.dsn)["port"]
        proxy = self._kept(Proxy(int(port or 5432)))
        self.process_dsn = make_conninfo(self.dsn, host="127.0.0.1", port=str(proxy.port))
        return proxy

    def _kept(self, proxy: Proxy) -> Proxy:
        self._exits.callback(proxy.close)
        return proxy

    def moved_to(self, redis: RedisServer) -> None:
        """Look at another server from now on."""
        self.redis, self.client = redis, redis.client()
        self._exits.callback(self.client.close)

    # Looking

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connect_store(self.dsn, name="darklaunch-test") as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def rows(self, *outcomes: str, since_s: float = 0.0, name: str = "") -> int:
        """Count the rows of exchanges captured since a time (epoch), of some outcomes or of all but losses."""
        wanted = list(outcomes or ("matched", "mismatched", "ignored", "unverified", "shadow_error"))
        query = (
            "SELECT count(*) FROM darklaunch.result WHERE launch = %s AND outcome = ANY(%s) "
            "AND captured_at >= to_timestamp(%s)"
        )
        return int(self.sql(query, name or self.name, wanted, since_s)[0][0])

    def length(self, stream: str) -> int:
        return int(self.client.execute_command("XLEN", stream))

    def logs(self) -> str:
        return "\n".join(f"--- {each.kind} {each.pid} ---\n{each.log[-3000:]}" for each in self.processes)

    def until(self, holds: Callable[[], object], limit_s: float = LIMIT_S) -> None:
        """Wait until something holds; a server that is away means that it does not yet."""
        give_up = time.monotonic() + limit_s
        while True:
            try:
                if holds():
                    return
            except (RedisError, OSError, Exception) as error:
                if time.monotonic() > give_up:
                    raise AssertionError(f"{error!r}\n{self.logs()}") from error
            if time.monotonic() > give_up:
                raise AssertionError(f"it did not come to hold in {limit_s:g} s\n{self.logs()}")
            time.sleep(0.05)

    # Ending

    def mended(self, *outcomes: str) -> float:
        """Measure, from now on, how long it takes until an exchange captured from now on has its row."""
        lifted_s = time.time()
        self.until(lambda: self.rows(*outcomes, since_s=lifted_s))
        self.recovery_s = time.time() - lifted_s
        return self.recovery_s

    def mended_by(self, ask: Callable[[], object]) -> float:
        """Measure the same, asking for something each time."""
        lifted_s = time.time()
        self.until(lambda: (ask(), self.rows(since_s=lifted_s))[1])
        self.recovery_s = time.time() - lifted_s
        return self.recovery_s

    def asked_of(self, name: str) -> int:
        """Return how many exchanges the hooks of this process sampled for one launch."""
        return sum(hook.sampled_for(name) for hook in self.hooks)

    def finish(self, fault: str, *, name: str = "", killed: int | None = 0) -> dict[str, Any]:
        """Drain everything, check the promises, report, and give the audit's account.

        `name` is the launch, the stage's own by default; `killed` is how many exchanges went with processes that died
        holding them in memory, None for any number.
        """
        name = name or self.name
        for hook in self.hooks:
            hook.stop()
            assert hook.wrong == 0, "a user got another answer than the primary's"
        self.until(lambda: self.length(keys.captures(name)) + self.length(keys.replays(name)) == 0)
        account = self._audited(name)
        in_process = self.asked_of(name)
        if self.hooks and not any(each.kind == "app" for each in self.processes):
            assert account["sampled"] == in_process, (account, in_process)
        if killed is not None:
            assert account["killed"] == killed, account
        peak = {kind: max((p.peak_mib for p in self.processes if p.kind == kind), default=0.0) for kind in ORDER}
        running = [process for process in self.processes if process.alive]
        codes = {process.pid: process.stop() for process in running}
        assert set(codes.values()) <= {0}, f"{codes}\n{self.logs()}"
        assert "Traceback" not in self.logs(), self.logs()
        with connect_store(self.dsn, name="darklaunch-test") as connection:
            self._check_rows(connection)
            self._check_groups(connection, name)
        self._report(fault, account, peak)
        return account

    def close(self) -> None:
        for hook in self.hooks:
            hook.stop()
        for process in self.processes:
            if process.alive:
                process.kill()
        self._exits.close()

    def _audited(self, name: str) -> dict[str, Any]:
        cli = Cli(self.redis.url, self.dsn, str(self.directory))
        account: dict[str, Any] = {}

        def balances() -> bool:
            nonlocal account
            result = cli.run("audit", name, "--strict", "--json")
            assert result.exit_code in (0, 1), result.output
            account = Cli.json(cli, "audit", name, "--strict", code=result.exit_code)
            return result.exit_code == 0

        try:
            self.until(balances)
        except AssertionError as error:
            raise AssertionError(f"{account}\n{error}") from None
        assert account["disagreement"] == 0 and account["lost"] == 0
        return account

    def _check_rows(self, connection: Connection) -> None:
        launches = [name for (name,) in connection.execute(b"SELECT name FROM darklaunch.launch")]
        for launch in launches:
            assert_sums_equal_rows(connection, launch)
        twice = connection.execute(
            b"SELECT launch, exchange_id FROM darklaunch.result GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
        assert twice == [], "an exchange has two results"

    def _check_groups(self, connection: Connection, name: str) -> None:
        """See that nobody holds anything, and that housekeeping takes the consumers of dead processes off."""
        streams = {keys.captures(name): keys.WORKER_GROUP, keys.replays(name): keys.COMPARATOR_GROUP}
        for stream, group in streams.items():
            held = {each: pending for each, pending in self.consumers(stream, group).items() if pending}
            assert held == {}, "an orphaned consumer holds entries"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cleanup, "SILENT_MS", -1)
            cleanup.Cleanup(14).clean_up(connection, self.client)
        left = [each for stream, group in streams.items() for each in self.consumers(stream, group)]
        assert left == [], "a consumer of a dead process is left in its group"

    def consumers(self, stream: str, group: str) -> dict[str, int]:
        """Return a group's consumers and how many entries each holds."""
        if not self.client.execute_command("EXISTS", stream):
            return {}
        told = map(pair_fields, self.client.execute_command("XINFO", "CONSUMERS", stream, group))
        return {each[b"name"].decode(): int(each[b"pending"]) for each in told}

    def _report(self, fault: str, account: dict[str, Any], peak_mib: dict[str, float]) -> None:
        outcomes = {name: count for name, count in account["outcomes"].items() if count}
        line = {
            "fault": fault,
            "sampled": account["sampled"],
            "outcomes": outcomes,
            "dropped": account["dropped"],
            "killed": account["killed"],
            "again": self.shadow.again,
            "lost": account["dropped"].get("lost_in_redis", 0),
            "recovery_s": self.recovery_s,
            "peak_mib": peak_mib,
        }
        self._record("fault", line)


ORDER = ("worker", "comparator")
