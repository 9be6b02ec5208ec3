"""A shadow that does not know the user, because the hook took the credentials out, shows nothing about its code."""

from dataclasses import replace

import pytest
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.results.aggregate import aggregate_results, bucket_start_ms, shorten_reason
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse, pack_replay

from tests.support.exchanges import RULES, exchange
from tests.support.pack_exchange import pack_exchange


def assess(
    status: int,
    *,
    location: str = "",
    redacted: tuple[str, ...] = ("authorization",),
    primary_status: int = 200,
    took_ms: float = 1.0,
) -> ExchangeResult:
    captured = replace(exchange("x", 1), redacted=redacted)
    captured = replace(captured, primary=replace(captured.primary, status=primary_status))
    headers = (("location", location),) if location else ()
    response = Response(status, headers, b"who is there?", took_ms)
    shadow = ShadowResponse(response, LatencySource.SERVER_TIMING, 1, captured.captured_at_ms + 50, "")
    return assess_entry("x", pack_replay(pack_exchange(captured), shadow), RULES)


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (401, ""),
        (403, ""),
        (302, "/login?next=/orders/1"),
        (303, "https://shop.example/accounts/sign-in/"),
        (307, "https://id.example/oauth2/authorize?client_id=7"),
    ],
)
def test_a_refusal_of_a_request_without_its_credentials_is_unverified(status: int, location: str) -> None:
    result = assess(status, location=location)

    assert (result.outcome, result.reason, result.problems) == ("unverified", "credentials", ())
    assert shorten_reason(result.outcome, result.reason) == "credentials"


def test_how_long_a_refusal_takes_is_no_latency_of_the_shadow() -> None:
    refused = assess(401, took_ms=5_000.0)
    assert (refused.clock, refused.shadow_ms, refused.latency_source, refused.slow) == (None, None, None, False)
    assert not aggregate_results([refused]).buckets[refused.endpoint, bucket_start_ms(refused.captured_at_ms)].shadow

    compared = assess(404, took_ms=5_000.0)
    assert (compared.clock, compared.shadow_ms, compared.slow) == ("hook", 5_000.0, True)


@pytest.mark.parametrize(
    ("status", "location", "redacted", "primary_status"),
    [
        (401, "", (), 200),  # the user was nobody: the shadow should have served the request
        (404, "", ("cookie",), 200),
        (500, "", ("cookie",), 200),
        (302, "/orders/2", ("cookie",), 200),
        (302, "/catalogue/blogging", ("cookie",), 200),
        (401, "", ("cookie",), 500),
    ],
)
def test_anything_else_stays_a_mismatch(
    status: int, location: str, redacted: tuple[str, ...], primary_status: int
) -> None:
    result = assess(status, location=location, redacted=redacted, primary_status=primary_status)

    assert result.outcome == "mismatched"


def test_a_redirect_to_a_login_on_both_sides_is_compared() -> None:
    captured = replace(exchange("x", 1), redacted=("cookie",))
    captured = replace(captured, primary=Response(302, (("location", "/login"),), b"", 1.0))
    response = Response(302, (("location", "/auth/start"),), b"", 1.0)
    shadow = ShadowResponse(response, LatencySource.CLIENT, 1, captured.captured_at_ms + 50, "")

    assert assess_entry("x", pack_replay(pack_exchange(captured), shadow), RULES).outcome == "mismatched"
