"""Sampling keys: the console and the hook read them alike."""

from __future__ import annotations

import pytest
from darklaunch.capture.launch_snapshot import build_snapshot
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.specification import check_sticky
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.launch.sticky import StickyKey, parse_sticky

NO_KEYS = [
    "header", "header:", "header:a b", "header: x", "Header:x", "cookie:", "cookie: ", "cookie:my session",
    "cookie: sid", "cookie:a=b", 'cookie:"sid"', "cookie:a\tb", "client:", "client:x", "clients", "user", "query:x",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", None),
        ("client", StickyKey("client")),
        ("header:X-User", StickyKey("header", "x-user")),
        ("cookie:SID", StickyKey("cookie", "SID")),
        ("cookie:cart[id]", StickyKey("cookie", "cart[id]")),
    ],
)
def test_a_key_is_a_header_a_cookie_or_the_client(text: str, key: StickyKey | None) -> None:
    assert parse_sticky(text) == key
    assert parse_sticky(str(key or "")) == key


@pytest.mark.parametrize("text", NO_KEYS)
def test_anything_else_names_no_key(text: str) -> None:
    with pytest.raises(BadLaunch, match="names no sampling key: write header:NAME, cookie:NAME or client"):
        parse_sticky(text)


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_start_refuses_the_hook_refuses_too(text: str) -> None:
    with pytest.raises(BadUsage):
        check_sticky(text)
    spec = LaunchSpec("http://shadow.invalid", sticky=text)
    snapshot, unusable = build_snapshot({"one": LaunchState("one", LaunchStatus.ACTIVE, 100.0, False, 1, spec)})
    assert snapshot.sampling_launches == ()
    assert list(unusable) == ["one"]
