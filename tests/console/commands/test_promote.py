"""`promote` after a rollback or a hold: it promotes and lifts what stopped the launch, or refuses. It says which."""

import subprocess
import sys
import time

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus, parse_state
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import unwrap
from tests.support.recorded import read_published

APP = """
import sys, time
from darklaunch import is_promoted
print(is_promoted(sys.argv[1]), flush=True)
sys.stdin.readline()
until = time.monotonic() + 30
while not is_promoted(sys.argv[1]) and time.monotonic() < until:
    time.sleep(0.005)
print(time.time(), flush=True)
"""


def test_promoting_a_launch_that_was_rolled_back_makes_is_promoted_true_within_a_second(cli, redis, launched):
    cli.ok("rollback", launched, "--reason", "the carts look empty")
    refused = cli.run("promote", launched)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(
        f"{launched} is not promoted: it was rolled back by "
    ) or refused.stderr.startswith(f"Error: {launched} is not promoted: it was rolled back by "), refused.stderr
    assert "the carts look empty" in refused.stderr
    with subprocess.Popen(
        [sys.executable, "-c", APP, launched],
        env={"DARKLAUNCH_REDIS_URL": cli.redis_url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as app:
        assert app.stdin and app.stdout
        assert app.stdout.readline() == "False\n"
        app.stdin.write("\n")
        app.stdin.flush()
        said = cli.ok("promote", launched, "--anyway", "--reason", "they are meant to be")
        promoted_at_s = time.time()
        assert float(app.stdout.readline()) - promoted_at_s < 1.0
    promoted = f"{launched} is promoted, and its rollback is lifted: within a second nothing is mirrored any more."
    assert unwrap(said).startswith(promoted)
    seen = parse_state(launched, pair_fields(redis.execute_command("HGETALL", keys.launch(launched))))
    assert (seen.status, seen.hold) == (LaunchStatus.PROMOTED, False)


def test_a_held_launch_is_promoted_only_by_someone_who_says_why(cli, redis, launched):
    redis.execute_command("HSET", keys.launch(launched), "hold", "1", "hold_by", "ann", "hold_why", "pager")
    refused = cli.run("promote", launched, "--anyway")
    assert "it is held by ann: pager" in refused.stderr
    said = cli.ok("promote", launched, "--anyway", "--reason", "the pager was wrong")
    assert said.startswith(f"{launched} is promoted, and its hold is lifted: ")
    assert redis.execute_command("HGET", keys.launch(launched), "hold") is None


def test_a_promoted_launch_that_is_held_is_not_called_promoted_already(cli, redis, launched):
    cli.ok("promote", launched, "--anyway", "--reason", "tested by hand")
    assert cli.ok("promote", launched).startswith(f"{launched} is promoted already")
    redis.execute_command("HSET", keys.launch(launched), "hold", "1")
    assert "it is held" in cli.run("promote", launched).stderr
    assert cli.ok("promote", launched, "--anyway", "--reason", "all is well").startswith(
        f"{launched} is promoted, and its hold is lifted: "
    )


def test_promote_ends_a_launch(cli, redis, launched, nowhere):
    assert "nothing of it has been judged yet" in cli.error("promote", launched, code=1)
    said = cli.ok("promote", launched, "--anyway", "--reason", "tried by hand")
    assert said.startswith(f"{launched} is promoted: within a second nothing is mirrored any more.")
    assert f"Now send users to {nowhere}" in unwrap(said)
    assert read_published(redis, launched).status is LaunchStatus.PROMOTED
    assert cli.ok("promote", launched) == f"{launched} is promoted already: nothing is mirrored.\n"
