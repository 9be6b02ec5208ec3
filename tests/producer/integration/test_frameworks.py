"""The adapter kit against every framework, each behind a real server in this process, as docs/CAPTURE.md lists them."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from darklaunch.adapter_kit import BEHAVIOURS, run_adapter_kit
from darklaunch.testing import captured

from tests.docs.page import page, table
from tests.support.frameworks.asgi_kit import ASGI, listen_uvicorn
from tests.support.frameworks.native_apps import NATIVE, listening_with
from tests.support.frameworks.wsgi_kit import WSGI, listening_werkzeug

CANNOT = {
    "quart": {"unread body"},  # it reads the body beside the handler
    "flask": {"chunked body"},  # a WSGI app reads as much as Content-Length says
    "falcon": {"chunked body"},
    "bottle": {"chunked body"},
    "pyramid": {"unhandled error"},  # it leaves the 500 to the server, outside of the hook
    "falcon-asgi": {"unread body"},  # it receives the first piece before the handler runs
}


TITLES = {"falcon-asgi": "Falcon (ASGI)", "fastapi": "FastAPI", "aiohttp": "aiohttp"}


@contextmanager
def serving(name):
    if name in ASGI:
        with listening_with(listen_uvicorn, ASGI[name]()) as address:
            yield address
    else:
        with listening_werkzeug(WSGI[name]()) as address:
            yield address


@pytest.mark.filterwarnings("ignore:'cgi' is deprecated", "ignore:.*pkg_resources")  # Pyramid's imports
@pytest.mark.filterwarnings("ignore:.*Use 'FromPath")  # a newer spelling, which older Litestar does not have
@pytest.mark.parametrize("name", [*ASGI, *WSGI])
def test_whatever_an_app_answers_is_captured_as_the_client_gets_it(name) -> None:
    behaviours = [each for each in BEHAVIOURS if each.name not in CANNOT.get(name, ())]
    with captured(allow=("POST /**",)) as seen, serving(name) as address:
        assert run_adapter_kit(address, seen, behaviours) == {}
        assert seen.dropped == {}


def test_the_documented_table_is_what_is_tested() -> None:
    rows = {row[0]: row for row in table(page("docs/CAPTURE.md"), "framework")}
    names = {TITLES.get(name, name.capitalize()): name for name in [*ASGI, *WSGI, *NATIVE]}
    assert set(rows) == set(names)
    for title, name in names.items():
        server = "uvicorn" if name in ASGI else "werkzeug" if name in WSGI else "its own"
        skipped = ", ".join(sorted(CANNOT.get(name, set()) - {"unread body"}))
        assert rows[title][2:] == [server, skipped], title
