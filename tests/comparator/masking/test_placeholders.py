"""Placeholders are salted, and keep what a comparison makes of a value."""

from __future__ import annotations

import orjson
from darklaunch_comparator.compare import NO_RULES, ComparedResponse, ComparisonOutcome, compare
from darklaunch_comparator.masking import ExchangeMasker
from darklaunch_shared.wire.replay import (
    Replay,
    ShadowResponse,
)

from tests.support.masking import AT_MS, build_entry, mask_body, mask_entry


def outcome(replay: Replay) -> ComparisonOutcome:
    assert isinstance(replay.shadow, ShadowResponse)
    left = ComparedResponse(replay.exchange.primary, "http://shop", AT_MS)
    return compare("POST", left, ComparedResponse(replay.shadow.response, "http://shadow", AT_MS), NO_RULES).outcome


def test_made_up_identifiers_are_excused_before_masking_and_after() -> None:
    one, other = "0b9c6f1e-5b0a-4f6e-9a55-2f1f3c1d7a10", "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    excused = build_entry(orjson.dumps({"access_token": f"s.{one}"}), orjson.dumps({"access_token": f"s.{other}"}))
    assert outcome(mask_entry(excused)) is ComparisonOutcome.MATCHED
    shaped_otherwise = build_entry(orjson.dumps({"access_token": one}), orjson.dumps({"access_token": "a" + other}))
    assert outcome(mask_entry(shaped_otherwise)) is ComparisonOutcome.MISMATCHED


def test_another_salt_gives_other_tokens() -> None:
    came = b'{"password": "hunter2"}'
    assert mask_body(came) == mask_body(came) != mask_body(came, masker=ExchangeMasker(b"other"))
