"""Header fields that workers, hooks and webhooks exchange: what one side writes, the other reads."""

import pytest
from darklaunch_shared.wire.http_headers import (
    TOKEN,
    TOKEN_CHARACTERS,
    format_server_timing,
    has_server_timing,
    parse_build,
    parse_duration_ms,
)


@pytest.mark.parametrize(("duration_ms", "build"), [(0.0, ""), (12.3456, "v2"), (98_765.4, "v2.1 beta+7")])
def test_what_the_hook_writes_the_worker_reads(duration_ms: float, build: str) -> None:
    value = format_server_timing(duration_ms, build)
    assert parse_duration_ms(value) == round(duration_ms, 3)
    assert parse_build(value) == build
    assert has_server_timing(value)


def test_the_metrics_of_others_stand_beside_ours() -> None:
    value = 'db;dur=53, darklaunch;dur=7.5, app;desc="x", darklaunch-build;desc=v3'
    assert (parse_duration_ms(value), parse_build(value)) == (7.5, "v3")


@pytest.mark.parametrize("value", ["", "db;dur=53", "notdarklaunch;dur=1", "darklaunch-build", "darklaunchx;dur=4"])
def test_other_metrics_are_not_taken_for_ours(value: str) -> None:
    assert parse_duration_ms(value) is None
    assert parse_build(value) == ""
    assert not has_server_timing(value)


@pytest.mark.parametrize("value", ["darklaunch;dur=", "darklaunch;dur=-1", "darklaunch;dur=x"])
def test_a_damaged_time_is_no_time(value: str) -> None:
    assert parse_duration_ms(value) is None


def test_a_token_is_what_rfc_9110_allows_in_a_field_name() -> None:
    assert TOKEN.fullmatch("x-Request_ID!#$%&'*+.^`|~0")
    for delimiter in '"(),/:;<=>?@[\\]{} \t\n\x7fé':
        assert not TOKEN.fullmatch(f"x{delimiter}")
    assert len(TOKEN_CHARACTERS) == 77
