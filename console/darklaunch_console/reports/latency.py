"""Latencies of both sides, endpoint by endpoint: paired, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.store import report_queries

from darklaunch_console.output.numbers import format_count, format_share, format_signed

ALL_ENDPOINTS: Final = "all endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow:
    """One endpoint's latency, in ms, over the `pairs` that both sides responded to.

    `difference` is shadow less primary, request by request; `slow_share` of them exceeded the launch's limit.
    """

    endpoint: str
    pairs: int
    primary: report_queries.EndpointLatency
    shadow: report_queries.EndpointLatency
    difference: report_queries.EndpointLatency
    slow_share: float


def pair_latencies(rows: Iterable[report_queries.EndpointLatency]) -> list[LatencyRow]:
    """Return one row an endpoint, those with the most slow requests first and all endpoints together last."""
    by_endpoint: dict[str, dict[str, report_queries.EndpointLatency]] = {}
    for row in rows:
        by_endpoint.setdefault(row.endpoint or ALL_ENDPOINTS, {})[row.side] = row
    paired = [
        LatencyRow(
            endpoint=endpoint,
            pairs=sides["primary"].pairs,
            primary=sides["primary"],
            shadow=sides["shadow"],
            difference=sides["difference"],
            slow_share=sides["difference"].slow_share,
        )
        for endpoint, sides in by_endpoint.items()
        if {"primary", "shadow", "difference"} <= sides.keys()
    ]
    return sorted(paired, key=lambda row: (row.endpoint == ALL_ENDPOINTS, -row.slow_share, row.endpoint))


def render_latency_cells(row: LatencyRow) -> tuple[str, ...]:
    """Return p50, p95 and p99 of the primary and of the shadow, p50 and p95 of the difference, and the slow share."""
    sides = [format_latency_ms(ms) for side in (row.primary, row.shadow) for ms in (side.p50, side.p95, side.p99)]
    difference = [format_signed(ms, 1 if abs(ms) < 10 else 0) for ms in (row.difference.p50, row.difference.p95)]
    return (*sides, *difference, format_share(row.slow_share))


def format_latency_ms(ms: float) -> str:
    """Return a latency without its unit: one decimal below 10 ms, whole above."""
    return f"{ms:.1f}".replace("-", "−") if abs(ms) < 10 else format_count(ms)


def latencies_to_json(rows: Iterable[LatencyRow]) -> list[dict[str, Any]]:
    """Return rows as JSON values, in ms; shares are fractions."""
    return [
        {
            "endpoint": row.endpoint,
            "pairs": row.pairs,
            "slow_share": row.slow_share,
            **{
                side: {"p50": quantiles.p50, "p95": quantiles.p95, "p99": quantiles.p99}
                for side, quantiles in (
                    ("primary", row.primary),
                    ("shadow", row.shadow),
                    ("difference", row.difference),
                )
            },
        }
        for row in rows
    ]
