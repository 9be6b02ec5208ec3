"""Whole launches, end to end: hook in a real server → stream → worker → shadow → comparator → report."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import psycopg
import pytest
from darklaunch_console.embedded import embedded_valkey

from .stage import DARKLAUNCH, Server, Stage, eventually

ENOUGH = 60


@pytest.fixture(scope="module")
def stage(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    """Run a worker and a comparator. The Redis is theirs alone: they work on every launch they find on it."""
    with contextlib.ExitStack() as stack:
        valkey = stack.enter_context(embedded_valkey())
        stage = Stage(valkey.url, postgres_dsn, tmp_path_factory.mktemp("stage"))
        stack.enter_context(stage.running([*DARKLAUNCH, "worker"]))
        stack.enter_context(stage.running([*DARKLAUNCH, "comparator"]))
        yield stage


def test_a_renamed_key_behind_uvicorn_is_the_one_thing_reported(stage: Stage, postgres_dsn: str) -> None:
    with stage.example("fastapi_app") as shop, stage.example("fastapi_app_v2") as shadow:
        launch = stage.start("fastapi_app_v2", shadow)
        requests = [
            *(("GET", f"/orders/{number}") for number in range(1, 11)),
            *(("GET", "/orders/999?from=bookmark"), ("POST", "/orders/search", {"from_cents": 5_000})),
        ]
        send_until_mirrored(stage, launch, shop, requests, [*[200] * 10, 404, 200])
        stage.darklaunch("drain", launch, "--json")
    report = stage.darklaunch("report", launch, "--json")

    assert list_signatures(report) == {("GET /orders/{number}", "$.total_cents missing, $.total extra")}
    assert_balanced(stage, launch, report, compared=("matched", "mismatched"))
    assert {row["endpoint"] for row in report["latency"]} >= {"GET /orders/{number}", "POST /orders/search"}
    assert {(excuse["path"], excuse["reason"]) for excuse in report["excuses"]} == {("$.generated_at", "clock")}
    assert read_latency_sources(postgres_dsn, launch) == {"server_timing"}


def test_a_forgotten_case_behind_two_gunicorn_workers_is_the_one_thing_reported(
    stage: Stage, postgres_dsn: str
) -> None:
    with stage.example("flask_app") as shop, stage.example("flask_app_v2") as shadow:
        launch = stage.start("flask_app_v2", shadow)
        requests = [
            *(("GET", f"/products/{number}") for number in range(1, 11)),
            *(("GET", "/products/999"), ("GET", "/export.csv")),
        ]
        send_until_mirrored(stage, launch, shop, requests, [*[200] * 10, 404, 200], processes=2)
        stage.darklaunch("drain", launch, "--json")
    report = stage.darklaunch("report", launch, "--json")

    assert list_signatures(report) == {("GET /products/{number}", "status 404 → 500")}
    assert_balanced(stage, launch, report, compared=("matched", "mismatched"))
    assert {row["endpoint"] for row in report["latency"]} >= {"GET /products/{number}", "GET /export.csv"}
    assert read_latency_sources(postgres_dsn, launch) == {"server_timing"}


def send_until_mirrored(
    stage: Stage, launch: str, shop: Server, requests: list[tuple], statuses: list[int], processes: int = 1
) -> None:
    """Send requests until each of the shop's processes has mirrored some; users get the responses they always get."""

    def have_enough() -> bool:
        assert [status for status, _ in shop.request_together(requests)] == statuses
        sampled = [counters.sampled for counters in stage.read_counters(launch)]
        return len(sampled) == processes and sum(sampled) >= ENOUGH

    assert eventually(have_enough, every_s=0.25), stage.read_counters(launch)


def assert_balanced(stage: Stage, launch: str, report: dict, *, compared: tuple[str, ...]) -> None:
    """Assert that each sampled exchange was compared, that each outcome occurred, and that nothing is lost."""
    ledger = report["ledger"]
    assert ledger["sampled"] == sum(counters.sampled for counters in stage.read_counters(launch)) >= ENOUGH
    assert sum(ledger[outcome] for outcome in compared) == ledger["settled"] == ledger["sampled"]
    assert all(ledger[outcome] for outcome in compared)
    audit = stage.darklaunch("audit", launch, "--strict", "--json")
    assert (audit["balanced"], audit["sampled"], audit["on_its_way"]) == (True, ledger["sampled"], 0)


def list_signatures(report: dict) -> set[tuple[str, str]]:
    return {(signature["endpoint"], signature["title"]) for signature in report["signatures"]}


def read_latency_sources(dsn: str, launch: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT DISTINCT latency_source FROM darklaunch.result WHERE launch = %s", [launch])
        return {source for (source,) in rows}
