"""Where this command finds Redis and Postgres: options, then the environment, then a running `darklaunch up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from darklaunch_shared.process.server_url import explain_unescaped
from darklaunch_shared.redis.client_url import parse_redis_url

from .errors import BadUsage

if TYPE_CHECKING:
    from darklaunch_console.embedded import RunningServers

REDIS_VARIABLES: Final = ("DARKLAUNCH_REDIS_URL", "REDIS_URL")
DATABASE_VARIABLES: Final = ("DARKLAUNCH_DATABASE_URL", "DATABASE_URL")
REDIS_DEFAULT: Final = "redis://127.0.0.1:6379/0"
FROM_UP: Final = "darklaunch up"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server's URL and where it was read: an option, a variable, `darklaunch up`; "" when it is the default."""

    url: str
    source: str


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """What the environment and the options before the command say; None where they name no server."""

    redis: ServerAddress | None
    database: ServerAddress | None

    @property
    def redis_or_default(self) -> ServerAddress:
        """The Redis that was named, or the one on this machine."""
        return self.redis or ServerAddress(REDIS_DEFAULT, "")


def read_settings(environ: Mapping[str, str], redis_option: str | None, database_option: str | None) -> ConsoleSettings:
    """Read the settings once. A running `darklaunch up` fills in what is not named.

    Not when the half that is named is another than that run's: a launch on one Redis recorded in the database of
    another would be two halves of different experiments. Raises BadUsage for a URL of the wrong kind.
    """
    redis = _named("--redis", redis_option, environ, REDIS_VARIABLES)
    database = _named("--database", database_option, environ, DATABASE_VARIABLES)
    if redis:
        check_redis_url(redis)
    if database:
        check_database_url(database)
    if redis is None or database is None:
        redis, database = _fill(redis, database)
    return ConsoleSettings(redis, database)


def check_redis_url(address: ServerAddress) -> None:
    """Raise BadUsage unless the address is one of a Redis."""
    try:
        parse_redis_url(address.url)
    except ValueError as unfit:
        form = "write redis://HOST:PORT/0, rediss://HOST:PORT/0 or unix:///PATH"
        why = str(unfit)
        advice = why if why.startswith(("write ", "it has the parameter ", "its database ")) else form
        raise BadUsage(f"{address.source} is not the URL of a Redis: {advice}") from None


def check_database_url(address: ServerAddress) -> None:
    """Raise BadUsage unless the address is one of a Postgres: a URL, or libpq's `key=value` form."""
    _check_password(address, "a Postgres")
    scheme, colon, _ = address.url.partition("://")
    if (colon and scheme not in ("postgresql", "postgres")) or (not colon and "=" not in address.url):
        raise BadUsage(f"{address.source} is not the URL of a Postgres: write postgresql://USER@HOST:PORT/DATABASE")


def _check_password(address: ServerAddress, kind: str) -> None:
    if advice := explain_unescaped(address.url):
        raise BadUsage(f"{address.source} is not the URL of {kind}: {advice} in its password")


def _named(
    option: str, given: str | None, environ: Mapping[str, str], variables: tuple[str, ...]
) -> ServerAddress | None:
    if given:
        return ServerAddress(given, option)
    return next((ServerAddress(environ[name], name) for name in variables if environ.get(name)), None)


def _fill(
    redis: ServerAddress | None, database: ServerAddress | None
) -> tuple[ServerAddress | None, ServerAddress | None]:
    running = _running()
    if running is None:
        return redis, database
    same_redis = redis is None or running.redis_url in (None, redis.url)
    same_database = database is None or running.postgres_url in (None, database.url)
    if redis is None and same_database and running.redis_url:
        redis = ServerAddress(running.redis_url, FROM_UP)
    if database is None and same_redis and running.postgres_url:
        database = ServerAddress(running.postgres_url, FROM_UP)
    return redis, database


def _running() -> RunningServers | None:
    try:
        from darklaunch_console.embedded import EmbeddedError, running_servers
    except ModuleNotFoundError:  # an installation with the extra `workers` alone has no embedded servers
        return None
    try:
        return running_servers()
    except EmbeddedError:
        return None
