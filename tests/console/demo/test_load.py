"""The demo's load: the same visits every time, and an honest account of what the visitors saw."""

from __future__ import annotations

import math
import socket
from collections import Counter
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path

import pytest
from darklaunch_console.demo.load import LoadProgress, compute_latencies, run_load
from darklaunch_console.demo.shop.catalogue import Size
from darklaunch_console.demo.shop.database import PopularTerm, Shop, build_shop
from darklaunch_console.demo.traffic import POPULAR_SEARCHES, Visit, plan_visits
from hypothesis import given
from hypothesis import strategies as st

from tests.support.shop import shop_server

POPULAR = (PopularTerm("gift", 240, 2_400.0), PopularTerm("new", 210, 2_100.0))

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("shop")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build_shop(tmp_path_factory.mktemp("shop"), Size(products=600, customers=60, orders=400, reviews=300))


@pytest.fixture(scope="module")
def origins(shop: Shop) -> Generator[tuple[str, str]]:
    with shop_server("v1", shop.directory) as (primary, _), shop_server("v2", shop.directory) as (shadow, _):
        yield primary, shadow


def test_the_plan_is_the_same_each_time_and_hits_every_regression(shop: Shop) -> None:
    visits = plan_visits(shop, 1600)
    assert visits == plan_visits(shop, 1600) and len(visits) == 1600
    kinds = Counter(visit.kind for visit in visits)
    assert kinds["quote for none"] == 16 and kinds["popular search"] == POPULAR_SEARCHES
    assert kinds["order"] > 300 and kinds["search"] > 200 and kinds["cart"] > 20
    places = [place for place, visit in enumerate(visits) if visit.kind == "popular search"]
    gaps = [later - earlier for earlier, later in pairwise(places)]
    assert max(gaps) - min(gaps) <= 1 and places[0] >= 80 and places[-1] <= 1040


@given(st.integers(10, 400), st.integers(0, 8))
def test_a_plan_has_as_many_visits_as_asked_for(count: int, popular: int) -> None:
    some_shop = Shop(Path(), Size(), 1, 1.0, popular=POPULAR, built_in_s=0.0)
    visits = plan_visits(some_shop, count, popular)
    assert len(visits) == count
    assert sum(visit.kind == "popular search" for visit in visits) == popular
    assert all(visit.target.isascii() and " " not in visit.target for visit in visits)


async def test_users_of_the_primary_see_no_error(shop: Shop, origins: tuple[str, str]) -> None:
    seen: list[LoadProgress] = []
    visits = plan_visits(shop, 200)
    summary = await run_load(origins[0], visits, rate_per_s=200, on_progress=seen.append)
    assert (summary.sent, summary.ok, summary.errors, summary.first_error) == (200, 200, 0, "")
    assert summary.statuses == Counter(visit.expected for visit in visits)
    assert {kind.name: kind.sent for kind in summary.kinds} == Counter(visit.kind for visit in visits)
    assert 0 < summary.latencies.p50_ms <= summary.latencies.p95_ms <= summary.latencies.max_ms
    assert [step.sent for step in seen] == sorted(step.sent for step in seen)
    assert seen[-1].sent == seen[-1].ok == seen[-1].planned == 200 and len(seen) > 2


async def test_it_ends_when_there_were_enough(shop: Shop, origins: tuple[str, str]) -> None:
    seen: list[LoadProgress] = []
    visits = plan_visits(shop, 400)
    summary = await run_load(origins[0], visits, 200, seen.append, enough=lambda: bool(seen) and seen[-1].sent >= 20)
    assert 20 <= summary.sent < 400 and summary.ok == summary.sent


async def test_users_of_the_shadow_would_have_seen_the_error(shop: Shop, origins: tuple[str, str]) -> None:
    summary = await run_load(origins[1], plan_visits(shop, 100), rate_per_s=200)
    assert summary.errors == summary.statuses[500] == 1
    assert [kind.name for kind in summary.kinds if kind.errors] == ["quote for none"]
    assert "qty=0: status 500" in summary.first_error


async def test_a_shop_that_is_not_there_is_counted_not_raised(shop: Shop) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        summary = await run_load(origin, plan_visits(shop, 20), rate_per_s=400)
    assert (summary.sent, summary.ok, summary.errors, summary.statuses) == (20, 0, 20, {0: 20})
    assert "GET" in summary.first_error


async def test_the_load_ends_at_its_deadline(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        visits = [Visit("product", "GET", "/products/1", 200)] * 100
        summary = await run_load(origin, visits, rate_per_s=50, deadline_s=0.3)
    assert 0 < summary.sent < 100 and summary.ok == 0
    assert summary.errors == summary.sent == summary.statuses[0]


def test_quantiles_are_by_nearest_rank() -> None:
    assert compute_latencies([3.0, 1.0, 2.0, 4.0]) == compute_latencies([1.0, 2.0, 3.0, 4.0])
    latencies = compute_latencies([float(number) for number in range(1, 101)])
    assert (latencies.p50_ms, latencies.p95_ms, latencies.p99_ms, latencies.max_ms) == (50, 95, 99, 100)
    assert math.isnan(compute_latencies([]).p50_ms)
