"""`dead retry`: letters go back where they died."""

import pytest
from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import unpack_exchange
from darklaunch_shared.wire.fields import pair_fields

from tests.support.dead_letters import bury


@pytest.mark.parametrize(("group", "stream"), [("workers", keys.captures), ("comparators", keys.replays)])
def test_retry_puts_a_letter_back_where_it_died(cli, redis, launched, group, stream):
    bury(redis, launched, 3, group=group)
    assert cli.ok("dead", "retry", launched, "p1:3") == f"1 dead letter of {launched} put back.\n"
    ((_, put_back),) = redis.execute_command("XRANGE", stream(launched), "-", "+")
    assert unpack_exchange(pair_fields(put_back)).id == "p1:3"
    assert not [field for field in pair_fields(put_back) if field.startswith(b"dead_")]
    assert redis.execute_command("XLEN", keys.dead(launched)) == 0
    assert pair_fields(redis.execute_command("HGETALL", keys.ledger(launched)))[b"retried"] == b"1"


def test_what_workers_would_drop_as_stale_is_not_put_back(cli, redis, launched):
    bury(redis, launched, 3, age_s=3600)
    result = cli.run("dead", "retry", launched, "p1:3")
    assert result.exit_code == 1
    assert "1 dead letter older than" in result.stderr
    assert "max age (5 min) not put back" in result.stderr
    assert redis.execute_command("XLEN", keys.dead(launched)) == 1
    assert redis.execute_command("XLEN", keys.captures(launched)) == 0


def test_a_letter_without_a_group_cannot_go_back(cli, redis, launched):
    entry = redis.execute_command("XADD", keys.dead(launched), "*", "x", "y").decode()
    assert "does not say in which group it died" in cli.error("dead", "retry", launched, entry, code=1)
