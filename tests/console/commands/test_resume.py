"""`resume` lifts a hold."""

from darklaunch_shared import keys

from tests.support.recorded import read_published


def test_resume_lifts_a_hold_that_was_set_with_redis_cli(cli, redis, launched):
    redis.execute_command("HSET", keys.launch(launched), "hold", 1)
    said = cli.ok("resume", launched)
    assert "It was held." in said
    assert not read_published(redis, launched).hold
