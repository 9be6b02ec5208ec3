"""What a browser gets: pages of launches that were really recorded, errors that help, and nothing that could run."""

import html
from collections.abc import Callable

import httpx
import pytest
from darklaunch_shared.wire.fields import Fields

from tests.support.cli import closed_port
from tests.support.dashboard import browse_dashboard
from tests.support.exchanges import exchange, replayed

RecordReplays = Callable[[list[Fields]], str]

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def launch(record_replays: RecordReplays, launch_name: str) -> str:
    """Record 30 exchanges that match and 4 whose total is another one."""
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 31)]
    entries += [replayed(exchange(launch_name, seq), body={"total": 2}) for seq in range(31, 35)]
    return record_replays(entries)


def read_text(browser: httpx.Client, path: str, *, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text
    return html.unescape(response.text)


def test_the_list_shows_each_launch_with_its_shadow_and_its_verdict(browser: httpx.Client, launch: str) -> None:
    page = read_text(browser, "/")
    assert f'href="/launches/{launch}"' in page
    assert "http://shadow:8000" in page
    assert "Keep watching" in page


def test_the_page_of_a_launch_shows_ledger_endpoints_and_problems(browser: httpx.Client, launch: str) -> None:
    page = read_text(browser, f"/launches/{launch}")
    assert "34 sampled" in page
    assert "GET /orders/{id}" in page
    assert "$.total: 1 → 2" in page
    assert "11.76 %" in page
    assert "Balanced" in page


def test_an_unknown_launch_is_not_found_and_the_nearest_name_is_suggested(browser: httpx.Client, launch: str) -> None:
    page = read_text(browser, f"/launches/{launch}x", status=404)
    assert f'Did you mean "{launch}"?' in page


def test_an_unknown_page_is_not_found_with_the_way_back(browser: httpx.Client) -> None:
    assert 'href="/"' in read_text(browser, "/nowhere", status=404)


def test_captured_text_is_shown_and_never_interpreted(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str
) -> None:
    name = record_replays([
        replayed(exchange(launch_name, 1, endpoint=f"GET /{HOSTILE}"), body={"total": HOSTILE, HOSTILE: "\u202e"})
    ])  # fmt: skip
    raw = browser.get(f"/launches/{name}").text
    assert "<script>alert" not in raw
    assert "<img" not in raw
    assert "<b>new</b>" not in raw
    assert "\u202e" not in raw
    assert "alert(1)" in raw


def test_a_page_may_load_nothing_but_its_own_files(browser: httpx.Client, launch: str) -> None:
    response = browser.get(f"/launches/{launch}")
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "<style" not in response.text
    assert " style=" not in response.text
    assert "<script>" not in response.text
    assert response.headers["cache-control"] == "no-store"


def test_static_files_are_served(browser: httpx.Client) -> None:
    assert browser.get("/static/tokens.css").headers["content-type"].startswith("text/css")
    assert browser.get("/static/../application.py").status_code == 404


def test_a_dead_postgres_is_named_and_the_page_says_what_to_do() -> None:
    with browse_dashboard(f"postgresql://postgres@127.0.0.1:{closed_port()}/x") as browser:
        assert "Postgres at 127.0.0.1" in read_text(browser, "/", status=503)
        problem = browser.get("/api/v1/launches")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert problem.json()["title"] == "A server cannot be reached"
