import secrets
import socket
from urllib.parse import urlsplit

import pytest
from darklaunch_console.stores import redis
from redis.exceptions import ResponseError

from tests.support.cli import closed_port, redis_client


def replaced(url: str, **parts: object) -> str:
    """Return a URL with another user, password, port or path."""
    split = urlsplit(url)
    user, password = parts.get("user", split.username or ""), parts.get("password", split.password)
    login = f"{user}:{password}@" if password is not None else ""
    return f"{split.scheme}://{login}{split.hostname}:{parts.get('port', split.port)}{parts.get('path', split.path)}"


def place(url: str) -> str:
    split = urlsplit(url)
    return f"{split.hostname}:{split.port}"


def test_redis_that_is_not_there(cli):
    port = closed_port()
    line = cli.error("backlog", code=3, REDIS_URL=f"redis://:secret@127.0.0.1:{port}/0")
    assert line == (
        f"Error: Redis at 127.0.0.1:{port} refused the connection (REDIS_URL). "
        "Start it, set REDIS_URL, or run `darklaunch up` for an embedded one."
    )


def test_redis_that_nobody_named(cli):
    with socket.socket() as taken:  # whatever listens on 6379 here, it must not be this test's business
        if taken.connect_ex(("127.0.0.1", 6379)) == 0:
            pytest.skip("a Redis of this machine's listens on 6379")
    line = cli.error("backlog", code=3, REDIS_URL=None)
    assert line.startswith("Error: Redis at 127.0.0.1:6379 refused the connection (REDIS_URL is not set). Start it,")


def test_redis_whose_name_does_not_resolve(cli):
    line = cli.error("backlog", code=3, REDIS_URL="redis://nobody.invalid")
    assert line.startswith("Error: Redis at nobody.invalid:6379 has a name that does not resolve (REDIS_URL).")


def test_redis_with_another_password(cli):
    url = replaced(cli.redis_url, password="wrong-secret")
    line = cli.error("backlog", code=3, REDIS_URL=url)
    where = place(cli.redis_url)
    assert line == (
        f"Error: Redis at {where} refused the user or password (REDIS_URL). Correct it: redis://:PASSWORD@HOST:PORT/0."
    )


def test_redis_without_a_password(cli, own_valkey):
    line = cli.error("backlog", code=3, REDIS_URL=replaced(own_valkey.url, password=None))
    where = place(own_valkey.url)
    assert line.startswith(f"Error: Redis at {where} wants a password (REDIS_URL). Put it into the URL:")


def test_redis_that_is_silent(cli, monkeypatch):
    monkeypatch.setattr(redis, "REPLY_LIMIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        line = cli.error("backlog", code=3, REDIS_URL=f"redis://127.0.0.1:{port}")
    assert line.startswith(f"Error: Redis at 127.0.0.1:{port} did not answer in time (REDIS_URL).")


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://h:port"])
def test_redis_by_what_is_no_url(cli, url):
    assert cli.error("backlog", code=2, REDIS_URL=url).startswith("Error: REDIS_URL is not the URL of a Redis: write")


@pytest.mark.parametrize(("character", "written"), [("/", "%2F"), ("#", "%23"), ("?", "%3F"), ("[", "%5B")])
def test_a_password_of_redis_that_breaks_its_url_is_not_shown(cli, character, written):
    for command in ("backlog", "doctor"):
        line = cli.error(command, code=2, REDIS_URL=f"redis://:Secr3t{character}Pass@127.0.0.1:6379/0")
        advice = f"write {character} as {written} in its password"
        assert line == f"Error: REDIS_URL is not the URL of a Redis: {advice}."


@pytest.mark.parametrize(
    ("character", "written"), [("/", "%2F"), ("#", "%23"), ("?", "%3F"), ("@", "%40"), ("%", "%25")]
)
def test_a_password_of_postgres_that_breaks_its_url_is_not_shown(cli, character, written):
    for command in ("list", "doctor"):
        line = cli.error(command, code=2, DATABASE_URL=f"postgresql://me:Secr3t{character}Pass@127.0.0.1:5432/db")
        advice = f"write {character} as {written} in its password"
        assert line == f"Error: DATABASE_URL is not the URL of a Postgres: {advice}."


def test_postgres_that_is_not_there(cli):
    port = closed_port()
    line = cli.error("list", code=3, DATABASE_URL=f"postgresql://me:secret@127.0.0.1:{port}/db")
    assert line == (
        f"Error: Postgres at 127.0.0.1:{port} refused the connection (DATABASE_URL). "
        "Start it, set DATABASE_URL, or run `darklaunch up` for an embedded one."
    )


def test_postgres_that_nobody_named(cli):
    line = cli.error("list", code=3, DATABASE_URL=None)
    assert line.startswith("Error: no Postgres is named. Set DATABASE_URL to postgresql://")


def test_postgres_with_another_password(cli):
    line = cli.error("list", code=3, DATABASE_URL=replaced(cli.postgres_dsn, password="wrong-secret"))
    where = place(cli.postgres_dsn)
    assert line.startswith(f"Error: Postgres at {where} refused the user or password (DATABASE_URL). Correct it:")
    assert "wrong-secret" not in line


def test_postgres_without_that_database(cli):
    line = cli.error("list", code=3, DATABASE_URL=replaced(cli.postgres_dsn, path="/nowhere"))
    assert line.startswith(f"Error: Postgres at {place(cli.postgres_dsn)} has no such database or user (DATABASE_URL).")


def test_postgres_by_what_libpq_cannot_read(cli):
    line = cli.error("list", code=2, DATABASE_URL="postgresql://me:sec ret@host/db")
    assert line.startswith("Error: DATABASE_URL is not the URL of a Postgres: write postgresql://")
    assert "sec ret" not in line


def test_postgres_without_our_tables(cli, empty_postgres_dsn):
    line = cli.error("list", code=3, DATABASE_URL=empty_postgres_dsn)
    where = place(empty_postgres_dsn)
    assert line == f"Error: Postgres at {where} has no darklaunch tables yet (DATABASE_URL). Run `darklaunch migrate`."


def test_debugging_shows_the_traceback_too(cli, monkeypatch):
    result = cli.run("list", DATABASE_URL=None, DARKLAUNCH_DEBUG="1")
    assert result.exit_code == 3
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: no Postgres is named.")


def test_a_user_that_may_not_read_is_told_so(cli):
    user = f"poor{secrets.token_hex(4)}"
    with redis_client(cli.redis_url) as redis:
        try:
            redis.execute_command("ACL", "SETUSER", user, "on", ">pw", "+ping")
        except ResponseError:
            pytest.skip("this Redis lets nobody make users")
        try:
            line = cli.error("backlog", code=3, REDIS_URL=replaced(cli.redis_url, user=user, password="pw"))
        finally:
            redis.execute_command("ACL", "DELUSER", user)
    assert line.startswith(f"Error: Redis at {place(cli.redis_url)} does not let this user do that: ")
    assert "permission" in line.lower() and "(REDIS_URL)" in line
