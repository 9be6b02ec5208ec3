"""What a comparison collects on its way: differences, excuses, and what could not be verified."""

from typing import Final

from darklaunch_comparator.places import JsonPlace

from . import render
from .endpoint_rules import EndpointRules
from .known_noise import NO_NOISE, KnownNoise
from .model import ABSENT, Absent, Comparison, ComparisonOutcome, Difference, DifferenceKind, Excuse, ExcuseReason, Json
from .patterns import VALUE_BYTES, LinearPattern

KEPT: Final = 100
"""Differences kept with their values, apart from first examples of further groups."""
KEPT_GROUPS: Final = 100
DIFFERENCES_CAP: Final = 20_000
"""Differences looked at, each against the rules, before the comparison stops."""
KEPT_PER_GROUP: Final = 10
"""So that fifty changed prices do not push the one missing key out of sight."""


PATTERN_BUDGET_BYTES: Final = 262_144
"""How much one comparison matches against patterns: the costliest pattern takes some microseconds a byte."""

_SET_ASIDE: Final = (ExcuseReason.IGNORED, ExcuseReason.IGNORED_PATTERN)

MATCHED: Final = Comparison(ComparisonOutcome.MATCHED)


class Unverified(Exception):
    """The comparison cannot go on; the message says what could not be compared and why."""


class DifferenceCollector:
    """Collects differences and excuses; asks, once, at each difference, the rules and what is known to be noise."""

    __slots__ = (
        "_asks_rules", "_differences", "_excuses", "_groups", "_left_bytes", "_noise", "_omitted", "_seen", "detail",
        "rules",
    )  # fmt: skip

    def __init__(self, rules: EndpointRules, noise: KnownNoise = NO_NOISE) -> None:
        self.detail = ""
        self.rules = rules
        self._asks_rules = rules.excuse_in_body
        self._left_bytes = PATTERN_BUDGET_BYTES
        self._noise = noise
        self._differences: list[Difference] = []
        self._groups: dict[tuple[str, DifferenceKind], int] = {}
        self._excuses: dict[tuple[str, ExcuseReason], int] = {}
        self._omitted = 0
        self._seen = 0

    def status(self, primary: int, shadow: int) -> None:
        """Report that the status codes differ."""
        reason = self.rules.excuse_status(primary, shadow, self._fits)
        if reason is not None:
            self._excuse("status", reason)
        else:
            self._keep("status", DifferenceKind.STATUS, str(primary), str(shadow))

    def header(self, name: str, primary: str | None, shadow: str | None, value: str | None = None) -> None:
        """Report that a header differs; None when that side has none. `value` is the shadow's in full, to match."""
        place = f"header:{name}"
        both = primary is not None and shadow is not None
        reason = self.rules.excuse_header(name, value if both else None, self._fits)
        if reason is not None:
            self._excuse(place, reason)
        elif both and self._noise.excuses(place, DifferenceKind.HEADER):
            self._excuse(place, ExcuseReason.NOISE)
        elif shadow is None:
            self._keep(place, DifferenceKind.MISSING, primary, None)
        else:
            self._keep(place, DifferenceKind.EXTRA if primary is None else DifferenceKind.HEADER, primary, shadow)

    def body(self, path: JsonPlace, kind: DifferenceKind, primary: "Json | Absent", shadow: "Json | Absent") -> None:
        """Report a difference between two values of the body."""
        if not self._has_room(path, kind, primary, shadow):
            return
        if isinstance(primary, str) and isinstance(shadow, str):
            shown: tuple[str | None, str | None] = render.render_strings(primary, shadow)
        else:
            shown = _rendered(primary), _rendered(shadow)
        self._differences.append(Difference(path.path, path.group_path, kind, *shown))

    def described(self, path: JsonPlace, kind: DifferenceKind, primary: str | None, shadow: str | None) -> None:
        """Report a difference in the body that is described in words instead of values."""
        if self._has_room(path, kind, ABSENT, ABSENT):
            self._differences.append(Difference(path.path, path.group_path, kind, primary, shadow))

    def admits(self, place: str, reasons: tuple[ExcuseReason, ...]) -> bool:
        """Say whether these reasons excuse a difference there: no identifier is excused where it is known to stay."""
        return ExcuseReason.GENERATED_ID not in reasons or place not in self._noise.identical

    def excuse(self, path: JsonPlace, reasons: tuple[ExcuseReason, ...]) -> None:
        """Count values that differ in the body and were excused."""
        for reason in reasons:
            self._excuse(path.group_path, reason)

    def excuse_header(self, name: str, reasons: tuple[ExcuseReason, ...]) -> None:
        """Count a header's values that differ and were excused."""
        for reason in reasons:
            self._excuse(f"header:{name}", reason)

    def conclude(self) -> Comparison:
        """Turn what was collected into an outcome: what is known to differ outweighs what could not be verified."""
        if not (self._differences or self._excuses or self.detail):
            return MATCHED
        if self._differences:
            outcome = ComparisonOutcome.MISMATCHED
        elif self.detail:
            outcome = ComparisonOutcome.UNVERIFIED
        elif any(reason in _SET_ASIDE for _, reason in self._excuses):
            outcome = ComparisonOutcome.IGNORED
        else:
            outcome = ComparisonOutcome.MATCHED
        counted = sorted(self._excuses.items()) if self._excuses else ()
        excuses = tuple([Excuse(path, reason, count) for (path, reason), count in counted])
        return Comparison(outcome, tuple(self._differences), excuses, self.detail, self._omitted)

    def _has_room(
        self, path: JsonPlace, kind: DifferenceKind, primary: "Json | Absent", shadow: "Json | Absent"
    ) -> bool:
        """Say whether a difference is to be kept, and count it; else count it as excused or as omitted.

        Raises Unverified past DIFFERENCES_CAP.
        """
        group = path.group_path
        self._seen += 1
        if self._seen > DIFFERENCES_CAP:
            raise Unverified(f"the bodies differ in more than {DIFFERENCES_CAP:,} places")
        if self._asks_rules:
            reason = self.rules.excuse(path.tokens(), kind, primary, shadow, self._fits)
            if reason is not None:
                self._excuse(group, reason)
                return False
        if self._noise.excuses(group, kind):
            self._excuse(group, ExcuseReason.NOISE)
            return False
        seen = self._groups.get((group, kind), 0)
        room = seen < KEPT_PER_GROUP and len(self._differences) < KEPT if seen else len(self._groups) < KEPT_GROUPS
        if room:
            self._groups[group, kind] = seen + 1
        else:
            self._omitted += 1
        return room

    def _fits(self, pattern: LinearPattern, text: str) -> bool:
        if len(text) > VALUE_BYTES:
            return False
        value = text.encode("utf-8", "replace")
        self._left_bytes -= len(value)
        if self._left_bytes < 0:
            raise Unverified("the answers differ in too much text to match against the patterns of the rules")
        return pattern.fits(value)

    def _excuse(self, place: str, reason: ExcuseReason) -> None:
        self._excuses[place, reason] = self._excuses.get((place, reason), 0) + 1

    def _keep(self, place: str, kind: DifferenceKind, primary: str | None, shadow: str | None) -> None:
        """Keep a difference outside of the body: there are few."""
        self._groups[place, kind] = 1
        self._differences.append(Difference(place, place, kind, primary, shadow))


def _rendered(content: "Json | Absent") -> str | None:
    return None if content is ABSENT else render.render_value(content)
