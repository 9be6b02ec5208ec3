"""`curl`: requests of an exchange for both sides, without what was masked."""

import shlex
from typing import Any

import orjson
from darklaunch_shared.wire.exchange import Exchange, Request

from tests.support.exchanges import JSON, exchange, replayed
from tests.support.recorded import record


def test_curl_says_what_was_masked(run: Any, postgres_dsn: str, launch_name: str) -> None:
    plain = exchange(launch_name, 1)
    asked = Request("POST", "/login?token=hunter2&a=1", "http://shop", JSON, b'{"user": {"password": "hunter2"}}')
    captured = Exchange(plain.id, launch_name, plain.captured_at_ms, plain.endpoint, asked, plain.primary)
    record(postgres_dsn, launch_name, [replayed(captured, body={"total": 2})])
    result = run("curl", plain.id, "--launch", launch_name)
    assert "hunter2" not in result.output
    assert result.stderr == (
        "Warning: masked when it was stored, put real values there: query token, $.user.password.\n"
    )
    told = orjson.loads(run("curl", plain.id, "--launch", launch_name, "--json").stdout)
    assert told["masked"] == ["query token", "$.user.password"]


def test_curl_is_printed_for_both_sides(run: Any, shop: str) -> None:
    shadow, primary = run("curl", "abcd1234:31", "--launch", shop).output.splitlines()
    assert shadow.endswith("# shadow") and "http://shadow:8000/orders/31" in shlex.split(shadow, comments=True)
    assert primary.endswith("# primary") and "http://shop/orders/31" in shlex.split(primary, comments=True)
