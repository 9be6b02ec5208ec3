"""What a captured request looks like when it is replayed."""

import re

import pytest
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.wire.exchange import Request
from darklaunch_workers.http import UnsendableRequest, replay_request
from darklaunch_workers.http.request import check_sendable
from hypothesis import given
from hypothesis import strategies as st

SHADOW = Origin("http", "10.0.3.7", 8000)
ENTROPY = bytes(range(1, 25))


def replay(*headers, method="GET", target="/", body=b"", origin="https://shop.test", exchange_id="p:1", **given):
    given = {"launch": "checkout", "shadow": SHADOW, "entropy": ENTROPY, **given}
    request = replay_request(Request(method, target, origin, headers, body), exchange_id=exchange_id, **given)
    check_sendable(request)  # as every client does before it sends
    return request


def fields(request, *names):
    return [(name.decode(), value.decode("latin-1")) for name, value in request.headers if name.decode() in names]


def test_the_whole_request():
    request = replay(
        ("host", "shop.test"),
        ("accept", "application/json"),
        ("cookie", "a=1"),
        ("x-b", "1"),
        ("x-b", "2"),
        ("accept-encoding", "gzip"),
        target="/a/../%2F?x=é",
    )
    assert (request.method, request.target, request.body) == ("GET", b"/a/../%2F?x=\xe9", b"")
    assert request.headers == (
        (b"host", b"10.0.3.7:8000"),
        (b"accept", b"application/json"),
        (b"cookie", b"a=1"),
        (b"x-b", b"1"),
        (b"x-b", b"2"),
        (b"accept-encoding", b"gzip"),
        (b"x-darklaunch-launch", b"checkout"),
        (b"x-darklaunch-exchange", b"p:1"),
        (b"traceparent", b"00-0102030405060708090a0b0c0d0e0f10-1112131415161718-00"),
    )


@pytest.mark.parametrize(
    "name",
    [
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
        *("content-length", "expect", "proxy-connection", "proxy-authorization", "Proxy-Whatever"),
        *("tracestate", "b3", "X-B3-TraceId", "x-darklaunch-launch", "Transfer-Encoding"),
    ],
)
def test_what_belongs_to_the_primarys_connection_is_stripped(name):
    assert replay((name, "stripped-value"), ("x-kept", "1")).headers == replay(("x-kept", "1")).headers


@pytest.mark.parametrize(
    "name",
    [
        *(
            "baggage",
            "sentry-trace",
            "x-datadog-trace-id",
            "x-datadog-sampling-priority",
            "uber-trace-id",
            "uberctx-user",
        ),
        *("X-Cloud-Trace-Context", "x-amzn-trace-id", "newrelic", "elastic-apm-traceparent", "x-ot-span-context"),
        *("ot-tracer-traceid", "x-instana-t", "x-dynatrace", "sw8", "grpc-trace-bin", "jaeger-debug-id", "traceparent"),
    ],
)
def test_the_users_trace_does_not_go_on_in_the_shadow(name):
    assert replay((name, "the-users"), ("x-kept", "1")).headers == replay(("x-kept", "1")).headers


def test_request_ids_reach_the_shadow():
    request = replay(("x-request-id", "1"), ("x-correlation-id", "2"))
    assert fields(request, "x-request-id", "x-correlation-id") == [("x-request-id", "1"), ("x-correlation-id", "2")]


def test_what_connection_lists_is_stripped():
    request = replay(
        ("connection", "close, X-Hop"), ("x-hop", "1"), ("connection", "other"), ("other", "2"), ("x", "3")
    )
    assert fields(request, "x-hop", "other", "x", "connection") == [("x", "3")]


def test_similar_names_are_kept():
    request = replay(("upgrade-insecure-requests", "1"), ("content-type", "a/b"), ("via", "1.1 x"))
    assert len(fields(request, "upgrade-insecure-requests", "content-type", "via")) == 3


