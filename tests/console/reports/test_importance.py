"""What is listed first: graver, more frequent, fresher, and not what differs by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from darklaunch_comparator.compare import DifferenceKind
from darklaunch_console.reports.importance import SEVERITY, compute_importance
from darklaunch_shared.wire.replay import ShadowErrorClass

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def weigh(*kinds: str, share: float = 1.0, days_ago: float = 0.0, noise: float = 0.0) -> float:
    parts = [{"path": f"$.{kind}", "kind": kind} for kind in kinds]
    noisy = {("GET /", f"$.{kind}"): noise for kind in kinds}
    last_seen = NOW - timedelta(days=days_ago)
    return compute_importance("GET /", parts, share=share, last_seen=last_seen, until=NOW, noise=noisy)


def test_every_kind_and_every_class_of_shadow_error_has_a_severity() -> None:
    assert set(SEVERITY) == {*DifferenceKind, *ShadowErrorClass, "slow"}


def test_kinds_go_from_status_over_missing_and_value_to_order() -> None:
    weights = [weigh(kind) for kind in ("status", "missing", "value", "text", "extra", "order")]
    assert weights == [32, 16, 8, 4, 2, 1]
    assert weigh("timeout") == weigh("status")
    assert weigh("order", "missing", "extra") == weigh("missing"), "the gravest part counts"


def test_a_graver_class_outweighs_four_times_the_share_and_no_more() -> None:
    assert weigh("missing", share=0.25) == pytest.approx(weigh("value", share=1.0))
    assert weigh("missing", share=0.20) < weigh("value", share=1.0) < weigh("missing", share=0.30)


def test_importance_halves_with_every_day_of_silence() -> None:
    assert weigh("value", days_ago=2) == pytest.approx(weigh("value") / 4)
    assert weigh("value", days_ago=-1) == weigh("value"), "clocks that disagree add nothing"


def test_what_also_differs_within_one_version_weighs_less_and_never_nothing() -> None:
    assert weigh("value", noise=0.75) == pytest.approx(weigh("value") / 4)
    assert weigh("value", noise=1.0) == pytest.approx(weigh("value") / 20)

    def weigh_id_and_price(endpoint: str) -> float:
        parts = [{"path": "$.id", "kind": "missing"}, {"path": "$.price", "kind": "value"}]
        noise = {("GET /", "$.id"): 1.0}
        return compute_importance(endpoint, parts, share=1.0, last_seen=NOW, until=NOW, noise=noise)

    assert weigh_id_and_price("GET /") == weigh("value")
    assert weigh_id_and_price("GET /x") == weigh("missing")


def test_a_signature_without_parts_is_weighed_as_a_value() -> None:
    assert weigh() == weigh("value")
