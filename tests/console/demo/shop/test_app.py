"""The demo's shop: its releases differ in the three planted places, for real reasons, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from darklaunch_console.demo.shop import v1
from darklaunch_console.demo.shop.catalogue import Size, tag_matches
from darklaunch_console.demo.shop.connections import Connections, open_file
from darklaunch_console.demo.shop.database import (
    POPULAR_SHADOW_MS,
    Shop,
    build_shop,
    database_path,
    measure_scan_ms,
    popular_terms,
)
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER
from hypothesis import given
from hypothesis import strategies as st

from tests.support.shop import SHOP, STOP_LIMIT_S, shop_server

pytestmark = pytest.mark.xdist_group("shop")

SMALL = Size(products=600, customers=60, orders=400, reviews=300)
NOISE = {"generated_at", "request_id"}

SAME_IN_ALL = [
    *(f"/products/{number}" for number in (1, 2, 300, 600, 601, 0)),
    *(f"/products/{text}" for text in ("abc", "-1", "99999999999", "%00", "%C2%B2")),
    *(f"/customers/{number}" for number in (1, 60, 61)),
    *(f"/search?q={term}" for term in ("gift", "gift&page=2", "gift&page=99", "nothing", "DL-00007", "bamboo+basket")),
    *(f"/search{query}" for query in ("", "?q=", "?q=gift&page=0", "?q=gift&page=x", "?q=%00%FF")),
    *(f"/quote?sku=DL-00001&qty={quantity}" for quantity in (1, 9, 10, 49, 50, 10_000, 10_001, -1, "x")),
    *("/quote?sku=DL-99999", "/quote", "/orders/401", "/orders/x", "/nowhere"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build_shop(tmp_path_factory.mktemp("shop"), SMALL)


@pytest.fixture(scope="module")
def releases(shop: Shop) -> Generator[dict[str, httpx.Client]]:
    with contextlib.ExitStack() as stack:
        clients = {}
        for version in ("v1", "v2", "v3"):
            origin, _ = stack.enter_context(shop_server(version, shop.directory))
            clients[version] = stack.enter_context(httpx.Client(base_url=origin, trust_env=False, timeout=30))
        yield clients


def logs(path: Path, text: str) -> bool:
    """Return whether a server logged a text; it does so just after the answer is sent."""
    until = time.monotonic() + 60
    while text not in path.read_text() and time.monotonic() < until:
        time.sleep(0.02)
    return text in path.read_text()


def content(response: httpx.Response) -> dict:
    return {key: value for key, value in response.json().items() if key not in NOISE}


@pytest.mark.parametrize("target", SAME_IN_ALL)
def test_releases_agree_on_what_no_regression_touches(releases: dict[str, httpx.Client], target: str) -> None:
    primary, *others = (client.get(target) for client in releases.values())
    assert primary.status_code < 500
    for other in others:
        assert (other.status_code, other.headers["content-type"]) == (
            primary.status_code,
            primary.headers["content-type"],
        )
        if target != "/nowhere":
            assert content(other) == content(primary)
            assert other.headers.keys() == primary.headers.keys()


def test_first_regression_is_a_renamed_key_of_an_order(releases: dict[str, httpx.Client]) -> None:
    old, new, repaired = (content(client.get("/orders/17")) for client in releases.values())
    assert old["total_cents"] == sum(line["quantity"] * line["unit_cents"] for line in old["lines"]) > 0
    assert "total" not in old
    assert "total_cents" not in new
    new["total_cents"] = new.pop("total")
    assert new == old == repaired


def test_second_regression_is_a_search_that_scans(shop: Shop) -> None:
    steps = {}
    for version in ("v1", "v2", "v3"):
        with contextlib.closing(open_file(database_path(shop.directory, version))) as db:
            plan = db.execute(f"EXPLAIN QUERY PLAN {v1.SEARCH}", {"term": "gift", "rows": 20, "skipped": 0})
            steps[version] = " / ".join(row["detail"] for row in plan)
    assert "SEARCH l USING COVERING INDEX lines_by_product" in steps["v1"]
    assert "SCAN l" in steps["v2"] and "AUTOMATIC" not in steps["v2"]
    assert steps["v3"] == steps["v1"]


def test_third_regression_is_an_error_on_a_quantity_of_none(shop: Shop, releases: dict[str, httpx.Client]) -> None:
    old, new, repaired = (client.get("/quote?sku=DL-00001&qty=0") for client in releases.values())
    assert old.status_code == 200 and content(old)["total_cents"] == 0
    assert new.status_code == 500 and content(new) == {"error": "internal error"}
    assert content(repaired) == content(old)
    assert logs(shop.directory / "v2.log", "ValueError: max() ")


def test_answers_differ_in_noise_and_in_nothing_else(releases: dict[str, httpx.Client]) -> None:
    first, second = (releases["v1"].get("/products/5") for _ in range(2))
    assert first.json()["request_id"] != second.json()["request_id"] == second.headers["x-request-id"]
    assert datetime.fromisoformat(first.json()["generated_at"]) <= datetime.fromisoformat(second.json()["generated_at"])
    assert content(first) == content(second) and first.headers["etag"] == second.headers["etag"]


def test_a_cart_is_stored_and_a_bad_one_refused(shop: Shop, releases: dict[str, httpx.Client]) -> None:
    added = releases["v1"].post("/carts", json={"sku": "DL-00003", "quantity": 2})
    assert added.status_code == 201 and added.headers["location"] == f"/carts/{added.json()['id']}"
    with contextlib.closing(open_file(database_path(shop.directory, "v1"))) as db:
        row = db.execute("SELECT sku, quantity FROM carts WHERE id = ?", (added.json()["id"],)).fetchone()
    assert tuple(row) == ("DL-00003", 2)
    for body in (b"", b"[]", b"{", b'{"sku": "x"}', b'{"sku": "x", "quantity": 0}', b'{"sku": "x", "quantity": 1e99}'):
        assert releases["v1"].post("/carts", content=body).status_code == 400


def test_every_release_has_the_hook_which_times_replays_and_only_those(releases: dict[str, httpx.Client]) -> None:
    for client in releases.values():
        assert "server-timing" not in client.get("/products/5").headers
        replay = client.get("/products/5", headers={EXCHANGE_HEADER: "shop-1"})
        assert replay.headers["server-timing"].startswith("darklaunch;dur=")


def test_releases_are_health_checked_by_name(releases: dict[str, httpx.Client]) -> None:
    assert {content(client.get("/health"))["release"] for client in releases.values()} == set(releases)


def test_every_build_has_the_same_rows(shop: Shop, tmp_path: Path) -> None:
    again = build_shop(tmp_path, SMALL)
    for table in ("products", "product_terms", "customers", "orders", "order_lines", "reviews"):
        rows = []
        for directory, version in ((shop.directory, "v1"), (shop.directory, "v2"), (again.directory, "v1")):
            with contextlib.closing(open_file(database_path(directory, version))) as db:
                rows.append([tuple(row) for row in db.execute(f"SELECT * FROM {table}")])
        assert rows[0] == rows[1] == rows[2] and rows[0]


@given(st.floats(1.2, 40.0))
def test_popular_searches_take_seconds_on_fast_and_slow_machines(scan_ms: float) -> None:
    tags = tag_matches(Size().products)
    for wanted, popular in zip(POPULAR_SHADOW_MS, popular_terms(tags, scan_ms, POPULAR_SHADOW_MS), strict=True):
        assert wanted <= popular.shadow_ms == tags[popular.term] * scan_ms < wanted * 1.15


def test_the_popular_search_finds_as_much_as_it_says(shop: Shop, releases: dict[str, httpx.Client]) -> None:
    assert measure_scan_ms(database_path(shop.directory, "v2")) > 0
    for popular in shop.popular:
        found = [content(client.get("/search", params={"q": popular.term})) for client in releases.values()]
        assert found[0] == found[1] and found[0]["found"] == popular.matches > 0


@pytest.mark.anyio
async def test_a_slow_search_holds_up_neither_other_requests_nor_the_end(tmp_path: Path) -> None:
    shop = build_shop(tmp_path, Size(products=3_000, orders=20_000, lines_per_order=10), [6_000.0])
    with shop_server("v2", shop.directory) as (origin, process):
        async with httpx.AsyncClient(base_url=origin, trust_env=False, timeout=60) as client:
            search = asyncio.create_task(client.get("/search", params={"q": shop.popular[0].term}))
            await asyncio.sleep(0.3)
            products = [await client.get(f"/products/{number}") for number in range(1, 6)]
            assert [product.status_code for product in products] == [200] * 5
            assert not search.done()
            process.terminate()
            with contextlib.suppress(httpx.TransportError):  # as good an end for a query that was interrupted
                assert (await search).status_code >= 500
        process.wait(STOP_LIMIT_S)  # raises when the query holds up the end


def test_a_connection_is_not_lent_after_closing(shop: Shop) -> None:
    connections = Connections(database_path(shop.directory, "v1"))
    with connections.borrow() as db:
        connections.close()
        assert db.execute("SELECT 1").fetchone()[0] == 1
    with pytest.raises(Exception, match="closed"):
        db.execute("SELECT 1")
    with pytest.raises(Exception, match="are closed"), connections.borrow():
        pass


def test_a_shop_that_cannot_start_says_why(tmp_path: Path, shop: Shop) -> None:
    missing = run_shop("--version", "v1", "--database", str(tmp_path))
    assert missing.returncode == 1 and "build the shop's databases first" in missing.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = run_shop("--version", "v1", "--database", str(shop.directory), "--port", port)
    assert busy.returncode == 1 and f"127.0.0.1:{port} cannot be listened on" in busy.stderr


def run_shop(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SHOP, *options], capture_output=True, text=True, timeout=60)
