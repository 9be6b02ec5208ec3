"""An app that echoes its request: what we or the connection wrote there is ours, anything else is the app's."""

from typing import Any

import orjson
import pytest
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import REDACTED, Exchange, Request, Response
from darklaunch_shared.wire.http_headers import make_idempotency_key
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse, pack_replay

from tests.support.exchanges import JSON, NOW_MS
from tests.support.pack_exchange import pack_exchange

RULES = compile_launch_rules(LaunchSpec("http://10.0.3.7:9000"))
SENT = (
    ("host", "shop.example"),
    ("connection", "keep-alive"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("user-agent", "curl"),
    ("sentry-trace", "0af7-b7ad-1"),
    ("authorization", REDACTED),
)
PRIMARY = {
    "Host": "shop.example",
    "Connection": "keep-alive",
    "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "User-Agent": "curl",
    "Authorization": "Bearer abc",
}
SHADOW = {
    "Host": "10.0.3.7:9000",
    "User-Agent": "curl",
    "X-Darklaunch-Launch": "x",
    "X-Darklaunch-Exchange": "abcd1234:7",
    "Traceparent": "00-11111111111111111111111111111111-2222222222222222-01",
}


def assess(primary: Any, shadow: Any, *, method: str = "GET") -> tuple[str, set[tuple[str, str]], list[str]]:
    request = Request(method, "/echo", "http://shop.example", SENT, b"")
    captured = Exchange(
        "abcd1234:7", "x", NOW_MS, "GET /echo", request, Response(200, JSON, orjson.dumps(primary), 5.0)
    )
    answer = ShadowResponse(Response(200, JSON, orjson.dumps(shadow), 5.0), LatencySource.CLIENT, 1, NOW_MS + 50)
    result = assess_entry("x", pack_replay(pack_exchange(captured), answer), RULES)
    parts = [part["path"] for problem in result.problems for part in orjson.loads(problem.parts)]
    return result.outcome, {(path, reason) for path, reason, _ in result.excuses}, parts


def test_an_app_that_echoes_its_request_matches() -> None:
    outcome, excuses, _ = assess({"headers": PRIMARY}, {"headers": SHADOW})
    assert outcome == "matched"
    assert excuses == {
        (f"$.headers{step}", "own_origin" if step == ".Host" else "own_field")
        for step in (
            ".Host",
            ".Connection",
            ".Traceparent",
            ".Authorization",
            "['X-Darklaunch-Launch']",
            "['X-Darklaunch-Exchange']",
        )
    }


def test_a_stream_of_documents_under_the_type_of_one_is_compared_line_by_line() -> None:
    """httpbin's /stream/3: three lines of JSON as application/json, each with the request's headers."""

    def stream(headers: dict[str, str], last: int) -> list[bytes]:
        return [orjson.dumps({"id": number, "headers": headers}) for number in (0, 1, last)]

    def judge(primary: list[bytes], shadow: list[bytes]) -> tuple[str, list[str]]:
        outcome, _, parts = assess(orjson.Fragment(b"\n".join(primary)), orjson.Fragment(b"\n".join(shadow)))
        return outcome, parts

    assert judge(stream(PRIMARY, 2), stream(SHADOW, 2)) == ("matched", [])
    assert judge(stream(PRIMARY, 2), stream(SHADOW, 5))[0] == "mismatched"
    assert judge([b"{not", b"JSON}"], [b"{not", b"json}"])[0] == "mismatched"


def test_other_spellings_and_lists_of_values_are_the_same_fields() -> None:
    primary = {"HTTP_HOST": ["shop.example"], "x": 1}
    shadow = {"HTTP_HOST": ["10.0.3.7:9000"], "HTTP_X_DARKLAUNCH_LAUNCH": "x", "x": 1}
    assert assess(primary, shadow)[0] == "matched"


def test_an_app_that_repeats_the_users_trace_matches() -> None:
    assert assess({"sentry_trace": "0af7-b7ad-1"}, {"x": 1} | {"sentry_trace": None})[2] == ["$.x"]
    assert assess({"sentry-trace": "0af7-b7ad-1"}, {})[0] == "matched"
    assert assess({"baggage": None}, {})[0] == "mismatched"


def test_a_write_gets_a_key_of_ours() -> None:
    key = make_idempotency_key("x", "abcd1234:7")
    assert assess({"a": 1}, {"a": 1, "idempotency-key": key}, method="POST")[0] == "matched"
    assert assess({"a": 1}, {"a": 1, "idempotency-key": key}, method="GET")[2] == ["$['idempotency-key']"]


@pytest.mark.parametrize(
    ("name", "primary", "shadow"),
    [
        ("Host", "shop.example", "elsewhere.example"),
        ("Host", "wrong.example", "10.0.3.7:9000"),
        ("Host", "shop.example", None),
        ("X-Darklaunch-Launch", None, "another"),
        ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "none"),
        ("User-Agent", "curl", "wget"),
        ("Authorization", "Bearer abc", "Bearer abd"),
        ("Cookie", "a=b", None),
    ],
)
def test_what_was_not_sent_so_is_a_difference(name: str, primary: str | None, shadow: str | None) -> None:
    sides = [{"a": 1} if value is None else {"a": 1, name: value} for value in (primary, shadow)]
    assert assess(*sides)[0] == "mismatched"
