"""What a comparison collects on its way: differences, excuses, and what could not be verified."""

from typing import Final

from darklaunch_comparator.errors import ComparatorError
from darklaunch_comparator.places import STATUS, JsonPlace, Place, write_header_place

from . import render
from .echoed_fields import ListRequestFields, is_repeated_field
from .endpoint_rules import EndpointRules
from .known_noise import NO_NOISE, KnownNoise
from .magnitude import is_far
from .model import (
    ABSENT,
    Absent,
    Comparison,
    ComparisonOutcome,
    Difference,
    DifferenceKind,
    Excuse,
    ExcuseReason,
    Json,
    Reasons,
)
from .patterns import VALUE_BYTES, LinearPattern

KEPT_DIFFERENCES: Final = 100
"""Differences kept with their values, apart from first examples of further groups."""
KEPT_GROUPS: Final = 100
"""Groups (a kind of difference at an index-free path) of which an example is kept."""
KEPT_PER_GROUP: Final = 10
"""So that fifty changed prices do not push the one missing key out of sight."""
DIFFERENCES_CAP: Final = 20_000
"""Differences matched against the rules before the comparison stops."""

PATTERN_BUDGET_BYTES: Final = 262_144
"""How much one comparison matches against patterns: the costliest pattern takes some microseconds a byte."""

_BY_SHAPE: Final = (ExcuseReason.NOISE, ExcuseReason.MAGNITUDE, ExcuseReason.GENERATED_ID)
_BY_FORM: Final = frozenset({ExcuseReason.CLOCK, ExcuseReason.GENERATED_ID})
_SET_ASIDE: Final = (ExcuseReason.IGNORED, ExcuseReason.IGNORED_PATTERN)

_HEADER: Final = write_header_place("")

MATCHED: Final = Comparison(ComparisonOutcome.MATCHED)


class Unverified(ComparatorError):
    """The comparison cannot go on; the message says what could not be compared and why."""


