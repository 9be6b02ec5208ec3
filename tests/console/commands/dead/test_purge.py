"""`dead purge` deletes letters."""

from darklaunch_shared import keys

from tests.support.dead_letters import bury


def test_purge_deletes_a_letter(cli, redis, launched):
    bury(redis, launched, 1)
    bury(redis, launched, 2)
    assert cli.ok("dead", "purge", launched, "p1:1") == f"1 dead letter of {launched} deleted.\n"
    assert cli.json("dead", "purge", launched, "--yes")["purged"] == ["p1:2"]
    assert redis.execute_command("XLEN", keys.dead(launched)) == 0
