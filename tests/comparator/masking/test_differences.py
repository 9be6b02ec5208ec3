"""Differences show of a masked value what its body shows."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from darklaunch_comparator.masking import ExchangeMasker, MaskPlaces

from tests.support.masking import MASKER, mask_body


def differences(*told: tuple[str, str, str | None, str | None], masker: ExchangeMasker = MASKER) -> list[Any]:
    found = [{"path": path, "kind": kind, "primary": one, "shadow": other} for path, kind, one, other in told]
    return [
        (one["primary"], one["shadow"]) for one in orjson.loads(masker.mask_differences(orjson.dumps(found).decode()))
    ]


def test_differences_show_the_tokens_that_the_bodies_show() -> None:
    out = json.loads(mask_body(b'{"password": "hunter2", "pin": 1234}'))
    ((one, other), (pin, nothing)) = differences(
        ("$.user.password", "value", '"hunter2"', '"other"'), ("$.pin", "missing", "1234", None)
    )
    assert (one, pin, nothing) == (f'"{out["password"]}"', f'"{out["pin"]}"', None)
    assert other != one and "other" not in other


@pytest.mark.parametrize(
    ("path", "kind", "shown"),
    [
        ("$.user", "missing", '{"name": "Ada", "password": "hunter2"}'),
        ("$.user", "missing", '{"name": "Ada", "password": "hunter2…'),
        ("$.users", "size", '3 elements, only here: {"password": "hunter2"}'),
        ("$", "text", 'line 3: "x password=hunter2 y"'),
        ("$", "type", 'not JSON: {"password": "hunter2'),
        ("$.url", "value", '"https://x/?token=hunter2"'),
        ("$.url", "value", '…"Rhunter2aaaaaaaaaaaaaaaaaaa&x=1"'),
        ("$.user['pass…#12ab", "value", '"hunter2"'),
        ("header:location", "header", "/cb?token=hunter2"),
        ("header:x-api-key", "header", "hunter2"),
        ("shadow", "timeout", "GET http://x/?token=hunter2 timed out"),
    ],
)
def test_secrets_in_differences_are_masked(path: str, kind: str, shown: str) -> None:
    ((one, other),) = differences((path, kind, shown, shown))
    assert "hunter2" not in one and one == other and "[masked:" in one


def test_differences_that_hold_no_secret_stay() -> None:
    told = [
        ("$.total", "value", "1", '"two: 3"'),
        ("status", "status", "200", "500"),
        ("latency", "slow", "1 ms", "3 s"),
    ]
    assert differences(*told) == [(one, other) for _, _, one, other in told]


def test_what_lies_below_a_difference_is_masked_where_the_operator_wants_it() -> None:
    masker = ExchangeMasker(b"s", MaskPlaces.parse(["$.user.email", "$.user.*.phone"]))
    shown = differences(
        ("$.user", "missing", '{"email": "a@b"}', None), ("$.user.email", "value", '"a@b"', "null"),
        ("$.user", "type", '{"x": {"phone": 5}}', '"none"'), ("$.other", "value", '"a@b"', "1"), masker=masker,
    )  # fmt: skip
    assert "a@b" not in repr(shown[:2]) and "phone" not in repr(shown[2])
    assert shown[1][1] == "null" and shown[2][1] == '"none"' and shown[3] == ('"a@b"', "1")
