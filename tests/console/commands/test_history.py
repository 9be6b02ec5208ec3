"""`history`: who did what, and what it rested on."""

from dataclasses import replace

from darklaunch_comparator.judging.policy import FailureBudgets, JudgePolicy, RampStep
from darklaunch_comparator.store.launches import LaunchAct, update_launch

from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


STEPS = (RampStep(50, 0.05, 100), RampStep(100, 0.01, 300))


POLICY = JudgePolicy(steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05)


def test_history_tells_who_did_what_and_what_it_rested_on(cli, harness):
    spec = replace(harness.state.spec, policy="")
    update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set", "why not"), spec=spec)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "ramped"), percent=50)
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    said = cli.ok("history", harness.name)
    assert said.startswith(f"{harness.name}: 5 events, the latest first")
    assert "ramped to 50 % by ann" in said
    assert "policy set by ann" in said
    assert "  soak_s: 10 → 300\n" in said
    assert "  budgets.mismatch: 0.01 → 0.001\n" in said
    assert "roll back: GET /search differs in 2" in said
    events = cli.json("history", harness.name)["events"]
    assert [event["act"] for event in events] == ["verdict", "verdict", "ramped", "policy_set", "started"]
    assert {"policy", "rules", "guards", "log_e", "judged", "leading", "why"} <= events[0]["data"].keys()
    assert events[0]["actor"] == "judge"
