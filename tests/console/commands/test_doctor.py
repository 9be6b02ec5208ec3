import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_console.doctor.check_launches import check_agreement, check_backlogs
from darklaunch_console.doctor.check_processes import check_processes
from darklaunch_console.doctor.check_redis import judge_clock, judge_info
from darklaunch_console.doctor.check_result import CheckLevel
from darklaunch_console.embedded import embedded_valkey
from darklaunch_console.stores.streams import ShardState, StreamsState, StreamState
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord, heartbeat
from darklaunch_shared.redis.script_calls import call_script

from tests.support.cli import Cli, closed_port, fields, http_server, redis_client

pytestmark = pytest.mark.xdist_group("doctor")  # one Redis of their own for all

FIT = {"redis_version": "7.0.15", "role": "master", "maxmemory_policy": "noeviction", "used_memory": "1000"}
FIT |= {"maxmemory": "0", "aof_enabled": "1", "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok"}


@pytest.fixture(scope="module")
def valkey():
    with embedded_valkey() as valkey:
        yield valkey


@pytest.fixture
def alone(valkey, own_postgres_dsn, tmp_path):
    """A Redis and a database of one's own, so that the whole examination is this test's."""
    with redis_client(valkey.url) as redis:
        redis.execute_command("FLUSHALL")
        redis.execute_command("CONFIG", "SET", "maxmemory-policy", "noeviction", "appendonly", "no")
    return Cli(valkey.url, own_postgres_dsn, str(tmp_path))


def checks(told):
    """Give what was found by level, as one text each."""
    return {
        level: "\n".join(f"{check['what']} → {check['do']}" for check in told["checks"] if check["level"] == level)
        for level in ("ok", "warn", "fail")
    }


def unwrap(text):
    return " ".join(text.split())


def levels(found):
    return {finding.level for finding in found}


def live(identity, **about):
    return ProcessRecord(identity, 0, about)


def test_everything_in_order(alone):
    with redis_client(alone.redis_url) as redis:
        redis.execute_command("CONFIG", "SET", "appendonly", "yes")
        for registry, about in ((keys.HOOKS, {}), (keys.WORKERS, {}), (keys.COMPARATORS, {"leader": True})):
            call_script(redis, heartbeat(registry, "one", about))
    with http_server() as shadow:
        alone.ok("start", "fine", "--shadow", shadow.url)
        told = alone.json("doctor")
        found = checks(told)
        assert told["ok"] is True
        assert found["fail"] == ""
        assert f"fine: its shadow {shadow.url} responds (HTTP 200 in " in found["ok"]
        assert "maxmemory-policy noeviction" in found["ok"]
        assert "Postgres has the tables of this release" in found["ok"]
        said = alone.ok("doctor").splitlines()
    assert said[0].startswith("Everything works: ")
    assert said[1].startswith("ok    Redis at 127.0.0.1:")


def test_nobody_at_work_fails_when_a_launch_is_active(alone):
    assert checks(alone.json("doctor"))["fail"] == ""
    shadow, control = f"http://127.0.0.1:{closed_port()}", f"http://127.0.0.1:{closed_port()}"
    alone.ok("start", "lonely", "--shadow", shadow, "--control", control)
    found = checks(alone.json("doctor", code=1))
    assert "No worker is running: nothing is replayed → Start one: darklaunch worker." in found["fail"]
    assert "No comparator is running" in found["fail"]
    assert "No app with the hook is running on this Redis" in found["warn"]
    refused = f"lonely: its shadow {shadow} refuses the connection"
    assert f"{refused} → Start it, or stop mirroring: darklaunch pause lonely." in found["fail"]
    assert f"lonely: its control {control} refuses the connection" in "".join(found["warn"])


def test_a_redis_that_evicts_is_refused(alone):
    with redis_client(alone.redis_url) as redis:
        redis.execute_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    result = alone.run("doctor")
    assert result.exit_code == 1
    assert "fail  Redis evicts whole streams when it is full (maxmemory-policy allkeys-lru)" in result.stdout
    assert "redis-cli CONFIG SET maxmemory-policy noeviction" in result.stdout


