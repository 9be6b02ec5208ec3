"""The table that the suite prints, and that docs/RELIABILITY.md shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

HEAD = ("fault", "sampled", "outcomes", "dropped", "killed", "sent again", "lost", "back after", "peak MiB w/c")


def table(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Return a Markdown table, and a line that sums it up. Nothing for no faults."""
    rows = sorted(lines, key=lambda line: line["fault"])
    if not rows:
        return []
    told = ["", f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", *map(_row, rows)]
    sampled = sum(line["sampled"] for line in rows)
    settled = sum(sum(line["outcomes"].values()) + sum(line["dropped"].values()) + line["killed"] for line in rows)
    slowest = max(rows, key=lambda line: line["recovery_s"] or 0.0)
    peak = {kind: max(line["peak_mib"].get(kind, 0) for line in rows) for kind in ("worker", "comparator")}
    told += [
        "",
        f"{len(rows)} {'fault' if len(rows) == 1 else 'faults'}, {sampled:,} exchanges sampled, {settled:,} accounted "
        "for, 0 results twice, "
        f"{sum(line['lost'] for line in rows):,} lost in Redis and counted, slowest recovery "
        f"{slowest['recovery_s'] or 0.0:.1f} s ({slowest['fault']}), at most {peak['worker']:.0f} MiB in a worker and "
        f"{peak['comparator']:.0f} MiB in a comparator.",
    ]
    return told


def _row(line: dict[str, Any]) -> str:
    back = "" if line["recovery_s"] is None else f"{line['recovery_s']:.1f} s"
    peak = "/".join(f"{line['peak_mib'].get(kind, 0):.0f}" for kind in ("worker", "comparator"))
    cells = (
        line["fault"], f"{line['sampled']:,}", _counts(line["outcomes"]), _counts(line["dropped"]),
        f"{line['killed'] or ''}", f"{line['again'] or ''}", f"{line['lost'] or ''}", back, peak,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items() if count)
