"""Header fields in which a trace travels, of every tracing system in wide use.

A replay must not go on with the trace of the user's request: the shadow's spans would appear in it, and its sampling
would be decided twice. Workers remove these fields and write a `traceparent` of their own. Request ids (X-Request-ID,
X-Correlation-ID) are not among them: apps repeat them in responses and logs, which then agree.
"""

from typing import Final

TRACE_HEADERS: Final = frozenset(
    """
    traceparent tracestate baggage correlation-context grpc-trace-bin
    b3 uber-trace-id jaeger-debug-id jaeger-baggage
    sentry-trace x-cloud-trace-context x-amzn-trace-id newrelic elastic-apm-traceparent x-dynatrace
    sw8 sw8-x sw8-correlation singularityheader request-context x-client-trace-id x-honeycomb-trace
    """.split()  # noqa: SIM905 - as in credential_headers
)
"""Names of trace fields, lower case."""

TRACE_PREFIXES: Final = (
    "x-b3-", "uberctx-", "x-datadog-", "x-newrelic-", "x-ot-span-", "ot-", "x-instana-", "pinpoint-",
)  # fmt: skip
"""Beginnings of such names, lower case."""


def is_trace_header(name: str) -> bool:
    """True if a field of this lower-case name carries a trace."""
    return name in TRACE_HEADERS or name.startswith(TRACE_PREFIXES)
