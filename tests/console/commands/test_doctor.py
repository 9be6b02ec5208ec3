import json
from urllib.parse import urlsplit

import psycopg
import pytest
from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import call_script

from tests.support.cli import Cli, closed_port, fields, http_server, redis_client

pytestmark = pytest.mark.xdist_group("doctor")  # one Redis of their own for all


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
    """Return what was found by level, as one text each."""
    return {
        level: "\n".join(f"{check['what']} → {check['do']}" for check in told["checks"] if check["level"] == level)
        for level in ("ok", "warn", "fail")
    }


def unwrap(text):
    return " ".join(text.split())


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
