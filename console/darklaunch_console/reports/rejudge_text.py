"""What other rules would make of the recorded mismatches, estimated from the stored samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from darklaunch_comparator.pipeline.rejudge import RecordedSample, RejudgedSignature, sum_estimates
from darklaunch_comparator.store import report_queries

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import GOOD, WARN, make_printable, print_line, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.postgres import Connection

UNSEEN: Final = (
    "Samples are kept of mismatches only: differences that these rules would find in responses that matched do not "
    "show here."
)


def read_stored_samples(connection: Connection, name: str) -> Iterator[RecordedSample]:
    """Yield the kept samples of each kind of mismatch: the first, the latest and the rarest."""
    for signature in report_queries.read_signatures(connection, name):
        if signature.outcome != "mismatched":
            continue
        samples = dict.fromkeys([signature.first_sample, signature.latest_sample, signature.rarest_sample])
        for identity in samples:
            if identity and (sample := report_queries.read_sample(connection, identity, name)):
                yield RecordedSample(
                    signature.fingerprint, signature.endpoint, signature.title, signature.count, identity, sample.replay
                )


def print_estimate(name: str, kinds: list[RejudgedSignature]) -> None:
    """Print what would become of the recorded mismatches, in all and kind by kind."""
    recorded, samples = sum(kind.count for kind in kinds), sum(len(kind.verdicts) for kind in kinds)
    if not kinds:
        print_line(f"{name}: no mismatch was recorded, so there is nothing to judge again.")
        return
    sums = sum_estimates(kinds)
    left = round(sums.pop("mismatched", 0))
    parts = [
        f"about {format_count(number)} {outcome}" for outcome, number in sorted(sums.items(), key=lambda pair: -pair[1])
    ]
    became = f"{', '.join(parts)}, {format_count(left)} still mismatched" if parts else "all still mismatched"
    print_line(
        f"{name}: of {format_count(recorded)} recorded mismatches {became}.", style=GOOD if left < recorded else WARN
    )
    print_line(
        f"  An estimate from {format_plural(samples, 'sample')} of {format_plural(len(kinds), 'kind')} of mismatch."
    )
    for line in wrap_text(UNSEEN, "  "):
        print_line(line)
    print_line()
    for kind in kinds:
        shares = sorted(kind.estimate.items(), key=lambda pair: -pair[1])
        becomes = ", ".join(f"{outcome} {format_count(number)}" for outcome, number in shares)
        heading = f"{kind.fingerprint}  {make_printable(kind.endpoint, 80)} {make_printable(kind.title, 120)}"
        for line in wrap_text(heading, "", "  "):
            print_line(line)
        print_line(f"  mismatched {format_count(kind.count)} → {becomes}", style=GOOD if kind.changed else "")
        for verdict in kind.verdicts:
            if verdict.outcome == "mismatched" and verdict.left != kind.title:
                for line in wrap_text(
                    f"{verdict.exchange_id} still differs in {make_printable(verdict.left, 200)}", "  ", "  "
                ):
                    print_line(line)


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
                        "exchange": each.exchange_id,
                        "outcome": each.outcome,
                        "differs": each.left,
                        "excused": each.excuses,
                    }
                    for each in kind.verdicts
                ],
            }
            for kind in kinds
        ],
    }
