"""Which Redis a database's launches are on: a second one is refused by name, one that has moved is adopted."""

from __future__ import annotations

from pathlib import Path

from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys

from tests.support.cli import Cli, redis_client


def test_a_second_redis_database_with_the_same_postgres_is_refused(
    own_valkey: Valkey, own_postgres_dsn: str, tmp_path: Path, launch_name: str, nowhere: str
) -> None:
    second_url = own_valkey.url.rsplit("/", 1)[0] + "/1"
    first, second = (Cli(url, own_postgres_dsn, str(tmp_path)) for url in (own_valkey.url, second_url))
    first.ok("start", launch_name, "--shadow", nowhere)
    line = second.error("start", f"{launch_name}-2", "--shadow", nowhere, code=1)
    assert f"The Redis at 127.0.0.1:{own_valkey.port}/1 is not that of this database (installation " in line
    assert f"which is at 127.0.0.1:{own_valkey.port}/0." in line
    assert "darklaunch migrate --adopt-redis" in line
    assert "is not that of this database" in second.run("resume", launch_name).stderr
    assert "is not that of this database" in second.run("doctor").stdout
    assert "Redis and Postgres belong together" in first.run("doctor").stdout
    with redis_client(second_url) as redis:
        assert redis.execute_command("KEYS", "dl:*") == []
        redis.execute_command("HSET", keys.INSTALLATION, "id", "another")
    assert "belongs to installation another, this database to " in second.error(
        "start", f"{launch_name}-2", "--shadow", nowhere, code=1
    )
    assert second.ok("migrate", "--adopt-redis").endswith(
        f"Its launches are on the Redis at 127.0.0.1:{own_valkey.port}/1.\n"
    )
    second.ok("start", f"{launch_name}-2", "--shadow", nowhere)
