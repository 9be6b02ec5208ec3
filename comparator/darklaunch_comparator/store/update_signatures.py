"""What a batch adds to signatures: counts, reopenings, and the three exchanges that are kept of each.

The `first` is the earliest of the first batch, the `latest` follows at most every few seconds. An exchange becomes the
`rarest` when, as it is recorded, no variant of its group's requests was seen less often than its own (`variant.py`); a
group whose requests are all alike has none. So a group keeps three exchanges and 32 counters, however long it lives.
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
"""How often each variant of a signature's requests was seen."""


def add_signatures(
    cursor: Cursor[Any], launch: str, groups: Mapping[str, SignatureGains], memory: WriterCache
) -> list[tuple[str, str]]:
    """Add what signatures gained, and reopen those that come back; give (fingerprint, role) of the samples sent."""
    if not groups:
        return []
    # Two cursors: in a pipeline a cursor that is used again gives back what came of its earlier statements.
    with cursor.connection.cursor() as settled, cursor.connection.cursor() as added:
        settled.execute(_SIGNATURES["settled"], {"launch": launch, "fingerprints": list(groups)})
        signatures = [_signature(fingerprint, group) for fingerprint, group in groups.items()]
        added.execute(_RECORD["add_signatures"], {"launch": launch, "gains": orjson.dumps(signatures).decode()})
        _reopen(cursor, launch, groups, settled.fetchall())
        counts: dict[str, ShapeCounts] = dict(added.fetchall())
    return _add_samples(cursor, launch, dict(sorted(groups.items())), counts, memory)


def explain_reopening(state: str, settled_at: datetime, builds: Sequence[str], group: SignatureGains) -> str:
    """Say why a settled signature is open again after what a group saw; "" when it stays as it is.

    `builds` are those it was seen under before. An accepted signature was accepted for those: under another one it is
    news. A resolved one should not be seen at all; exchanges captured before it was resolved were on their way.
    """
    new = sorted(build for build in group.builds if build and build not in builds)
    if state == "accepted":
        return f"it appears under another build of the shadow: {', '.join(new[:3])}" if new else ""
    late = [build for build, example in group.builds.items() if example.finding.captured_at > settled_at]
    if not late:
        return ""
    came = [build for build in new if build in late]
    if came:
        return f"it appears under another build of the shadow: {', '.join(came[:3])}"
    return "it appears again under the same build" if any(late) else "it appears again"


def _reopen(
    cursor: Cursor[Any], launch: str, groups: Mapping[str, SignatureGains], settled: Iterable[tuple[Any, ...]]
) -> None:
    for fingerprint, state, settled_at, builds, endpoint, title in settled:
        if why := explain_reopening(state, settled_at, builds, groups[fingerprint]):
            cursor.execute(_SIGNATURES["set_state"], {"launch": launch, "fingerprint": fingerprint, "state": "open"})
            record_signature_event(
                cursor, launch, SignatureDecision(fingerprint, endpoint, title, state, "open"), COMPARATOR, f"{why}."
            )


def _add_samples(
    cursor: Cursor[Any],
    launch: str,
    groups: Mapping[str, SignatureGains],
    counts: dict[str, ShapeCounts],
    memory: WriterCache,
) -> list[tuple[str, str]]:
    kept: dict[str, list[SignatureExample]] = {"first": [], "latest": [], "rarest": []}
    sampled: list[tuple[str, str]] = []
    for fingerprint, group in groups.items():
        new = memory.wants_first(launch, fingerprint)
        if new:
            kept["first"].append(group.first)
        if memory.wants(launch, fingerprint, "latest") and not (new and group.latest is group.first):
            kept["latest"].append(group.latest)
            sampled.append((fingerprint, "latest"))
        rarest = _rarest(group, counts.get(fingerprint, {}), due=memory.wants(launch, fingerprint, "rarest"))
        if rarest is not None:
            kept["rarest"].append(rarest)
            sampled.append((fingerprint, "rarest"))
    for role, examples in kept.items():
        if examples:
            values = [_sample(launch, example, memory.salt(cursor.connection)) for example in examples]
            cursor.executemany(_RECORD[f"add_{role}_sample"], values)
    return sampled


def _rarest(group: SignatureGains, counts: ShapeCounts, *, due: bool) -> SignatureExample | None:
    """Choose the exchange of a batch that is the group's rarest now. A variant never seen before does not wait."""
    here = [(counts[name], name) for name in group.variants if name in counts]
    if len(counts) < 2 or not here:
        return None
    fewest, name = min(here)
    chosen = group.variants[name]
    unseen = fewest == chosen.count
    return chosen.latest if fewest == min(counts.values()) and (due or unseen) else None


def _signature(fingerprint: str, group: SignatureGains) -> dict[str, Any]:
    evidence = group.first.evidence
    return {
        "fingerprint": fingerprint,
        "endpoint": group.first.finding.endpoint,
        "title": evidence.title,
        "outcome": evidence.problem,
        "parts": orjson.Fragment(evidence.parts),
        "count": group.count,
        "first_ms": group.first.finding.captured_at_ms,
        "last_ms": group.latest.finding.captured_at_ms,
        "builds": sorted(build for build in group.builds if build),
        "variants": {name: variant.count for name, variant in group.variants.items()},
    }


def _sample(launch: str, example: SignatureExample, salt: bytes) -> dict[str, Any]:
    finding, evidence = example.finding, example.evidence
    masker = ExchangeMasker(salt, evidence.places)
    fields = masker.mask_fields(evidence.fields)
    return {
        "launch": launch,
        "fingerprint": evidence.fingerprint,
        "exchange_id": finding.exchange_id,
        "captured_at": finding.captured_at,
        "meta": fields[keys.META],
        "request": fields[keys.REQUEST],
        "response": fields[keys.RESPONSE],
        "shadow_meta": fields[keys.SHADOW_META],
        "shadow": fields.get(keys.SHADOW),
        "differences": masker.mask_differences(evidence.differences),
        "omitted": evidence.omitted,
    }
