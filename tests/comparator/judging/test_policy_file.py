"""A policy as it is written: what is accepted, and how what cannot be used is explained."""

import pytest
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy import Guard, JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import check_policy, dump_policy, dump_policy_json, read_policy

KEPT_S = 14 * 86_400.0


def test_an_empty_one_is_the_default_and_each_survives_being_written() -> None:
    assert read_policy("") == JudgePolicy()
    given = read_policy('mode = "auto"\nsoak_s = 60\nunjudged = ["GET /rare"]\n[budgets]\nmismatch = 0.002')
    assert (given.mode, given.soak_s, given.budgets.mismatch, given.budgets.slow) == (JudgeMode.AUTO, 60, 0.002, 0.001)
    assert read_policy(dump_policy_json(given)) == check_policy(dump_policy(given)) == given


def test_what_follows_from_the_default() -> None:
    policy = JudgePolicy()
    assert (policy.total_minimum, policy.clean_exchanges, policy.tightest_bound) == (4600, 4600, 0.001)
    assert [policy.bound(Guard.SLOW, step) for step in range(4)] == [0.05, 0.01, 0.005, 0.001]
    assert [policy.step_at(percent) for percent in (0.5, 1, 9.9, 10, 100)] == [0, 0, 0, 1, 3]


STEPS_DOWN = "steps = [{percent = 10, bound = 0.01, minimum = 1}, {percent = 5, bound = 0.001, minimum = 1}]"
LOOSER = "steps = [{percent = 1, bound = 0.001, minimum = 1}, {percent = 5, bound = 0.01, minimum = 1}]"


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("alpha = 0", "alpha: 0 cannot be the probability of a wrong decision: at 0 no evidence would ever"),
        ("beta = 0.7", "beta: 0.7 cannot be the probability"),
        ("[weights]\nmismatch = 0.3", "weights: they sum to 0.95; weights must sum to 1"),
        ("soak_s = 400000", "4 steps of 400,000 s last longer than results are kept (14 days, DARKLAUNCH_RETENTION"),
        (STEPS_DOWN, "steps go down: 5 % comes after 10 %"),
        (LOOSER, "the bound at 5 % is looser (0.01) than the one before it (0.001)"),
        ("budgets.slow = 0.0001", "the slow budget 0.0001 is tighter than the last step's bound 0.001"),
        ("steps = []", "steps: List should have at least 1 item"),
        ('mode = "brave"', "mode: 'brave' is not a mode: write one of advise, manual, auto"),
        ('alpha = "a"', "alpha: it should be a valid number, got 'a'"),
        ("colour = 1", "colour: there is no such setting"),
        ("soaks = 5", "soaks: there is no such setting; did you mean soak_s?"),
        ('webhooks = "https://there/"', 'webhooks: write a list, like ["…", "…"]'),
        ("budgets.slow = nan", "budgets.slow: it should be a finite number"),
        ('webhooks = ["ftp://there"]', "'ftp://there' is not an address"),
        ('webhooks = ["https://user:secret@there/"]', "'https://***@there/' is not an address"),
        ("{", "the policy is neither TOML nor JSON"),
        ("alpha", "the policy is neither TOML nor JSON"),
    ],
)
def test_what_cannot_be_used_is_explained(text: str, explained: str) -> None:
    with pytest.raises(BadPolicy, match=r"the policy") as refused:
        check_policy(dump_policy(read_policy(text)), retention_s=KEPT_S)
    assert explained in str(refused.value)
