import os
import signal
import socket
import threading
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from darklaunch_console.embedded import (
    DidNotStart,
    EmbeddedError,
    HomeInUse,
    NotInstalled,
    embedded_postgres,
    embedded_servers,
    embedded_valkey,
    postgres,
    running_servers,
    valkey,
)
from darklaunch_console.embedded.account import server_account

from tests.support.embedded import is_alive, reachable_directory


@pytest.fixture(scope="module")
def pair():
    with embedded_servers(keep=False) as servers:
        yield servers


def test_both_answer_with_their_password(pair):
    with redis.Redis.from_url(pair.redis_url) as client:
        assert client.ping()
    with psycopg.connect(pair.postgres_url) as connection:
        assert connection.execute("SELECT current_database(), current_setting('server_encoding')").fetchone() == (
            "darklaunch",
            "UTF8",
        )


def test_valkey_refuses_without_the_password(pair):
    port = redis.Redis.from_url(pair.redis_url).connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


@pytest.mark.parametrize("password", ["", "wrong"])
def test_postgres_refuses_without_the_password(pair, password):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(pair.postgres_url, password=password).close()


def test_announced_servers_are_found_and_keep_nothing():
    with reachable_directory() as home:
        with embedded_servers(keep=False, announce=True, home=home) as servers:
            found = running_servers(home)
            assert found
            assert (found.redis_url, found.postgres_url) == (servers.redis_url, servers.postgres_url)
            with pytest.raises(HomeInUse), embedded_servers(keep=True, home=home):
                pass
        assert running_servers(home) is None
        assert sorted(path.name for path in (home / "servers").iterdir()) == ["owner.lock", "servers.lock"]


def test_passwords_are_in_no_argument_and_no_environment(pair):
    for process, url in zip(pair.processes, (pair.redis_url, pair.postgres_url), strict=True):
        password = url.split("@")[0].rpartition(":")[2].encode()
        assert len(password) >= 32
        for file in ("cmdline", "environ"):
            content = Path(f"/proc/{process.pid}/{file}").read_bytes()
            assert content
            assert password not in content


def test_both_listen_on_one_loopback_address_only(pair):
    for url in (pair.redis_url, pair.postgres_url):
        port = int(url.rpartition(":")[2].partition("/")[0])
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(ConnectionRefusedError):  # a server on 0.0.0.0 would answer here
            socket.create_connection(("127.0.0.2", port)).close()
    with psycopg.connect(pair.postgres_url) as connection:
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)
    with redis.Redis.from_url(pair.redis_url, decode_responses=True) as client:
        assert client.config_get("unixsocket") == {"unixsocket": ""}


def test_valkey_never_evicts_and_keeps_protected_mode(pair):
    with redis.Redis.from_url(pair.redis_url, decode_responses=True) as client:
        settings = client.config_get("maxmemory-policy", "protected-mode", "appendonly")
    assert settings == {"maxmemory-policy": "noeviction", "protected-mode": "yes", "appendonly": "no"}


def test_both_run_as_an_unprivileged_user_without_groups(pair):
    account = server_account()
    assert account.uid != 0
    for process in pair.processes:
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert status["Uid"].split() == [str(account.uid)] * 4
        assert status["Gid"].split() == [str(account.gid)] * 4
        if account.drop:
            assert status["Groups"].split() == []


def test_both_are_direct_children_in_sessions_of_their_own(pair):
    for process in pair.processes:
        assert os.getsid(process.pid) == process.pid
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        assert int(fields[1]) == os.getpid()


def test_throwaway_data_goes_away_and_so_do_the_processes():
    with embedded_postgres() as server:
        directory, pid = server.path.parent.parent, server.process.pid
        assert directory.stat().st_mode & 0o077 & ~0o011 == 0
        assert is_alive(pid)
    assert not directory.exists()
    assert not is_alive(pid)


def test_only_the_missing_one_is_started(servers):
    with embedded_servers(keep=False, postgres_url=servers.postgres_url) as pair:
        assert pair.postgres_url == servers.postgres_url
        assert [process.name for process in pair.processes] == ["Valkey"]
    with embedded_servers(keep=False, redis_url="redis://a", postgres_url="postgresql://b") as pair:
        assert (pair.redis_url, pair.postgres_url, pair.processes) == ("redis://a", "postgresql://b", ())


def test_servers_outlive_the_thread_that_started_them():
    with ExitStack() as stack:
        started = []
        thread = threading.Thread(target=lambda: started.append(stack.enter_context(embedded_valkey())))
        thread.start()
        thread.join()
        with redis.Redis.from_url(started[0].url) as client:  # the kernel would have killed it by now
            assert client.ping()


def test_a_stopped_server_ends_all_the_same():
    with embedded_valkey() as server:
        pid = server.process.pid
        os.kill(pid, signal.SIGSTOP)
    assert not is_alive(pid)


def test_an_error_in_the_block_stops_the_server_and_goes_on():
    pids = []

    def fail_within():
        with embedded_valkey() as server:
            pids.append(server.process.pid)
            raise PermissionError("mine")

    with pytest.raises(PermissionError, match="mine"):
        fail_within()
    assert not is_alive(pids[0])


@pytest.mark.parametrize("module", [valkey, postgres], ids=["valkey", "postgres"])
def test_a_port_taken_in_between_leads_to_another(module, monkeypatch):
    start_alone: Any = {valkey: embedded_valkey, postgres: embedded_postgres}[module]
    with socket.create_server(("127.0.0.1", 0)) as rival:
        taken = rival.getsockname()[1]
        offers = [taken]
        free_port = module.free_port
        monkeypatch.setattr(module, "free_port", lambda preferred=0: offers.pop() if offers else free_port(preferred))
        with start_alone() as server:
            assert f":{taken}/" not in server.url
            assert offers == []


def test_a_server_that_does_not_start_shows_the_end_of_its_log():
    with pytest.raises(DidNotStart) as refusal, embedded_valkey(extra=["no-such-directive 1"]):
        pass
    message = str(refusal.value)
    assert "Valkey ended with exit code 1" in message
    assert "no-such-directive 1" in message


def test_missing_wheels_name_the_extra_and_the_other_way(monkeypatch):
    def not_found(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_found)
    with pytest.raises(NotInstalled) as refusal, embedded_servers(keep=False):
        pass
    message = str(refusal.value)
    assert isinstance(refusal.value, EmbeddedError)
    for part in ("pip install 'darklaunch[embedded]'", "REDIS_URL", "DATABASE_URL"):
        assert part in message
