"""Which header fields carry a trace, whoever traces."""

import pytest
from darklaunch_shared.wire.trace_headers import TRACE_HEADERS, TRACE_PREFIXES, is_trace_header


@pytest.mark.parametrize("name", ["traceparent", "b3", "x-b3-traceid", "x-datadog-parent-id", "uberctx-user", "sw8"])
def test_a_field_of_any_tracing_system_is_known(name: str) -> None:
    assert is_trace_header(name)


@pytest.mark.parametrize("name", ["x-request-id", "x-correlation-id", "host", "x-b3", "traceparents", ""])
def test_request_ids_and_other_fields_stay(name: str) -> None:
    assert not is_trace_header(name)


def test_names_are_spelled_as_they_are_looked_up() -> None:
    assert all(name == name.lower() for name in (*TRACE_HEADERS, *TRACE_PREFIXES))
