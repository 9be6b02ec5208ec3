"""Backlogs and consumers as tables that fit 80 columns."""

from darklaunch_console.launches.backlog import LaunchBacklog
from darklaunch_console.launches.backlog_text import render_backlogs, render_consumers, summarize_backlogs
from darklaunch_console.stores.consumers import StreamConsumer


def test_long_names_get_a_line_of_their_own():
    row = LaunchBacklog("l" * 63, "rolled_back", 1_234_567, 1_000, 20_000, 90_000.0, 3, 1_234.5, 1_234.5, 10_000)
    lines = render_backlogs([row])
    assert lines[1] == f"{'l' * 63} (rolled back)"
    assert all(len(line) <= 80 for line in lines)
    assert summarize_backlogs([row]).startswith(
        "1,234,567 exchanges wait for a worker, 1,000 in flight, 20,000 to compare"
    )


def test_of_a_long_name_the_end_is_shown():
    pod = "darklaunch-worker-of-the-second-team-7d9f8b6c5-x2x4z-1-0a1b2c"
    held = [StreamConsumer("shop", kind, pod, 20_000, 86_399.0, False, "") for kind in ("worker", "comparator")]
    lines = render_consumers(held)
    assert all(f"…{pod[-35:]}" in line for line in lines[2:])
    assert all(len(line) <= 80 for line in lines)
