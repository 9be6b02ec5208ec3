"""Add a batch to signatures: counts, reopenings, and up to three samples of each.

The `first` sample is the earliest exchange of the first batch; the `latest` is replaced at most every few seconds. An
exchange becomes the `rarest` if no request shape of its signature has been seen less often than its own when it is
recorded (see `results/request_shape.py`); a signature whose requests have one shape has no rarest. So a signature keeps
three exchanges and 32 counters, however long it lives.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from darklaunch_shared import keys
from psycopg import Cursor

from darklaunch_comparator.masking import ExchangeMasker
from darklaunch_comparator.results.aggregate import SignatureExample, SignatureGains

from .signatures import COMPARATOR, SignatureDecision, record_signature_event
from .sql import load
from .writer_cache import WriterCache

_RECORD: Final = load("write_batch")
_SIGNATURES: Final = load("signatures")

ShapeCounts = dict[str, int]
"""How often each request shape of a signature was seen, by fingerprint of the shape."""


def add_signatures(
    cursor: Cursor[Any], launch: str, gains: Mapping[str, SignatureGains], cache: WriterCache
) -> list[tuple[str, str]]:
    """Add to signatures and reopen those that came back. Return (fingerprint, role) of each sample sent."""
    if not gains:
        return []
    # Two cursors: in a pipeline, a cursor that is used again returns the results of its earlier statements.
    with cursor.connection.cursor() as decided, cursor.connection.cursor() as added:
        decided.execute(_SIGNATURES["lock_decided"], {"launch": launch, "fingerprints": list(gains)})
        rows = [_build_row(fingerprint, gained) for fingerprint, gained in gains.items()]
        added.execute(_RECORD["add_signatures"], {"launch": launch, "gains": orjson.dumps(rows).decode()})
        _reopen(cursor, launch, gains, decided.fetchall())
        shape_counts: dict[str, ShapeCounts] = dict(added.fetchall())
    return _add_samples(cursor, launch, dict(sorted(gains.items())), shape_counts, cache)


def explain_reopening(state: str, settled_at: datetime, builds: Sequence[str], gained: SignatureGains) -> str:
    """Return why an accepted or resolved signature opens again after these gains; "" if it does not.

    `builds` are those it was seen under before. It was accepted for those builds, so any other build reopens it. A
    resolved one should not occur any more, but exchanges captured before it was resolved may still arrive.
    """
    new = sorted(build for build in gained.builds if build and build not in builds)
    if state == "accepted":
        return f"it appears under another build of the shadow: {', '.join(new[:3])}" if new else ""
    late = [build for build, example in gained.builds.items() if example.result.captured_at > settled_at]
    if not late:
        return ""
    new_and_late = [build for build in new if build in late]
    if new_and_late:
        return f"it appears under another build of the shadow: {', '.join(new_and_late[:3])}"
    return "it appears again under the same build" if any(late) else "it appears again"


def _reopen(
    cursor: Cursor[Any], launch: str, gains: Mapping[str, SignatureGains], decided: Iterable[tuple[Any, ...]]
) -> None:
    for fingerprint, state, settled_at, builds, endpoint, title in decided:
        if reason := explain_reopening(state, settled_at, builds, gains[fingerprint]):
            cursor.execute(_SIGNATURES["set_state"], {"launch": launch, "fingerprint": fingerprint, "state": "open"})
            decision = SignatureDecision(fingerprint, endpoint, title, state, "open")
            record_signature_event(cursor, launch, decision, COMPARATOR, f"{reason}.")


def _add_samples(
    cursor: Cursor[Any],
    launch: str,
    gains: Mapping[str, SignatureGains],
    shape_counts: dict[str, ShapeCounts],
    cache: WriterCache,
) -> list[tuple[str, str]]:
    examples: dict[str, list[SignatureExample]] = {"first": [], "latest": [], "rarest": []}
    sampled: list[tuple[str, str]] = []
    for fingerprint, gained in gains.items():
        is_new = cache.needs_first_sample(launch, fingerprint)
        if is_new:
            examples["first"].append(gained.first)
        if cache.needs_sample(launch, fingerprint, "latest") and not (is_new and gained.latest is gained.first):
            examples["latest"].append(gained.latest)
            sampled.append((fingerprint, "latest"))
        due = cache.needs_sample(launch, fingerprint, "rarest")
        rarest = _choose_rarest(gained, shape_counts.get(fingerprint, {}), due=due)
        if rarest is not None:
            examples["rarest"].append(rarest)
            sampled.append((fingerprint, "rarest"))
    for role, chosen in examples.items():
        if chosen:
            rows = [_build_sample(launch, example, cache.salt(cursor.connection)) for example in chosen]
            cursor.executemany(_RECORD[f"add_{role}_sample"], rows)
    return sampled


def _choose_rarest(gained: SignatureGains, counts: ShapeCounts, *, due: bool) -> SignatureExample | None:
    """Return the exchange of this batch whose shape is the signature's rarest now.

    A shape that was never seen before does not wait until a new sample is `due`.
    """
    shapes = [(counts[name], name) for name in gained.shapes if name in counts]
    if len(counts) < 2 or not shapes:
        return None
    fewest, name = min(shapes)
    shape = gained.shapes[name]
    is_new = fewest == shape.count
    return shape.latest if fewest == min(counts.values()) and (due or is_new) else None


def _build_row(fingerprint: str, gained: SignatureGains) -> dict[str, Any]:
    problem = gained.first.problem
    return {
        "fingerprint": fingerprint,
        "endpoint": gained.first.result.endpoint,
        "title": problem.title,
        "outcome": problem.problem,
        "parts": orjson.Fragment(problem.parts),
        "count": gained.count,
        "first_ms": gained.first.result.captured_at_ms,
        "last_ms": gained.latest.result.captured_at_ms,
        "builds": sorted(build for build in gained.builds if build),
        "variants": {name: shape.count for name, shape in gained.shapes.items()},
    }


def _build_sample(launch: str, example: SignatureExample, salt: bytes) -> dict[str, Any]:
    result, problem = example.result, example.problem
    masker = ExchangeMasker(salt, problem.places)
    fields = masker.mask_fields(problem.fields)
    return {
        "launch": launch,
        "fingerprint": problem.fingerprint,
        "exchange_id": result.exchange_id,
        "captured_at": result.captured_at,
        "meta": fields[keys.META],
        "request": fields[keys.REQUEST],
        "response": fields[keys.RESPONSE],
        "shadow_meta": fields[keys.SHADOW_META],
        "shadow": fields.get(keys.SHADOW),
        "differences": masker.mask_differences(problem.differences),
        "omitted": problem.omitted,
    }
