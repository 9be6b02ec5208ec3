"""Whether a Redis and a Postgres belong together. Launches of one installation must not be published in another.

Both carry the installation's id. A Redis without one is new, or was flushed or restarted empty: it is taken where the
installation has no Redis yet or has had it at that very place. So a second Redis, or another database number of it, is
not mistaken for the first, and a restart needs no person.
"""

from typing import Any, cast

from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from darklaunch_comparator.errors import InstallationMismatch
from darklaunch_comparator.store.installation import Installation, add_redis_location, read_installation


def join_installation(connection: Connection[Any], redis: RedisClient, *, adopt: bool = False) -> None:
    """Check that a Redis belongs to the installation of a database; take a Redis that belongs to none.

    With `adopt` it is taken whatever it was. Raises InstallationMismatch, psycopg.Error and RedisError.
    """
    installation, location = read_installation(connection), locate_redis(redis)
    carried = read_redis_identity(redis)
    if not adopt and (mismatch := explain_mismatch(installation, carried, location)):
        raise InstallationMismatch(mismatch)
    if carried != installation.id:
        redis.execute_command("HSET", keys.INSTALLATION, keys.INSTALLATION_ID, installation.id)
    if location not in installation.redis:
        add_redis_location(connection, location)


def find_mismatch(connection: Connection[Any], redis: RedisClient) -> str:
    """Return why a Redis is not that of a database, without taking it; "" if it is or may become it."""
    return explain_mismatch(read_installation(connection), read_redis_identity(redis), locate_redis(redis))


def explain_mismatch(installation: Installation, carried: str, location: str) -> str:
    """Return why a Redis at `location` that carries the id `carried` is not the installation's.

    Returns "" if it is, or may become it. `carried` is "" for a Redis without one.
    """
    own = installation.id[:8]
    if carried and carried != installation.id:
        return (
            f"The Redis at {location} belongs to installation {carried[:8]}, this database to {own}. Check REDIS_URL "
            "and DATABASE_URL: each installation has a Redis and a database of its own"
        )
    if not carried and installation.redis and location not in installation.redis:
        return (
            f"The Redis at {location} is not that of this database (installation {own}), which is at "
            f"{installation.redis[-1]}. A second Redis needs a database of its own; if the first one has moved here: "
            "darklaunch migrate --adopt-redis"
        )
    return ""


def read_redis_identity(redis: RedisClient) -> str:
    """Return the id of the installation that a Redis belongs to, "" for none. Raises RedisError."""
    return (redis.execute_command("HGET", keys.INSTALLATION, keys.INSTALLATION_ID) or b"").decode(errors="replace")


def locate_redis(redis: RedisClient) -> str:
    """Return where a Redis is: `127.0.0.1:6379/0`, or the path of its socket instead of host and port."""
    options: dict[str, Any] = cast(Any, redis).connection_pool.connection_kwargs
    host, port = str(options.get("host", "localhost")), options.get("port", 6379)
    server = str(options["path"]) if options.get("path") else f"{f'[{host}]' if ':' in host else host}:{port}"
    return f"{server}/{options.get('db') or 0}"
