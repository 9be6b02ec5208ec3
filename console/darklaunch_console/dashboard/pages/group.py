"""The page of a mismatch group: what differs and how often, one of its exchanges side by side, and all it kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from darklaunch_comparator.compare import DifferenceKind
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.pipeline.rejudge import rejudge_samples, sum_estimates
from darklaunch_comparator.rules import dump_rules, load_rules
from darklaunch_comparator.store.group_queries import GroupRow, GroupSample, list_group_samples, read_group
from darklaunch_comparator.store.noise import read_known_noise
from darklaunch_comparator.store.report_queries import StoredSample, read_launch_ledger, read_sample
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.replay import ShadowResponse

from darklaunch_console.dashboard.errors import NoSuchPage
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.rules import add_rules
from darklaunch_console.output.screen import make_printable
from darklaunch_console.reports.rejudge_text import read_stored_samples
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

from .exchange import ExchangeView, read_exchange_view

PARTS: Final = 40
"""Places of a group that its page lists."""
VALUE_CHARS: Final = 160

_KINDS: Final = {
    DifferenceKind.STATUS: "Other status",
    DifferenceKind.HEADER: "Other header",
    DifferenceKind.MISSING: "Missing",
    DifferenceKind.EXTRA: "Extra",
    DifferenceKind.TYPE: "Other type",
    DifferenceKind.VALUE: "Other value",
    DifferenceKind.ORDER: "Other order",
    DifferenceKind.SIZE: "Other size",
    DifferenceKind.TEXT: "Other text",
    DifferenceKind.BYTES: "Other bytes",
    DifferenceKind.ENCODING: "Cannot be decoded",
    DifferenceKind.DUPLICATE_KEY: "Key twice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One place at which the group's exchanges differ, with an example; `samples` of those kept differ there."""

    path: str
    kind: str
    primary: str | None
    shadow: str | None
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One kept exchange in the list; `shadow_ms` is None if the shadow did not respond."""

    kept: GroupSample
    target: str
    primary_ms: float
    shadow_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnorePreview:
    """What ignoring a place would hide, by comparing the endpoint's kept exchanges again.

    recorded   mismatches of the endpoint by now, `remaining` about so many of them with the rule
    hidden     kept exchanges that would no longer be mismatches
    samples    kept exchanges that were compared
    groups     the titles of the groups that would change, the most frequent first
    trouble    why the place cannot be ignored, "" if it can
    """

    path: str
    recorded: int = 0
    remaining: int = 0
    hidden: tuple[str, ...] = ()
    samples: int = 0
    groups: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """All that the page of a group shows; `view` is None if no exchange of it was kept."""

    launch: str
    group: GroupRow
    recorded: int
    parts: tuple[PartRow, ...]
    more_parts: int
    samples: tuple[SampleRow, ...]
    view: ExchangeView | None
    number: int
    preview: IgnorePreview | None

    @property
    def share(self) -> float:
        """The share of the endpoint's replays, 0 to 1."""
        return self.group.count / self.group.replays if self.group.replays else 0.0

    @property
    def previous(self) -> str | None:
        """The id of the exchange before the one shown, in the order of the list."""
        return self.samples[self.number - 1].kept.exchange_id if self.number > 0 else None

    @property
    def following(self) -> str | None:
        """The id of the exchange after the one shown."""
        return self.samples[self.number + 1].kept.exchange_id if self.number + 1 < len(self.samples) else None