def test_servers_that_are_away_are_two_failures_and_no_more(tmp_path):
    port = closed_port()
    away = Cli(f"redis://127.0.0.1:{port}", f"postgresql://127.0.0.1:{port}/x", str(tmp_path))
    told = away.json("doctor", code=1)
    assert [check["level"] for check in told["checks"]] == ["fail", "fail"]
    assert told["checks"][0]["what"] == f"Redis at 127.0.0.1:{port} refused the connection (REDIS_URL)"
    assert told["checks"][1]["what"] == f"Postgres at 127.0.0.1:{port} refused the connection (DATABASE_URL)"


def test_a_database_without_our_tables_fails(alone, empty_postgres_dsn):
    found = checks(Cli(alone.redis_url, empty_postgres_dsn, alone.home).json("doctor", code=1))
    assert "Run: darklaunch migrate" in found["fail"]


def test_a_shadow_that_is_the_primary_is_found_once_exchanges_flow(alone):
    with http_server() as primary, redis_client(alone.redis_url) as redis:
        alone.ok("start", "mirror", "--shadow", primary.url)
        redis.execute_command("XADD", keys.captures("mirror"), "*", *fields("mirror", 1, origin=primary.url))
        found = checks(alone.json("doctor", code=1))
    assert f"mirror: its shadow {primary.url} is the primary itself" in found["fail"]


def test_what_strangers_left_on_redis_stops_no_command(alone):
    alone.ok("start", "fine", "--shadow", f"http://127.0.0.1:{closed_port()}")
    with redis_client(alone.redis_url) as redis:
        redis.execute_command("SADD", keys.LAUNCHES, b"\xff\n", "wrong-type", "damaged", "gone")
        redis.execute_command("SET", keys.launch("wrong-type"), "x")
        redis.execute_command("HSET", keys.launch("damaged"), "status", "flying")
        redis.execute_command("SET", keys.captures("fine"), "x")
        redis.execute_command("HSET", keys.ledger("fine"), b"\xff", "many", "replayed", "x")
        redis.execute_command("HSET", keys.producers("fine"), "p", "x")
        for registry in (keys.HOOKS, keys.WORKERS, keys.COMPARATORS):
            redis.execute_command("HSET", registry, b"\xff", "x", "a", b"99999999999999 []", "b", b"99999999999999 {}")
    assert "1 worker running" in checks(alone.json("doctor", code=1))["ok"]
    told = alone.json("backlog")
    assert [row["launch"] for row in told["launches"]] == ["fine"]
    line = alone.error("drain", "damaged", code=1)
    assert line.startswith("Error: launch damaged: ")
    assert "Any change publishes it again" in line


def test_a_hold_under_a_name_that_no_launch_has_is_found_with_the_one_that_was_meant(alone):
    alone.ok("start", "checkout-v2", "--shadow", f"http://127.0.0.1:{closed_port()}")
    with redis_client(alone.redis_url) as redis:
        redis.execute_command("HSET", keys.launch("chekout-v2"), "hold", "1")
        redis.execute_command("HSET", keys.launch("lifted"), "hold", "0")
    found = checks(alone.json("doctor", code=1))["fail"]
    assert "chekout-v2 is held on Redis, but there is no such launch: the hold stops nothing → " in found
    assert "If checkout-v2 was meant: darklaunch rollback checkout-v2." in found
    assert "lifted" not in found


def test_filters_that_let_nothing_through_are_said_by_start_and_doctor(alone):
    shadow = f"http://127.0.0.1:{closed_port()}"
    result = alone.run("start", "idle", "--shadow", shadow, "--only", "/nosuch/**", "--skip", "/**")
    assert result.stdout.startswith("idle is active, but mirrors nothing: --skip leaves out every path")
    assert "--skip leaves out every path. Nothing will be mirrored" in unwrap(result.stderr)
    assert "idle mirrors nothing: --skip leaves out every path" in checks(alone.json("doctor", code=1))["warn"]


