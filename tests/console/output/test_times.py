"""Times as people read them: today's without a date."""

from datetime import UTC, datetime, timedelta

from darklaunch_console.output.times import format_minute, format_second

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def test_a_time_of_another_day_has_its_date() -> None:
    assert len(format_minute(datetime.now(UTC))) == 5
    assert len(format_minute(AT - timedelta(days=400))) == len("2025-03-27 12:00")


def test_seconds_follow_the_minute() -> None:
    assert format_second(AT) == f"{format_minute(AT)}:00"