@pytest.mark.parametrize(
    ("headers", "origin", "expected"),
    [
        ((("host", "shop.test:81"),), "https://ignored.test", "shop.test:81"),
        ((), "https://shop.test:8443", "shop.test:8443"),
    ],
)
def test_the_primarys_host_can_be_preserved(headers, origin, expected):
    assert fields(replay(*headers, origin=origin, host="preserve"), "host") == [("host", expected)]


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("GET", b"", []),
        ("DELETE", b"", []),
        ("GET", b"12", ["2"]),
        ("POST", b"", ["0"]),
        ("PATCH", b"123", ["3"]),
    ],
)
def test_content_length_is_counted_anew(method, body, expected):
    request = replay(("content-length", "77"), method=method, body=body)
    assert [value for _, value in fields(request, "content-length")] == expected


def test_idempotency_keys_are_for_writes_and_stable():
    assert not fields(replay(), "idempotency-key")
    assert not fields(replay(method="OPTIONS"), "idempotency-key")
    one, again, other = (replay(method="POST", exchange_id=id) for id in ("p:1", "p:1", "p:2"))
    assert fields(one, "idempotency-key") == fields(again, "idempotency-key")
    assert fields(one, "idempotency-key") != fields(other, "idempotency-key")
    assert fields(one, "idempotency-key") != fields(replay(method="POST", launch="x"), "idempotency-key")


def test_writes_are_marked_as_dry_runs_whatever_the_client_sent():
    assert not fields(replay(("x-darklaunch-dry-run", "0")), "x-darklaunch-dry-run")
    request = replay(("X-Darklaunch-Dry-Run", "0"), method="POST")
    assert fields(request, "x-darklaunch-dry-run") == [("x-darklaunch-dry-run", "1")]


def test_the_clients_own_idempotency_key_is_kept():
    request = replay(("idempotency-key", "mine"), method="POST")
    assert fields(request, "idempotency-key") == [("idempotency-key", "mine")]


@pytest.mark.parametrize(
    ("captured", "flags"),
    [
        ("00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01", b"01"),
        ("00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-02", b"00"),
        ("cc-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-03-more", b"01"),
        ("nonsense", b"00"),
    ],
)
def test_the_trace_is_fresh_and_sampled_as_the_primarys_was(captured, flags):
    traces = [value for name, value in replay(("traceparent", captured)).headers if name == b"traceparent"]
    assert traces == [b"00-0102030405060708090a0b0c0d0e0f10-1112131415161718-" + flags]


@pytest.mark.parametrize(
    "bad",
    [
        {"target": "/a b"},
        {"target": "/\u2603"},
        {"target": ""},
        {"method": "GE T"},
        {"method": "CONNECT"},
        {"launch": "a\r\nb"},
    ],
)
def test_what_cannot_be_sent_is_bad_input(bad):
    with pytest.raises(UnsendableRequest):
        replay(**bad)


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "@evil.example/", "evil.example:80", "*", "a"])
def test_a_target_of_another_origin_is_bad_input(target):
    with pytest.raises(UnsendableRequest, match="does not begin with a slash"):
        replay(target=target)


@pytest.mark.parametrize(
    "header",
    [
        *(("x", value) for value in ("a\r\nb: c", "a\rb", "a\nb", "a\0b", "\u2603")),
        *(("x y", "z"), ("x:y", "z"), ("", "z"), ("host", "a\nb")),
    ],
)
def test_headers_that_cannot_be_sent_are_bad_input(header):
    with pytest.raises(UnsendableRequest):
        replay(header, host="preserve")


text = st.text(st.characters(max_codepoint=0x2FF), max_size=20)


@given(
    st.lists(st.tuples(text, text), max_size=5),
    st.sampled_from(["GET", "POST", "DELETE"]) | text,
    st.text(st.characters(max_codepoint=0xFF), max_size=20).map(lambda path: "/" + path) | text,
    st.binary(max_size=20),
)
def test_anything_captured_becomes_one_request_or_bad_input(headers, method, target, body):
    try:
        request = replay(*headers, method=method, target=target, body=body)
    except UnsendableRequest:
        return
    assert re.fullmatch(rb"[^\x00-\x20\x7f]+", request.target)
    assert request.target == target.encode("latin-1")
    assert [name for name, _ in request.headers].count(b"host") == 1
    for name, value in request.headers:
        assert name and not re.search(rb"[\x00-\x20:\x7f]", name)
        assert not re.search(rb"[\r\n\0]", value)
