"""Figures of a span of time: on the page of a launch, in its charts, and in `report`, by the same functions."""

import html
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.span_queries import read_course
from darklaunch_console.dashboard.drawings.line_chart import draw_lines_over_time
from darklaunch_console.errors import BadUsage
from darklaunch_console.reports.time_range import parse_time_range
from darklaunch_shared.wire.fields import Fields

from tests.support.cli import Cli
from tests.support.exchanges import NOW_MS, exchange, replayed

RecordReplays = Callable[[list[Fields]], str]

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def launch(record_replays: RecordReplays, launch_name: str) -> str:
    """Record 20 exchanges three hours ago, all mismatched at build 1, and 10 just now at build 2, which match."""
    old = [
        replayed(exchange(launch_name, seq, at_ms=NOW_MS - 10_800_000), body={"total": 2}, build="one")
        for seq in range(1, 21)
    ]
    new = [replayed(exchange(launch_name, seq, latency_ms=40.0), build="two") for seq in range(21, 31)]
    return record_replays([*old, *new])


def read_text(browser: httpx.Client, path: str, *, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text
    return html.unescape(response.text)


def test_the_page_of_a_launch_is_about_the_time_that_is_chosen(browser: httpx.Client, launch: str) -> None:
    assert "30 sampled" in read_text(browser, f"/launches/{launch}")
    for query in ("since=1h", "build=two"):
        page = read_text(browser, f"/launches/{launch}?{query}")
        assert "10 sampled" in page
        assert "None in 10 compared exchanges" in page
    page = read_text(browser, f"/launches/{launch}?since=5h&until=2h")
    assert "20 sampled" in page
    assert "$.total: 1 → 2" in page
    read_text(browser, f"/launches/{launch}?since=soon", status=400)
    assert "was answered by a build" in read_text(browser, f"/launches/{launch}?build=three", status=400)


def test_charts_are_drawn_by_the_server_with_their_figures_as_a_table(browser: httpx.Client, launch: str) -> None:
    page = read_text(browser, f"/launches/{launch}?since=4h")
    assert "Latency p95 over time" in page
    assert 'class="line-shadow"' in page
    assert "20 of 30, 66.67 %" in page


def test_report_is_about_the_time_that_is_chosen(cli: Cli, launch: str) -> None:
    assert cli.json("report", launch)["ledger"]["sampled"] == 30
    assert cli.json("report", launch, "--since", "1h")["ledger"]["sampled"] == 10
    assert cli.json("report", launch, "--until", "1h")["signatures"][0]["count"] == 20
    assert cli.json("report", launch, "--build", "two")["signatures"] == []
    assert "is no time" in cli.error("report", launch, "--since", "soon", code=2)


def test_a_course_has_a_part_for_each_stretch_with_traffic(launch: str, postgres_dsn: str) -> None:
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        width, parts = read_course(
            connection, launch, since=now - timedelta(hours=4), until=now + timedelta(seconds=10), parts=120
        )
    assert width == timedelta(seconds=130)
    assert [(part.compared, part.mismatched) for part in parts] == [(20, 20), (10, 0)]
    assert parts[1].primary is not None
    assert parts[1].primary[0] == pytest.approx(40, rel=0.02)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [("2h", "", (2, None)), ("2h", "1h", (2, 1)), ("2026-01-02T10:00+00:00", "", (2, None)), ("", "", (None, None))],
)
def test_times_are_read_as_people_write_them(since: str, until: str, hours: tuple[int | None, int | None]) -> None:
    span = parse_time_range(since, until, NOW)
    assert (span.since, span.until) == tuple(None if ago is None else NOW - timedelta(hours=ago) for ago in hours)


@pytest.mark.parametrize(("since", "until"), [("1h", "2h"), ("x", ""), ("", "12"), ("99999d", ""), ("1e999h", "")])
def test_what_is_no_time_is_refused(since: str, until: str) -> None:
    with pytest.raises(BadUsage):
        parse_time_range(since, until, NOW)


def test_a_chart_leaves_gaps_where_there_is_no_value() -> None:
    chart = draw_lines_over_time([1.0, 2.0, None, 4.0], [None, None, 8.0, None])
    assert chart.primary.count("M") == 2
    assert chart.shadow.startswith("M")
    assert chart.highest == 8.0
    assert [tick.value for tick in chart.ticks] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert draw_lines_over_time([None], [None]).primary == ""
