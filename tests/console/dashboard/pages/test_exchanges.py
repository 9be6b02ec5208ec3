"""Recorded exchanges and mismatches in lists: every filter is an address, and a page leads to the next."""

import html
import re
import time
from collections.abc import Callable

import httpx
import psycopg
import pytest
from darklaunch_comparator.store.browse_queries import ExchangeFilter, list_endpoints, list_exchanges
from darklaunch_shared.wire.exchange import Exchange, Request
from darklaunch_shared.wire.fields import Fields

from tests.support.exchanges import NOW_MS, exchange, lost, replayed, unanswered

RecordReplays = Callable[[list[Fields]], str]


@pytest.fixture
def launch(record_replays: RecordReplays, launch_name: str) -> str:
    """Record 130 exchanges over 22 minutes, 10 s apart: every tenth mismatched, one timeout, one dropped."""
    now_ms = time.time_ns() // 1_000_000
    entries = [
        replayed(
            exchange(launch_name, seq, at_ms=now_ms - 10_000 * seq, endpoint=f"GET /e{seq % 3}"),
            body={"total": 2} if seq % 10 == 0 else None,
        )
        for seq in range(1, 129)
    ]
    entries.append(unanswered(exchange(launch_name, 129, at_ms=now_ms - 1_290_000)))
    entries.append(lost(exchange(launch_name, 130, at_ms=now_ms - 1_300_000)))
    return record_replays(entries)


def list_ids(page: str, launch: str) -> list[str]:
    return re.findall(rf"/launches/{launch}/exchanges/abcd1234%3A(\d+)", page.replace(":", "%3A"))


def read_text(browser: httpx.Client, path: str, *, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text
    return html.unescape(response.text)


def test_exchanges_come_the_latest_first_and_a_page_leads_to_the_next(browser: httpx.Client, launch: str) -> None:
    page = read_text(browser, f"/launches/{launch}/exchanges")
    first = list_ids(page, launch)
    assert first == [str(seq) for seq in range(1, 101)]
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    page = read_text(browser, f"/launches/{launch}/exchanges{following[1]}")
    assert list_ids(page, launch) == [str(seq) for seq in range(101, 131)]
    assert 'rel="next"' not in page


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("outcome=mismatched", [str(seq) for seq in range(10, 129, 10)]),
        ("outcome=shadow_error", ["129"]),
        ("outcome=dropped", ["130"]),
        ("endpoint=GET+/e1&since=2m", ["1", "4", "7", "10"]),
        ("endpoint=e1&outcome=mismatched", ["10", "40", "70", "100"]),
        ("find=abcd1234:17", ["17"]),
        ("find=abcd1234:999", []),
    ],
)
def test_a_filter_is_an_address(browser: httpx.Client, launch: str, query: str, ids: list[str]) -> None:
    page = read_text(browser, f"/launches/{launch}/exchanges?{query}")
    found = list_ids(page, launch)
    if "since" in query:
        assert found == ids[: len(found)]
        assert len(found) >= 3  # the clock went on since the exchanges were made
    else:
        assert found == ids


def test_a_kept_exchange_is_found_by_the_trace_its_request_carried(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    plain = exchange(launch_name, 1)
    request = Request("GET", "/orders/2", "http://shop", (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),), b"")
    traced = Exchange("abcd1234:2", launch_name, NOW_MS, plain.endpoint, request, plain.primary)
    name = record_replays([replayed(plain, body={"total": 2}), replayed(traced, body={"total": "other"})])
    page = read_text(browser, f"/launches/{name}/exchanges?find={trace}")
    assert list_ids(page, name) == ["2"]
    assert "No exchange" in read_text(browser, f"/launches/{name}/exchanges?find={trace[::-1]}")


def test_an_endpoint_that_is_meant_by_a_part_of_its_name_is_found_or_offered(
    browser: httpx.Client, launch: str
) -> None:
    page = read_text(browser, f"/launches/{launch}/exchanges?endpoint=/e")
    assert "Which endpoint?" in page
    assert "?endpoint=GET+%2Fe2" in page
    assert "No endpoint has" in read_text(browser, f"/launches/{launch}/exchanges?endpoint=nothing")


@pytest.mark.parametrize(
    "query", ["outcome=worse", "since=yesterday-ish", "since=1h&until=2h", "before=x", "find=%00", "since=9999999d"]
)
def test_a_filter_that_cannot_be_read_is_refused_with_the_reason(
    browser: httpx.Client, launch: str, query: str
) -> None:
    assert "This address cannot be read" in read_text(browser, f"/launches/{launch}/exchanges?{query}", status=400)


def test_a_nul_in_an_address_finds_nothing_and_breaks_nothing(browser: httpx.Client, launch: str) -> None:
    read_text(browser, f"/launches/{launch}/exchanges?endpoint=%00&group=%00")
    read_text(browser, f"/launches/{launch}/exchanges/a%00b", status=404)
    read_text(browser, f"/launches/{launch}/mismatches/a%00b", status=404)
    read_text(browser, f"/launches/{launch}/mismatches?from=99999999999999999999", status=400)


def test_mismatches_are_listed_by_state_and_endpoint(browser: httpx.Client, launch: str) -> None:
    page = read_text(browser, f"/launches/{launch}/mismatches")
    assert "4 open kinds of mismatch" in page
    assert "GET /e0" in page
    assert "GET /e0" not in read_text(browser, f"/launches/{launch}/mismatches?endpoint=/e1")
    assert "Clear the filter" in read_text(browser, f"/launches/{launch}/mismatches?endpoint=foo")
    assert "No accepted mismatch" in read_text(browser, f"/launches/{launch}/mismatches?state=accepted")
    read_text(browser, f"/launches/{launch}/mismatches?state=unheard", status=400)


def test_exchanges_of_one_mismatch_are_listed(browser: httpx.Client, launch: str, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        row = connection.execute(
            "SELECT fingerprint FROM darklaunch.signature WHERE launch = %s AND endpoint = 'GET /e1'", [launch]
        ).fetchone()
    assert row is not None
    page = read_text(browser, f"/launches/{launch}/exchanges?group={row[0]}")
    assert list_ids(page, launch) == ["10", "40", "70", "100"]


def test_a_rare_outcome_is_found_far_behind_what_is_frequent(launch: str, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        found = list_exchanges(connection, launch, ExchangeFilter(outcome="dropped"), limit=1)
        assert [row.exchange_id for row in found.rows] == ["abcd1234:130"]
        assert list_endpoints(connection, launch) == ["GET /e0", "GET /e1", "GET /e2", "GET /orders/{id}"]
