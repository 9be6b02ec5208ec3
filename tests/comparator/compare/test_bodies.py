"""Bodies that are not JSON, of any size."""

from darklaunch_comparator.compare import ComparisonOutcome

from tests.support.comparisons import compare_bodies


def test_a_form_of_too_many_fields_is_unverified() -> None:
    form = "application/x-www-form-urlencoded"
    assert compare_bodies("a=1&" * 20_000, "b=1&" * 20_000, content_type=form).outcome is ComparisonOutcome.UNVERIFIED
