"""History and operations: who did what and why, what waits where, and what is shown while a server is away."""

import contextlib
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import connect
from darklaunch_shared.wire.fields import Fields

from tests.support.cli import Cli, closed_port
from tests.support.dashboard import browse_dashboard
from tests.support.exchanges import exchange, replayed
from tests.support.hook import LossyProxy

RecordReplays = Callable[[list[Fields]], str]


def read_text(browser: httpx.Client, path: str, *, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text
    return html.unescape(response.text)


def test_history_says_who_did_what_and_why_and_escapes_it(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, postgres_dsn: str
) -> None:
    name = record_replays([])
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        act = LaunchAct("bob@desk", "rolled_back", "the totals are <i>wrong</i>")
        update_launch(connection, name, act, status=LaunchStatus.ROLLED_BACK)
    response = browser.get(f"/history?launch={name}")
    assert "<i>wrong" not in response.text
    page = html.unescape(response.text)
    assert re.search(r"Rolled back.*bob@desk.*the totals are <i>wrong</i>.*Started.*ann@desk", page, re.S)
    assert f"{name} rolled back by bob@desk" in page
    page = read_text(browser, f"/history?launch={name}&event=started")
    assert "ann@desk" in page
    assert "bob@desk" not in page
    assert "Clear the filter" in read_text(browser, "/history?launch=nowhere")


def test_a_page_of_history_leads_to_the_next(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, postgres_dsn: str
) -> None:
    name = record_replays([])
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        for number in range(110):
            update_launch(connection, name, LaunchAct("bob", "ramped", f"step {number}."), percent=number % 2 + 1)
    page = read_text(browser, f"/history?launch={name}")
    assert "step 109." in page
    assert "step 9." not in page
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    page = read_text(browser, f"/history{following[1]}")
    assert "step 9." in page
    assert "Started" in page


@pytest.fixture
def both(postgres_dsn: str, redis_url: str) -> Iterator[httpx.Client]:
    with browse_dashboard(postgres_dsn, redis_url) as client:
        yield client


def test_operations_shows_what_waits_and_how_to_look_at_it(
    both: httpx.Client, cli: Cli, launch_name: str, redis_url: str
) -> None:
    cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    with contextlib.closing(connect(redis_url, client_name="test", socket_timeout_s=5)) as redis:
        redis.execute_command("XADD", keys.captures(launch_name, 0), "*", "v", "1")
        page = read_text(both, "/operations")
        redis.execute_command("XTRIM", keys.captures(launch_name, 0), "MAXLEN", 0)
    row = page[page.index(f'href="/launches/{launch_name}" data-row') :].partition("</tr>")[0]
    assert '<td class="r">1</td>' in row
    assert f"darklaunch redis-cli XINFO STREAM '{keys.captures(launch_name, 0)}'" in row
    assert "What the doctor found" in page
    assert f'href="/launches/{launch_name}#ledger"' in page


def test_operations_shows_what_redis_knows_while_postgres_is_away_and_the_other_way_round(
    postgres_dsn: str, redis_url: str
) -> None:
    with browse_dashboard(f"postgresql://postgres@127.0.0.1:{closed_port()}/x", redis_url) as browser:
        page = read_text(browser, "/operations")
        assert "Postgres at 127.0.0.1" in page
        assert "Streams</h2>" in page
        assert "Ledger</h2>" not in page
    with browse_dashboard(postgres_dsn, f"redis://127.0.0.1:{closed_port()}/0") as browser:
        page = read_text(browser, "/operations")
        assert "Redis at 127.0.0.1" in page
        assert "Streams</h2>" not in page
        assert "Ledger</h2>" in page


def test_a_page_that_was_read_stays_while_postgres_is_away_with_since_when_and_recovers(
    record_replays: RecordReplays, launch_name: str, postgres_dsn: str, redis_url: str
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1), body={"total": 2})])
    proxy = LossyProxy(urlsplit(postgres_dsn).port or 5432)
    url = urlsplit(postgres_dsn)
    account = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
    address = url._replace(netloc=f"{account}127.0.0.1:{proxy.port}").geturl()
    proxy.listen()
    with contextlib.closing(proxy), browse_dashboard(address, redis_url) as browser:
        assert "1 sampled" in read_text(browser, f"/launches/{name}")
        proxy.close()
        page = read_text(browser, f"/launches/{name}", status=503)
        assert re.search(r"Not reachable since \d\d:\d\d:\d\d: Postgres at 127.0.0.1.*Figures are from \d\d:", page)
        assert re.search(r"Mirroring goes on, and [\d,]+ results? wait in Redis", page)
        assert "1 sampled" in page
        assert "Not reachable since" in read_text(browser, "/history", status=503)
        assert read_text(browser, f"/launches/{name}", status=503).count("Not reachable since") == 1
        proxy.listen()
        assert "Not reachable" not in read_text(browser, f"/launches/{name}")
