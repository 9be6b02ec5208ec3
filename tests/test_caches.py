"""What strangers send is remembered in part at most: some hundred texts must not become some hundred megabytes."""

import tracemalloc
from collections.abc import Callable

import pytest
from darklaunch.capture.redaction import HeaderRedaction, RedactedNames
from darklaunch.capture.request_target import build_origin
from darklaunch.capture.skip_reasons import find_response_skip
from darklaunch_comparator.content import parse_media_type
from darklaunch_comparator.credentials.names import is_credential
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.wire.credential_headers import is_credential_header
from darklaunch_shared.wire.exchange import Request
from darklaunch_workers.http.request import replay_request

REDACTION = HeaderRedaction(RedactedNames())


def send(name: str) -> None:
    request = Request("GET", "/", "http://shop.example", ((name, ""),), b"")
    replay_request(request, launch="l", exchange_id="p:1", shadow=Origin("http", "::1", 80), entropy=bytes(24))


@pytest.mark.parametrize(
    "take",
    [
        lambda text: build_origin("http", "shop", 80, text),
        lambda text: find_response_skip(200, text, ()),
        lambda text: REDACTION.redact_request(((text, ""),)),
        parse_media_type,
        is_credential,
        is_credential_header,
        send,
    ],
    ids=[
        "a host",
        "a content type, by the hook",
        "a header name, by the hook",
        "a content type, by the comparator",
        "a key",
        "a credential's name",
        "a header name",
    ],
)
def test_long_texts_are_not_remembered(take: Callable[[str], object]):
    take("x" * 50_000)
    tracemalloc.start()
    try:
        for number in range(20):
            take(f"{number}{'x' * 50_000}{number}")
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 200_000
