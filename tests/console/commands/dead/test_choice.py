"""Which letters a command means: one, or all if that is said."""

import pytest

from tests.support.dead_letters import bury


def test_all_letters_are_meant_only_when_said(cli, redis, launched):
    bury(redis, launched, 1)
    bury(redis, launched, 2)
    for command in ("retry", "purge"):
        line = cli.error("dead", command, launched, code=2)
        assert line.startswith("Error: 2 dead letters: name one, or add --yes to mean all of them.")
    assert cli.json("dead", "retry", launched, "--yes")["retried"] == ["p1:2", "p1:1"]


@pytest.mark.parametrize("command", ["list", "retry", "purge"])
def test_an_unknown_launch_is_named(cli, command):
    assert 'there is no launch "nobodys"' in cli.error("dead", command, "nobodys", code=1)
