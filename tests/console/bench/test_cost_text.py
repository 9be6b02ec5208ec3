"""What the hook costs, in lines that answer first."""

from darklaunch_console.bench.cost_text import render_cost
from darklaunch_console.bench.rounds import BARE, IDLE, SAMPLED, ContenderFigures, HookCost

COST = HookCost(
    "asgi",
    200,
    1_234,
    (
        ContenderFigures(BARE, 310.0, 300.0, 900.0, 290.0),
        ContenderFigures(IDLE, 312.0, 302.4, 910.0, 291.0),
        ContenderFigures(SAMPLED, 330.0, 318.0, 990.0, 320.0),
    ),
    {IDLE: 2.4, SAMPLED: 118.0},
    {IDLE: -0.2, SAMPLED: 30.0},
)


def test_the_first_line_says_what_is_added_and_every_contender_has_a_row() -> None:
    first, second, *rest = [line for line, _ in render_cost(COST, rounds=3, requests=2_000)]
    assert first == "The hook adds 118 µs to a request that is sampled and 2.4 µs to one that is not."
    assert second == "Without it your app takes 300 µs."
    assert [line.split("  ")[0] for line in rest[1:4]] == [BARE, IDLE, SAMPLED]
    assert rest[2].split()[-1] == "−0.2"
    assert rest[-1] == "3 rounds of 2,000 requests each; ASGI, HTTP 200, 1,234 bytes."


def test_what_is_lost_in_the_noise_is_no_gain() -> None:
    quicker = HookCost(COST.interface, 200, 0, COST.figures, {IDLE: -3.0, SAMPLED: -1.0}, COST.added_cpu_us)
    first = render_cost(quicker, rounds=1, requests=20)[0][0]
    assert first == "The hook adds 0 µs to a request that is sampled and 0 µs to one that is not."
