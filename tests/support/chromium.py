"""A real browser for tests of pages: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from playwright.sync_api import Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_MS = 30_000.0


def find_chromium() -> str:
    """Return the browser's path. Skips the test where there is none; fails it in CI, where it has to be installed."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None and os.environ.get("CI"):
        pytest.fail("Chromium is not installed: apt-get install chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return path


@contextmanager
def open_page(
    *, width: int = 1280, height: int = 900, scheme: Literal["light", "dark"] = "light", scripts: bool = True
) -> Iterator[Page]:
    """Yield a page of a new browser. At the end the test fails if the page logged an error, as for a blocked file."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
        )
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            yield page
        except BaseException as failed:
            failed.add_note(f"the page logged: {errors or 'no error'}")
            raise
        finally:
            browser.close()
    assert errors == []
