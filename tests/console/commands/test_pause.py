"""`pause`, and `resume` after it."""

from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.cli import Cli, closed_port
from tests.support.recorded import read_published, read_recorded


def test_pause_and_resume(cli, redis, launched):
    assert cli.ok("pause", launched).startswith(f"{launched} is paused: within a second nothing is mirrored")
    assert read_published(redis, launched).status is LaunchStatus.PAUSED
    assert read_published(redis, launched).fraction == 0
    assert cli.ok("pause", launched) == f"{launched} is paused already: nothing is mirrored.\n"
    assert cli.ok("resume", launched).startswith(f"{launched} is active again: 10 % of")
    assert read_published(redis, launched).fraction == 0.1
    assert cli.ok("resume", launched).startswith(f"{launched} is active already: 10 % of")
    assert [event.act for event in read_recorded(cli, launched)[1]] == ["started", "paused", "resumed"]


def test_pausing_without_postgres_says_what_stops_without_it(cli, launched):
    without = Cli(cli.redis_url, f"postgresql://127.0.0.1:{closed_port()}/gone", cli.home)
    line = without.error("pause", launched, code=3)
    assert line.startswith("Error: Postgres at 127.0.0.1:")
    assert line.endswith(f"Without it, `darklaunch rollback {launched}` stops mirroring.")
