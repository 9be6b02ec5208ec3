"""What is made of exchanges before they are recorded: which are slow, and which a signature is shown with."""

import pytest
from darklaunch_comparator.results.aggregate import aggregate_results
from darklaunch_shared.wire.replay import ShadowErrorClass

from tests.support.exchanges import exchange, finding, replayed, some_findings, unanswered


@pytest.mark.parametrize(
    ("primary_ms", "shadow_ms", "slow"),
    [(5.0, 2_004.0, False), (5.0, 2_006.0, True), (3_000.0, 4_000.0, False), (3_000.0, 5_001.0, True)],
)
def test_slow_is_slower_than_the_primary_by_too_much(primary_ms: float, shadow_ms: float, slow: bool) -> None:
    found = finding(replayed(exchange("shop", 1, latency_ms=primary_ms), latency_ms=shadow_ms), "shop")
    assert (found.outcome, found.slow) == ("matched", slow)
    assert [evidence.problem for evidence in found.problems] == (["slow"] if slow else [])


@pytest.mark.parametrize(
    ("error", "waited_ms", "slow"),
    [
        (ShadowErrorClass.TIMEOUT, 7_000.0, True),
        (ShadowErrorClass.TIMEOUT, 1_000.0, False),
        (ShadowErrorClass.REFUSED, 7_000.0, False),
    ],
)
def test_of_what_was_not_answered_only_a_timeout_is_slow(error: ShadowErrorClass, waited_ms: float, slow: bool) -> None:
    found = finding(unanswered(exchange("shop", 1), error, waited_ms=waited_ms), "shop")
    assert (found.outcome, found.slow) == ("shadow_error", slow)


def test_a_signature_has_its_first_and_latest_exchange_in_whatever_order_they_come() -> None:
    findings = some_findings("shop", 80)
    one, other = aggregate_results(findings).signatures, aggregate_results(reversed(findings)).signatures
    assert one.keys() == other.keys() and max(group.count for group in one.values()) > 5
    for fingerprint, group in one.items():
        assert (group.first, group.latest) == (other[fingerprint].first, other[fingerprint].latest)
        assert group.first.result.captured_at_ms <= group.latest.result.captured_at_ms
