"""Places that an operator names are masked."""

from __future__ import annotations

import json

import orjson
import pytest
from darklaunch_comparator.masking import MASKED, BadMaskPlace, ExchangeMasker, MaskPlaces
from darklaunch_shared.wire.exchange import Headers

from tests.support.masking import build_entry, mask_body, mask_entry


def test_places_of_the_operator_are_masked_too() -> None:
    places = MaskPlaces.parse(["$.user.email", "$.items[*].sku", "$..phone", "header:x-tenant", "query:who"])
    masker = ExchangeMasker(b"s", places)
    came = orjson.dumps(
        {"user": {"email": {"home": "a@b"}, "name": "Ada"}, "items": [{"sku": 7, "n": 1}], "x": [{"phone": "555"}]}
    )
    out = json.loads(mask_body(came, masker=masker))
    assert MASKED.fullmatch(out["user"]["email"]["home"]) and out["user"]["name"] == "Ada"
    assert MASKED.fullmatch(out["items"][0]["sku"]) and out["items"][0]["n"] == 1
    assert MASKED.fullmatch(out["x"][0]["phone"])
    replay = mask_entry(build_entry(target="/?who=me&what=x", request_headers=(("x-tenant", "acme"),)), masker)
    assert "me&" not in replay.exchange.request.target and "what=x" in replay.exchange.request.target
    assert "acme" not in repr(replay.exchange.request.headers)
    lines: Headers = (("content-type", "application/x-ndjson"),)
    assert b"555" not in mask_body(b'{"phone": "555"}\n{"phone": "555"}\n', lines, masker)
    with pytest.raises(BadMaskPlace, match="query:name"):
        MaskPlaces.parse(["email"])
