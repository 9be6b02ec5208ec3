"""The launches to look after: those recorded in Postgres, and those on Redis."""

from typing import Any

from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import MAX_SHARDS, LaunchSpec, check_name, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection
from redis.exceptions import ResponseError

from darklaunch_comparator.store.launches import list_launches


def read_launch_specs(connection: Connection[Any], redis: RedisClient) -> dict[str, LaunchSpec]:
    """Read every launch with its specification, an empty one where it cannot be read.

    Raises psycopg.Error and RedisError.
    """
    specs = {record.state.name: record.state.spec for record in list_launches(connection)}
    for raw in redis.execute_command("SMEMBERS", keys.LAUNCHES):
        name = raw.decode(errors="replace")
        if name in specs:
            continue
        try:
            specs[check_name(name)] = parse_state(
                name, pair_fields(redis.execute_command("HGETALL", keys.launch(name)))
            ).spec
        except (BadLaunch, ResponseError):
            if is_launch_name(name):
                specs[name] = LaunchSpec(shadow="")
    return specs


def list_launch_shards(connection: Connection[Any], redis: RedisClient) -> list[tuple[str, int]]:
    """Return every (launch, shard). Raises psycopg.Error and RedisError."""
    specs = read_launch_specs(connection, redis)
    return [(name, shard) for name, spec in sorted(specs.items()) for shard in list_shards(spec)]


def list_shards(spec: LaunchSpec) -> range:
    """Return the shard numbers of a launch, at least one and at most `MAX_SHARDS`."""
    return range(min(max(spec.shards, 1), MAX_SHARDS))


def is_launch_name(name: str) -> bool:
    """Return whether a launch can have this name."""
    try:
        check_name(name)
    except BadLaunch:
        return False
    return True
