"""`ramp`: another share of the traffic."""

import pytest
from darklaunch_shared import keys

from tests.support.cli import unwrap
from tests.support.recorded import read_published, read_recorded


def revision(redis):
    return int(redis.execute_command("GET", keys.REVISION))


def test_ramp_changes_the_share(cli, redis, launched, nowhere):
    before = revision(redis)
    said = cli.ok("ramp", launched, "25%", "--reason", "looks good").splitlines()
    assert said[0].startswith(f"{launched} is at 25 %, was 10 %: 25 % of the GET, HEAD and OPTIONS requests")
    assert read_published(redis, launched).percent == 25.0
    assert revision(redis) > before
    state, events = read_recorded(cli, launched)
    assert state.percent == 25.0
    assert (events[-1].act, events[-1].reason) == ("ramped", "looks good")
    assert events[-1].data == {"percent": {"from": 10.0, "to": 25.0}}


def test_ramping_to_the_same_share_changes_nothing(cli, launched):
    assert cli.ok("ramp", launched, "10") == f"{launched} is at 10 % already.\n"
    assert cli.json("ramp", launched, "10")["changed"] is False
    assert len(read_recorded(cli, launched)[1]) == 1


def test_ramping_a_paused_launch_says_that_nothing_is_mirrored(cli, launched):
    cli.ok("pause", launched)
    said = unwrap(cli.ok("ramp", launched, "50"))
    assert "is at 50 %, was 10 %. It is paused: nothing is mirrored until it is resumed." in said


@pytest.mark.parametrize("percent", ["150", "-3"])
def test_a_percentage_out_of_range_is_refused(cli, launched, percent):
    line = cli.error("ramp", "--", launched, percent, code=2)
    assert line.startswith(f"Error: the percentage must be between 0 and 100, got {percent}.")