def read_group_page(
    connection: Connection, name: str, fingerprint: str, *, sample: str = "", ignored: str = "", whole: bool = False
) -> GroupPage:
    """Read the page of a group with one of its exchanges, the first seen by default, because that one stays.

    `ignored` names a place whose rule is tried. Raises NoSuchLaunch, and NoSuchPage for a group or sample unknown.
    """
    spec = read_launch_record(connection, name).state.spec
    group = read_group(connection, name, fingerprint)
    if group is None:
        raise NoSuchPage(f"{name} has no mismatch {make_printable(fingerprint, 60)}.")
    kept = list_group_samples(connection, name, fingerprint)
    stored = [(each, read_sample(connection, each.exchange_id, name)) for each in kept]
    samples = [(each, found) for each, found in stored if found is not None]
    number = _find_number(samples, sample)
    if sample and number is None:
        raise NoSuchPage(
            f"exchange {make_printable(sample, 60)} is no longer kept for this mismatch: only the first, the latest "
            "and the rarest are."
        )
    ledger = read_launch_ledger(connection, name)
    return GroupPage(
        launch=name,
        group=group,
        recorded=ledger.shadow_error if group.outcome == "shadow_error" else ledger.mismatched,
        parts=tuple(_list_parts(group, [found for _, found in samples], number)),
        more_parts=max(0, len(group.parts) - PARTS),
        samples=tuple(_build_sample_row(each, found) for each, found in samples),
        view=None if number is None else read_exchange_view(connection, samples[number][1], spec, whole=whole),
        number=number or 0,
        preview=preview_ignoring(connection, name, spec, group.endpoint, ignored) if ignored else None,
    )


def preview_ignoring(connection: Connection, name: str, spec: LaunchSpec, endpoint: str, path: str) -> IgnorePreview:
    """Compare the endpoint's kept exchanges again with one more rule, which ignores a place. Nothing is changed."""
    old = load_rules(spec.rules)
    try:
        new = add_rules(old, {"kind": "ignore", "path": path, "endpoints": (endpoint,), "reason": "preview"})
    except BadUsage as error:
        return IgnorePreview(path=path, trouble=str(error))
    noise = read_known_noise(connection, name).get(name, {})
    rules = compile_launch_rules(replace(spec, compare=True, rules=dump_rules(new)))
    kinds = rejudge_samples(read_stored_samples(connection, name, endpoint), rules, noise)
    verdicts = [verdict for kind in kinds for verdict in kind.verdicts]
    return IgnorePreview(
        path=path,
        recorded=sum(kind.count for kind in kinds),
        remaining=round(sum_estimates(kinds).get("mismatched", 0.0)),
        hidden=tuple(verdict.exchange_id for verdict in verdicts if verdict.outcome != "mismatched"),
        samples=len(verdicts),
        groups=tuple(kind.title for kind in kinds if kind.changed),
        still=tuple(dict.fromkeys(verdict.left for verdict in verdicts if verdict.outcome == "mismatched")),
    )


def _find_number(samples: Sequence[tuple[GroupSample, StoredSample]], wanted: str) -> int | None:
    for number, (each, _) in enumerate(samples):
        if each.exchange_id == wanted or (not wanted and each.role == "first"):
            return number
    return None if wanted or not samples else 0


def _list_parts(group: GroupRow, samples: Sequence[StoredSample], number: int | None) -> list[PartRow]:
    """Return each place of the group with an example of it, from the exchange shown if it differs there."""
    ordered = samples if number is None else [samples[number], *samples]
    rows: list[PartRow] = []
    for part in group.parts[:PARTS]:
        key = (part.get("path"), part.get("kind"))
        examples = [
            each for sample in ordered for each in sample.differences if (each.get("group_path"), each["kind"]) == key
        ]
        example = examples[0] if examples else {}
        rows.append(
            PartRow(
                path=str(part.get("path")),
                kind=_KINDS.get(DifferenceKind(str(part["kind"])), "") if part["kind"] in set(DifferenceKind)
                else str(part["kind"]).replace("_", " ").capitalize(),
                primary=_cut(example.get("primary")),
                shadow=_cut(example.get("shadow")),
                samples=sum(
                    any((each.get("group_path"), each["kind"]) == key for each in sample.differences)
                    for sample in samples
                ),
            )
        )  # fmt: skip
    return rows


def _cut(value: object) -> str | None:
    return None if value is None else make_printable(str(value), VALUE_CHARS)


def _build_sample_row(kept: GroupSample, sample: StoredSample) -> SampleRow:
    exchange, shadow = sample.replay.exchange, sample.replay.shadow
    return SampleRow(
        kept=kept,
        target=make_printable(exchange.request.target, 120),
        primary_ms=exchange.primary.latency_ms,
        shadow_ms=shadow.response.latency_ms if isinstance(shadow, ShadowResponse) else None,
    )
