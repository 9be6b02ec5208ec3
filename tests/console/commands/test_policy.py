"""`policy` and what `start` takes of it."""

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import read_policy

from tests.support.cli import closed_port
from tests.support.recorded import read_recorded


def carried(cli, name):
    return read_policy(read_recorded(cli, name)[0].spec.policy)


def test_a_launch_is_judged_by_the_default_and_nothing_is_done_unasked(cli, launched):
    assert carried(cli, launched) == JudgePolicy()
    said = cli.ok("policy", "show", launched)
    assert said.startswith(f"The judge of {launched} advises and never acts.")
    assert "takes 4,600 exchanges without a failure" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert cli.json("policy", "show", launched)["policy"]["mode"] == "advise"


def test_settings_are_changed_one_by_one_and_each_change_is_an_event(cli, launched):
    said = cli.ok("policy", "set", launched, "mode=auto", "budgets.mismatch=0.002", "--reason", "noisy")
    assert said.splitlines()[0].endswith("rolls back, raises the share and promotes by itself.")
    cli.ok("policy", "set", launched, "soak_s=60")
    policy = carried(cli, launched)
    assert (policy.mode, policy.budgets.mismatch, policy.soak_s) == (JudgeMode.AUTO, 0.002, 60)
    *_, first, second = read_recorded(cli, launched)[1]
    assert (first.act, first.reason) == ("policy_set", "noisy")
    assert read_policy(second.data["policy"]["to"]) == policy
    assert "already" in cli.ok("policy", "set", launched, "soak_s=60")


def test_a_file_is_a_whole_policy(cli, launched, tmp_path):
    cli.ok("policy", "set", launched, "mode=auto")
    file = tmp_path / "policy.toml"
    file.write_text("soak_s = 30\n[budgets]\nslow = 0.01\n")
    cli.ok("policy", "set", launched, "--file", str(file), "alpha=0.01")
    policy = carried(cli, launched)
    assert (policy.mode, policy.soak_s, policy.alpha, policy.budgets.slow) == (JudgeMode.ADVISE, 30, 0.01, 0.01)


def test_a_budget_that_takes_for_ever_is_accepted_and_says_so(cli, launched):
    strict = "steps=[{percent=100,bound=1e-6,minimum=1}]"
    said = cli.ok("policy", "set", launched, "budgets.mismatch=1e-6", strict)
    assert "Clearing 0.0001 % takes 4,410,821" in said


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        (["alpha=0"], "alpha: 0 cannot be the probability"),
        (["soak_s=1000000000"], "last longer than results are kept (14 days"),
        (["budgets.nothing=1"], "budgets.nothing: there is no such setting"),
        (["soak_s"], "'soak_s' sets nothing: write SETTING=VALUE"),
        ([], "nothing to set"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(cli, launched, changes, explained):
    result = cli.run("policy", "set", launched, *changes)
    assert result.exit_code == 2
    assert explained in result.stderr
    assert carried(cli, launched) == JudgePolicy()


def test_start_takes_a_policy_and_an_automatic_ramp_begins_at_its_first_step(cli, launch_name, tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text("soak_s = 30\n")
    shadow = f"http://127.0.0.1:{closed_port()}"
    said = cli.ok("start", launch_name, "--shadow", shadow, "--ramp", "auto", "--policy", str(file))
    assert "The judge rolls back, raises the share and promotes by itself." in said
    assert read_recorded(cli, launch_name)[0].percent == 1.0
    assert carried(cli, launch_name) == JudgePolicy(mode=JudgeMode.AUTO, soak_s=30)
    cli.ok("start", f"{launch_name}-2", "--shadow", shadow, "--ramp", "auto", "--percent", "50")
    assert read_recorded(cli, f"{launch_name}-2")[0].percent == 50.0
    bad = cli.run("start", f"{launch_name}-3", "--shadow", shadow, "--ramp", "brave")
    assert bad.exit_code == 2
