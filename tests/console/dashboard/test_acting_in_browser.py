"""Acting in a real browser: sign in, confirm in a dialog, and the same without scripts."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.chromium import open_page
from tests.support.dashboard import serve_dashboard

TOKEN = "a-token-for-the-tests"


@pytest.fixture
def address(postgres_dsn: str, redis_url: str) -> Iterator[str]:
    with serve_dashboard(postgres_dsn, redis_url=redis_url, token=TOKEN) as address:
        yield address


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Your name").fill("mira")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as mira")).to_be_visible()


def test_a_launch_is_rolled_back_in_a_dialog_that_says_what_will_happen(address: str, launched: str) -> None:
    with open_page() as page:
        sign_in(page, address)
        page.goto(f"{address}/launches/{launched}")
        page.get_by_role("link", name="Roll back…").click()
        dialog = page.get_by_role("dialog", name=f"Roll back {launched}?")
        expect(dialog).to_contain_text("Mirroring stops within 1 second")
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
        page.get_by_role("link", name="Cancel").click()
        expect(dialog).to_be_hidden()
        page.get_by_role("link", name="Roll back…").click()
        page.get_by_label("Reason").fill("the totals are wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("is rolled back: within a second nothing is mirrored")
        expect(page.locator("#events")).to_be_visible()
        expect(page.get_by_text("the totals are wrong").first).to_be_visible()


def test_without_scripts_the_button_leads_to_a_page_with_the_same_form(address: str, launched: str) -> None:
    with open_page(scripts=False) as page:
        sign_in(page, address)
        page.goto(f"{address}/launches/{launched}")
        page.get_by_role("link", name="Pause…").click()
        page.get_by_role("button", name=f"Pause {launched}").click()
        expect(page.get_by_role("status")).to_contain_text("is paused")