def test_webhooks_that_nobody_can_sign_are_said_by_start_and_doctor(alone, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('webhooks = ["https://hooks.example/x"]')
    shadow = f"http://127.0.0.1:{closed_port()}"
    with redis_client(alone.redis_url) as redis:
        about = {"kind": "comparator", "leader": True, "signs_webhooks": False}
        call_script(redis, heartbeat(keys.COMPARATORS, "c1", about))
        result = alone.run("start", "telling", "--shadow", shadow, "--policy", str(policy))
        assert "no running comparator has a secret to sign them" in unwrap(result.stderr)
        assert "telling: webhooks are set, but no comparator" in checks(alone.json("doctor", code=1))["warn"]
        call_script(redis, heartbeat(keys.COMPARATORS, "c1", {**about, "signs_webhooks": True}))
        assert "webhooks are set" not in checks(alone.json("doctor", code=1)).get("warn", "")


def test_a_shadow_that_must_not_be_called_fails(alone):
    alone.ok("start", "wild", "--shadow", "http://127.0.0.1:9")
    with redis_client(alone.redis_url) as redis:
        redis.execute_command("HSET", keys.launch("wild"), "spec", '{"shadow":"http://169.254.169.254"}')
    found = checks(alone.json("doctor", code=1))
    assert "wild: its shadow must not be called: 169.254.169.254 is in 169.254.0.0/16" in found["fail"]


@pytest.mark.parametrize(
    ("changed", "level", "said"),
    [
        ({"redis_version": "6.0.9"}, CheckLevel.FAIL, "Redis 6.0.9"),
        ({"role": "slave"}, CheckLevel.FAIL, "read-only replica"),
        ({"maxmemory_policy": "volatile-lru"}, CheckLevel.FAIL, "volatile-lru"),
        ({"maxmemory": "1050"}, CheckLevel.WARN, "1 kB of 1.1 kB"),
        ({"aof_enabled": "0"}, CheckLevel.WARN, "no append-only file"),
        ({"aof_last_write_status": "err"}, CheckLevel.FAIL, "could not save"),
        ({"loading": "1"}, CheckLevel.FAIL, "loading"),
    ],
)
def test_what_info_says_is_judged(changed, level, said):
    assert levels(judge_info(FIT, "Redis at h", 1.0)) == {CheckLevel.OK}
    (bad,) = [
        finding for finding in judge_info({**FIT, **changed}, "Redis at h", 1.0) if finding.level is not CheckLevel.OK
    ]
    assert bad.level is level
    assert said in bad.what
    assert bad.do


@pytest.mark.parametrize(
    ("skew_s", "level"), [(0.1, CheckLevel.OK), (-5, CheckLevel.WARN), (5, CheckLevel.WARN), (-300, CheckLevel.FAIL)]
)
def test_clocks_that_disagree_are_told(skew_s, level):
    found = judge_clock("Redis", skew_s)
    assert found.level is level
    if skew_s == -5:
        assert found.what == "Redis's clock is 5 s behind this machine's"


@pytest.mark.parametrize(
    ("clocks", "level", "said"),
    [
        ({"a": 10_000, "b": 11_999}, "ok", "The clocks of 2 hosts agree with that of Redis"),
        ({"a": 10_000, "b": 4_000}, "warn", "b's clock is 6 s behind that of Redis"),
        ({"a": 100_000}, "fail", "a's clock is 1 min 30 s ahead of that of Redis"),
    ],
)
def test_the_clocks_of_hosts_are_judged_by_that_of_redis(clocks, level, said):
    hooks = [ProcessRecord(host, 10_000, {"host": host, "clock_ms": at_ms}) for host, at_ms in clocks.items()]
    found = check_processes(hooks, [live("w")], [live("c", leader=True)], active=True)
    assert [(finding.level, finding.what) for finding in found if "clock" in finding.what] == [(level, said)]


def test_a_sign_of_life_that_was_long_under_way_accuses_no_clock():
    """Redis was frozen for 5 s while a worker's was on its way; the hook's came after."""
    hooks = [ProcessRecord(str(at_ms), 10_000, {"host": "a", "clock_ms": at_ms}) for at_ms in (5_000, 9_990)]
    found = check_processes(hooks, [live("w")], [live("c", leader=True)], active=True)
    assert [finding.what for finding in found if "clock" in finding.what] == [
        "The clocks of 1 host agree with that of Redis"
    ]


def test_a_redis_that_lets_everybody_in_is_warned_of(alone):
    with redis_client(alone.redis_url) as redis:
        password = urlsplit(alone.redis_url).password
        redis.execute_command("ACL", "SETUSER", "default", "nopass")
        try:
            bare = alone.redis_url.replace(f":{password}@", "")
            told = json.loads(alone.run("doctor", "--json", REDIS_URL=bare).stdout)
            assert (
                "Redis requires no password: whoever can reach it can read and write everything" in checks(told)["warn"]
            )
        finally:
            redis.execute_command("ACL", "SETUSER", "default", "resetpass", f">{password}")
    assert "Redis requires a password (this is the user default)" in checks(alone.json("doctor"))["ok"]


def test_a_role_without_rights_is_told_what_it_lacks(alone):
    with psycopg.connect(alone.postgres_dsn, autocommit=True) as owner:
        owner.execute("CREATE ROLE dl_bare LOGIN PASSWORD 'pw'")
        try:
            parts = urlsplit(alone.postgres_dsn)
            bare = parts._replace(netloc=f"dl_bare:pw@{parts.netloc.rpartition('@')[2]}").geturl()
            shut_out = checks(json.loads(alone.run("doctor", "--json", DATABASE_URL=bare).stdout))["fail"]
            assert "does not let dl_bare do that (DATABASE_URL): permission denied for schema darklaunch → " in shut_out
            assert "darklaunch migrate --runtime-role dl_bare." in shut_out
            owner.execute("GRANT USAGE ON SCHEMA darklaunch TO dl_bare")
            owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA darklaunch TO dl_bare")
            lacking = json.loads(alone.run("doctor", "--json", DATABASE_URL=bare).stdout)
            assert "The Postgres role dl_bare lacks rights: DELETE on " in checks(lacking)["fail"]
            assert "darklaunch migrate --runtime-role dl_bare" in checks(lacking)["fail"]
            told = alone.ok("migrate", "--runtime-role", "dl_bare")
            assert told.splitlines()[-1] == "The role dl_bare may read and write their rows, but cannot alter tables."
            granted = json.loads(alone.run("doctor", "--json", DATABASE_URL=bare).stdout)
            assert "The Postgres role dl_bare has the rights that comparators need" in checks(granted)["ok"]
        finally:
            owner.execute("DROP OWNED BY dl_bare")
            owner.execute("DROP ROLE dl_bare")


def test_processes_of_several_releases_and_no_leader_are_warned_of():
    found = check_processes([live("h", version="1")], [live("w", version="2")], [live("c")], active=True)
    said = "\n".join(finding.what for finding in found if finding.level is CheckLevel.WARN)
    assert "No comparator is the leader" in said
    assert "several releases run: 1, 2" in said


def state(name="a", revision=5, **changed):
    given = {"status": LaunchStatus.ACTIVE, "percent": 10.0, "hold": False, "spec": LaunchSpec("http://h"), **changed}
    return LaunchState(name, given["status"], given["percent"], given["hold"], revision, given["spec"])


@pytest.mark.parametrize(
    ("copies", "level", "said"),
    [
        ({"a": state()}, None, ""),
        ({}, CheckLevel.FAIL, "missing or damaged on Redis"),
        ({"a": state(revision=4)}, CheckLevel.WARN, "a is at revision 5, Redis has 4"),
        ({"a": state(hold=True)}, CheckLevel.WARN, "a is held on Redis, which is not recorded yet"),
        ({"a": state(), "b": state("b")}, CheckLevel.WARN, "b is on Redis, but not recorded in this Postgres"),
    ],
)
def test_record_and_copy_are_compared(copies, level, said):
    found = check_agreement([LaunchRecord(state(), 0, datetime.now(UTC), datetime.now(UTC))], copies)
    assert [finding.level for finding in found] == ([level] if level else [])
    assert said in "".join(finding.what for finding in found)


def test_a_pipeline_that_falls_behind_is_told_and_so_are_dead_letters():
    late = StreamState(40, 2, 200.0, (1, 0), (2, 0))
    sight = StreamsState((ShardState(late, StreamState(0, 0, 0.0, None, (0, 0)), 3, {"lost_pel": 2}, []),), frozenset())
    said = "\n".join(finding.what for finding in check_backlogs({"a": (state(), sight)}))
    assert "a is 3 min 20 s behind with 40 exchanges" in said
    assert "a has 3 dead letters" in said
    assert "a: 2 exchanges were deleted from their stream before they were done" in said
