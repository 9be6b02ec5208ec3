"""What other rules would make of the recorded mismatches, estimated from the stored samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from darklaunch_comparator.pipeline.rejudge import RecordedSample, RejudgedSignature, sum_estimates
from darklaunch_comparator.store import report_queries

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import GOOD, WARN, StyledLine, make_printable, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.postgres import Connection

UNSEEN: Final = (
    "Only mismatches are kept as samples: a difference that these rules would newly find in responses that matched is "
    "not counted here."
)


def read_stored_samples(connection: Connection, name: str, endpoint: str | None = None) -> Iterator[RecordedSample]:
    """Yield the kept samples of each kind of mismatch, at one endpoint or all: the first, the latest and the rarest."""
    for signature in report_queries.read_signatures(connection, name):
        if signature.outcome != "mismatched" or endpoint not in (None, signature.endpoint):
            continue
        samples = dict.fromkeys([signature.first_sample, signature.latest_sample, signature.rarest_sample])
        for identity in samples:
            if identity and (sample := report_queries.read_sample(connection, identity, name)):
                yield RecordedSample(
                    signature.fingerprint, signature.endpoint, signature.title, signature.count, identity, sample.replay
                )


def render_estimate(name: str, kinds: list[RejudgedSignature]) -> list[StyledLine]:
    """Return what would become of the recorded mismatches, in all and signature by signature."""
    recorded = sum(kind.count for kind in kinds)
    if not kinds:
        return [(f"{name}: no mismatch was recorded, so there is nothing to judge again.", "")]
    estimate = sum_estimates(kinds)
    remaining = round(estimate.pop("mismatched", 0))
    headline = (
        f"{name}: about {format_count(remaining)} of {format_plural(recorded, 'mismatch', 'mismatches')} would remain."
    )
    becomes = ", ".join(
        f"about {format_count(number)} would be {outcome}" for outcome, number in _sort_by_count(estimate)
    )
    samples = format_plural(sum(len(kind.verdicts) for kind in kinds), "sample")
    basis = f"An estimate from {samples} of {format_plural(len(kinds), 'signature')}. {UNSEEN}"
    lines = [(line, GOOD if remaining < recorded else WARN) for line in wrap_text(headline)]
    lines += [(line, "") for line in wrap_text(f"{becomes.capitalize()}.", "  ")] if becomes else []
    lines += [*((line, "") for line in wrap_text(basis, "  ")), ("", "")]
    for kind in kinds:
        lines += _render_signature(kind)
    return lines


def _render_signature(kind: RejudgedSignature) -> list[StyledLine]:
    becomes = ", ".join(f"{outcome} {format_count(number)}" for outcome, number in _sort_by_count(kind.estimate))
    heading = f"{kind.fingerprint}  {make_printable(kind.endpoint, 80)} {make_printable(kind.title, 120)}"
    lines = [(line, "") for line in wrap_text(heading, "", "  ")]
    lines.append((f"  mismatched {format_count(kind.count)} → {becomes}", GOOD if kind.changed else ""))
    for sample in kind.verdicts:
        if sample.outcome == "mismatched" and sample.left != kind.title:
            text = f"{sample.exchange_id} still differs in {make_printable(sample.left, 200)}"
            lines += [(line, "") for line in wrap_text(text, "  ", "  ")]
    return lines


def _sort_by_count(estimate: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(estimate.items(), key=lambda pair: -pair[1])


def estimate_to_json(name: str, kinds: list[RejudgedSignature], added: int, removed: int) -> dict[str, Any]:
    """Return the estimate as JSON values."""
    return {
        "launch": name,
        "estimate": True,
        "recorded": sum(kind.count for kind in kinds),
        "samples": sum(len(kind.verdicts) for kind in kinds),
        "would_be": {outcome: round(number, 1) for outcome, number in sorted(sum_estimates(kinds).items())},
        "rules_added": added,
        "rules_removed": removed,
        "kinds": [
            {
                "signature": kind.fingerprint,
                "endpoint": kind.endpoint,
                "title": kind.title,
                "count": kind.count,
                "would_be": {outcome: round(number, 1) for outcome, number in sorted(kind.estimate.items())},
                "samples": [
                    {
                        "exchange": sample.exchange_id,
                        "outcome": sample.outcome,
                        "differs": sample.left,
                        "excused": sample.excuses,
                    }
                    for sample in kind.verdicts
                ],
            }
            for kind in kinds
        ],
    }
