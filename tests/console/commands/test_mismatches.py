"""`mismatches`: the kinds of mismatch, the most important first."""

from typing import Any

from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchSpec

from tests.support.exchanges import exchange, replayed
from tests.support.recorded import record


def test_slow_answers_within_the_launchs_budget_are_no_problem(run: Any, postgres_dsn: str, launch_name: str) -> None:
    searches = [exchange(launch_name, seq, endpoint="GET /search") for seq in (1, 2)]
    record(postgres_dsn, launch_name, [replayed(searches[0], latency_ms=3000.0), replayed(searches[1])])
    assert run("mismatches", launch_name).exit_code == 1
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        spec = LaunchSpec("http://shadow:8000", policy='{"budgets": {"slow": 0.5}}')
        update_launch(connection, launch_name, LaunchAct("ann@desk", "policy_set"), spec=spec)
    assert run("mismatches", launch_name).exit_code == 0


def test_mismatches_are_listed_most_important_first(run: Any, shop: str) -> None:
    result = run("mismatches", shop)
    assert result.exit_code == 1
    assert result.output.startswith("3 kinds of mismatch in 39 compared exchanges.\n")
    places = [result.output.index(endpoint) for endpoint in ("GET /quote", "GET /search", "GET /orders/{id}")]
    assert places == sorted(places)
