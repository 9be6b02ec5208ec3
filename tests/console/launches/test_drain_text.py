"""What `drain` says: who is missing, what is in progress, what was lost, and what to type next."""

import pytest
from darklaunch_console.launches.drain import ExchangesInProgress
from darklaunch_console.launches.drain_text import list_missing_processes, render_outcome
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus

NOTHING = ExchangesInProgress(0, 0, 0, 0)
ACTIVE = LaunchState("shop", LaunchStatus.ACTIVE, 10.0, False, 1, LaunchSpec("http://h"))
PAUSED = LaunchState("shop", LaunchStatus.PAUSED, 10.0, False, 1, LaunchSpec("http://h"))


def render(state: LaunchState, progress: ExchangesInProgress, *, drained: bool = True, lost: int = 0) -> list[str]:
    return [line for line, _ in render_outcome(state, progress, drained=drained, lost=lost, took_s=12.0)]


@pytest.mark.parametrize(
    ("progress", "workers", "comparators", "missing"),
    [
        (ExchangesInProgress(0, 1, 0, 0), False, True, ["worker"]),
        (ExchangesInProgress(0, 0, 1, 0), False, False, ["worker", "comparator"]),
        (ExchangesInProgress(0, 0, 0, 1), False, False, ["comparator"]),
        (ExchangesInProgress(0, 5, 5, 5), True, True, []),
        (NOTHING, False, False, []),
    ],
)
def test_only_processes_that_something_waits_for_are_missed(
    progress: ExchangesInProgress, workers: bool, comparators: bool, missing: list[str]
) -> None:
    warnings = list_missing_processes(progress, workers=workers, comparators=comparators)
    assert [warning.split()[1] for warning in warnings] == missing


def test_the_first_line_answers_and_the_last_says_what_to_do() -> None:
    assert render(PAUSED, NOTHING) == ["shop is drained: nothing is in progress.", "  Next: darklaunch audit shop"]
    first, last = render(ACTIVE, NOTHING)
    assert first == "Every exchange that shop had sampled has an outcome, after 12 s."
    assert last == "  Sampling goes on at 10 %; darklaunch ramp shop 0 ends it."
    first, last = render(ACTIVE, ExchangesInProgress(0, 12, 31, 0), drained=False)
    assert first == "shop is not drained after 12 s: 12 waiting for a worker, 31 being replayed."
    assert last == "  Next: darklaunch backlog, darklaunch doctor"


@pytest.mark.parametrize(
    ("lost", "words"), [(1, "1 exchange has no outcome"), (1200, "1,200 exchanges have no outcome")]
)
def test_what_redis_lost_is_said_before_anything_else(lost: int, words: str) -> None:
    first, *_, last = render(PAUSED, NOTHING, lost=lost)
    assert first == f"shop is not drained after 12 s: {words}."
    assert last == "  Next: darklaunch audit shop, then darklaunch drain shop again"