class DifferenceCollector:
    """Collects differences and excuses. It alone asks the rules and the known noise, once for each difference.

    `places_by_shape` counts the places of the body that were compared by shape only; whoever compares the body sets
    `total_places`, if there are any. `extra_places` counts the parts, but for the first, of texts that were compared
    part by part.
    """

    __slots__ = (
        "_differences", "_excuses", "_group_sizes", "_has_body_rules", "_noise", "_omitted", "_pattern_bytes_left",
        "_reported", "_request_fields", "detail", "extra_places", "places_by_shape", "rules", "total_places",
    )  # fmt: skip

    def __init__(
        self,
        rules: EndpointRules,
        noise: KnownNoise = NO_NOISE,
        request_fields: "tuple[ListRequestFields, ListRequestFields] | None" = None,
    ) -> None:
        self._request_fields = request_fields
        self.detail = ""
        self.extra_places = 0
        self.places_by_shape = 0
        self.total_places = 0
        self.rules = rules
        self._has_body_rules = rules.has_body_rules
        self._pattern_bytes_left = PATTERN_BUDGET_BYTES
        self._noise = noise
        self._differences: list[Difference] = []
        self._group_sizes: dict[tuple[str, DifferenceKind], int] = {}
        self._excuses: dict[tuple[str, ExcuseReason], int] = {}
        self._omitted = 0
        self._reported = 0

    def add_status(self, primary: int, shadow: int) -> None:
        """Report that the status codes differ."""
        reason = self.rules.find_status_excuse(primary, shadow, self._matches)
        if reason is not None:
            self._count_excuse(STATUS, reason)
        elif self._noise.excuses(STATUS, DifferenceKind.STATUS):
            self._count_excuse(STATUS, ExcuseReason.NOISE)
        else:
            self._keep(STATUS, DifferenceKind.STATUS, str(primary), str(shadow))

    def add_header(self, name: str, primary: str | None, shadow: str | None, value: str | None = None) -> None:
        """Report that a header differs. `primary` and `shadow` are renderings, None where that side has no such header.

        `value` is the shadow's in full, to be matched against patterns.
        """
        place = write_header_place(name)
        on_both_sides = primary is not None and shadow is not None
        kind = DifferenceKind.HEADER
        if not on_both_sides:
            kind = DifferenceKind.EXTRA if primary is None else DifferenceKind.MISSING
        reason = self.rules.find_header_excuse(name, value if on_both_sides else None, self._matches)
        if reason is not None:
            self._count_excuse(place, reason)
        elif self._noise.excuses(place, kind):
            self._count_excuse(place, ExcuseReason.NOISE)
        else:
            self._keep(place, kind, primary, shadow)

    def add_values(
        self,
        place: Place,
        kind: DifferenceKind,
        primary: "Json | Absent",
        shadow: "Json | Absent",
        where: str = "",
    ) -> None:
        """Report a difference between two values of the body; `where` is written before their renderings."""
        if self._request_fields is not None and self._is_repeated_field(place, primary, shadow, self._request_fields):
            self._count_excuse(place.group_path, ExcuseReason.OWN_FIELD)
            return
        if not self._has_room(place, kind, primary, shadow):
            return
        if isinstance(primary, str) and isinstance(shadow, str):
            rendered: tuple[str | None, str | None] = render.render_strings(primary, shadow)
        else:
            rendered = _render(primary), _render(shadow)
        if where:
            rendered = _put_before(where, rendered[0]), _put_before(where, rendered[1])
        self._differences.append(Difference(place.path, place.group_path, kind, *rendered))

    def add_description(self, place: Place, kind: DifferenceKind, primary: str | None, shadow: str | None) -> None:
        """Report a difference in the body that is described in words instead of values."""
        if self._has_room(place, kind, ABSENT, ABSENT):
            self._differences.append(Difference(place.path, place.group_path, kind, primary, shadow))

    def grant_excuse(self, group_path: str, reasons: Reasons) -> bool:
        """Excuse a value that differs, for reasons that its form gives, and count that; False if it is not excused."""
        if not self.may_excuse(group_path, reasons):
            return False
        for reason in reasons:
            self._count_excuse(group_path, reason)
        return True

    def may_excuse(self, group_path: str, reasons: Reasons) -> bool:
        """True if these reasons excuse a value there.

        No excuse by form holds at a place where one version is known to repeat its own value.
        """
        if not reasons:
            return False
        return group_path not in self._noise.identical or _BY_FORM.isdisjoint(reasons)

    def count_excuses(self, group_path: str, *reasons: ExcuseReason) -> None:
        """Count a difference that was excused."""
        for reason in reasons:
            self._count_excuse(group_path, reason)

    def count_findings(self) -> int:
        """Return how many differences were reported or excused so far."""
        return len(self._differences) + self._omitted + sum(self._excuses.values())

    def conclude(self) -> Comparison:
        """Return what was collected, with its outcome: a known difference outweighs what could not be verified."""
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
        total = max(self.total_places + self.extra_places, self.places_by_shape) if self.places_by_shape else 0
        return Comparison(
            outcome,
            tuple(self._differences),
            excuses,
            self.detail,
            self._omitted,
            compared_places=total - self.places_by_shape,
            total_places=total,
        )

    def _has_room(self, place: Place, kind: DifferenceKind, primary: "Json | Absent", shadow: "Json | Absent") -> bool:
        """True if a difference is to be kept. If not, it is counted as excused or as omitted.

        Raises Unverified past DIFFERENCES_CAP.
        """
        group_path = place.group_path
        self._reported += 1
        if self._reported > DIFFERENCES_CAP:
            raise Unverified(f"the bodies differ in more than {DIFFERENCES_CAP:,} places")
        if self._has_body_rules:
            reason = self.rules.find_excuse(place.tokens(), kind, primary, shadow, self._matches)
            if reason is not None:
                self._count_excuse(group_path, reason)
                return False
        if self._noise.excuses(group_path, kind):
            far = group_path in self._noise.measured and is_far(_render(primary), _render(shadow))
            self._count_excuse(group_path, ExcuseReason.MAGNITUDE if far else ExcuseReason.NOISE)
            return False
        size = self._group_sizes.get((group_path, kind), 0)
        if size:
            has_room = size < KEPT_PER_GROUP and len(self._differences) < KEPT_DIFFERENCES
        else:
            has_room = len(self._group_sizes) < KEPT_GROUPS
        if has_room:
            self._group_sizes[group_path, kind] = size + 1
        else:
            self._omitted += 1
        return has_room

    def _is_repeated_field(
        self,
        place: Place,
        primary: "Json | Absent",
        shadow: "Json | Absent",
        request_fields: tuple[ListRequestFields, ListRequestFields],
    ) -> bool:
        if not isinstance(place, JsonPlace):
            return False
        name = place.token
        if name == 0 and place.parent is not None:  # the only one of a field's values, as some frameworks list them
            name = place.parent.token
        return isinstance(name, str) and is_repeated_field(name, primary, shadow, *request_fields)

    def _matches(self, pattern: LinearPattern, text: str) -> bool:
        if len(text) > VALUE_BYTES:
            return False
        value = text.encode("utf-8", "replace")
        self._pattern_bytes_left -= len(value)
        if self._pattern_bytes_left < 0:
            raise Unverified("the responses differ in too much text to match against the patterns of the rules")
        return pattern.matches(value)

    def _count_excuse(self, group_path: str, reason: ExcuseReason) -> None:
        if reason in _BY_SHAPE and not group_path.startswith(_HEADER):
            self.places_by_shape += 1
        self._excuses[group_path, reason] = self._excuses.get((group_path, reason), 0) + 1

    def _keep(self, place: str, kind: DifferenceKind, primary: str | None, shadow: str | None) -> None:
        # Outside of the body there are few differences, so there is always room.
        self._group_sizes[place, kind] = 1
        self._differences.append(Difference(place, place, kind, primary, shadow))


def _put_before(where: str, rendering: str | None) -> str | None:
    return None if rendering is None else where + rendering


def _render(value: "Json | Absent") -> str | None:
    return None if value is ABSENT else render.render_value(value)
