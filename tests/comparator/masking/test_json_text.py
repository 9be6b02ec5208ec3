"""Secrets in JSON are masked and every other byte stays."""

from __future__ import annotations

import json

import orjson
from darklaunch_comparator.masking import MASKED

from tests.support.masking import mask_body


def test_secrets_go_at_any_depth_and_everything_else_stays_byte_for_byte() -> None:
    came = (
        b'{"id": 1.50,  "user" : {"name":"Ada", "password":"hunter2", "n": 1e2, "a": 1, "a": 2,\n'
        b'"cards":[{"card_number": 4111111111111111, "cvv":"007"}], "credentials": {"key": "k", "deep": ["x", 7]}},'
        b'"token": null, "secret": true, "pin": ""}'
    )
    out = mask_body(came)
    for secret in (b"hunter2", b"4111111111111111", b"007", b'"k"', b'"x"', b", 7]"):
        assert secret not in out
    kept = (
        b'{"id": 1.50,  "user" : {"name":"Ada"',
        b'"n": 1e2, "a": 1, "a": 2,\n',
        b'"token": null, "secret": true, "pin": ""}',
    )
    for part in kept:
        assert part in out
    told = json.loads(out)["user"]
    assert MASKED.fullmatch(told["password"])
    assert told["cards"][0]["card_number"].startswith("[masked:number:")
    assert mask_body(b'{"a": 1}') == b'{"a": 1}'


def test_a_url_or_json_inside_a_json_string_is_masked() -> None:
    inner = json.dumps({"password": "hunter2"})
    out = mask_body(orjson.dumps({"next": "https://x/?page=1&token=hunter2", "log": inner, "note": "a: b"}))
    assert b"hunter2" not in out
    assert json.loads(out)["note"] == "a: b"
