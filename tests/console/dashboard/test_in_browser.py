"""The pages in a real browser: what a person sees, with and without scripts, in both themes, on a phone."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.wire.fields import Fields
from playwright.sync_api import expect

from tests.support.chromium import open_page
from tests.support.dashboard import serve_dashboard
from tests.support.exchanges import exchange, replayed


@pytest.fixture
def address(postgres_dsn: str) -> Iterator[str]:
    with serve_dashboard(postgres_dsn) as address:
        yield address


@pytest.fixture
def launch(record_replays: Callable[[list[Fields]], str], launch_name: str) -> str:
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 31)]
    entries += [replayed(exchange(launch_name, seq), body={"total": 2}) for seq in range(31, 35)]
    return record_replays(entries)


def test_a_launch_is_found_in_the_list_by_its_name_and_opened(address: str, launch: str) -> None:
    with open_page() as page:
        page.goto(address)
        page.get_by_placeholder("Filter").fill("no such launch")
        expect(page.get_by_role("link", name=launch)).to_be_hidden()
        page.get_by_placeholder("Filter").fill(launch[-6:])
        page.get_by_role("link", name=launch).click()
        expect(page.get_by_role("heading", name=launch)).to_be_visible()
        expect(page.get_by_role("heading", name="Problems")).to_be_visible()


def test_an_open_page_follows_what_happens_without_being_read_anew(
    address: str, launch: str, postgres_dsn: str
) -> None:
    with open_page() as page:
        page.goto(f"{address}/launches/{launch}")
        expect(page.locator("#live")).to_contain_text("Live")
        page.evaluate("window.sameDocument = true")
        with connect_store(postgres_dsn, name="darklaunch-test") as connection:
            act = LaunchAct("ann@desk", "rolled_back", "the totals are wrong")
            update_launch(connection, launch, act, status=LaunchStatus.ROLLED_BACK)
        expect(page.locator(".verdict")).to_contain_text("Rolled back")
        expect(page.locator(".verdict")).to_contain_text("the totals are wrong")
        assert page.evaluate("window.sameDocument") is True


def test_a_page_says_everything_without_scripts(address: str, launch: str) -> None:
    with open_page(scripts=False) as page:
        page.goto(f"{address}/launches/{launch}")
        expect(page.get_by_text("34 sampled")).to_be_visible()
        expect(page.get_by_text("$.total: 1 → 2")).to_be_visible()
        expect(page.get_by_role("button")).to_have_text(["Show"])  # a form that needs no scripts


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_has_a_serious_accessibility_fault_or_is_wider_than_the_screen(
    address: str, launch: str, width: int, scheme: str
) -> None:
    with open_page(width=width, scheme="dark" if scheme == "dark" else "light") as page:
        for path in ("/", f"/launches/{launch}", f"/launches/{launch}/exchanges/abcd1234:31", "/history"):
            page.goto(address + path)
            found = Axe().run(page).response["violations"]
            assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_move_through_the_list_and_none_acts(address: str, launch: str) -> None:
    with open_page() as page:
        page.goto(address)
        page.keyboard.press("j")
        expect(page.locator("[data-row]").first).to_be_focused()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()


def test_hostile_text_in_a_request_and_both_responses_runs_nothing(
    address: str, record_replays: Callable[[list[Fields]], str], launch_name: str
) -> None:
    hostile = [
        "<script>window.hacked = 1</script>",
        '<img src=x onerror="window.hacked = 1">',
        '</code></pre><svg onload="window.hacked = 1">',
        "javascript:window.hacked=1",
        "{{ 7 * 7 }}",
    ]
    captured = exchange(launch_name, 1, endpoint=f"GET /{hostile[0]}", body={text: text for text in hostile})
    name = record_replays([replayed(captured, body={text: f"{text}!" for text in hostile})])
    with open_page() as page:
        page.goto(f"{address}/launches/{name}/exchanges/abcd1234:1?whole=1")
        expect(page.get_by_text("{{ 7 * 7 }}").first).to_be_visible()
        page.get_by_role("link", name="All exchanges that differ like this").click()
        expect(page.get_by_role("heading", name="What differs")).to_be_visible()
        assert page.evaluate("window.hacked") is None
        assert page.locator("main script, main img, main [onerror], main [onload]").count() == 0
