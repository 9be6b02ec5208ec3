"""The rules of one endpoint in the form that a comparison asks at each difference.

Most rules define what is equal (`only`, `unordered`, `tolerance`, `structure_only`, `null_is_absent`, `status_classes`,
headers never compared): what they excuse does not count as a difference. `ignore` sets a difference aside: the outcome
says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import Enum
from typing import Final, Protocol, TypeVar

import orjson

from darklaunch_comparator.places import PathIndex, Token

from .model import ABSENT, NUMBERS, Absent, DifferenceKind, ExcuseReason, Json, NotANumber
from .patterns import LinearPattern

Patterns = tuple[LinearPattern | None, ...]
"""Patterns of the values that are ignored at a place; None: every value, and whatever else differs there."""

Matcher = Callable[[LinearPattern, str], bool]
"""Matches a pattern against a value, within what one comparison may spend on that."""

_EXACT: Final = Context(prec=60, Emax=999_999_999, Emin=-999_999_999, traps=[])
_VALUES: Final = (DifferenceKind.VALUE, DifferenceKind.TEXT, DifferenceKind.BYTES)


class _Ranked(Protocol):
    """A rule that others of its kind may overrule: the greatest rank decides."""

    @property
    def rank(self) -> int: ...


R = TypeVar("R", bound=_Ranked)


@dataclass(frozen=True, slots=True)
class ToleranceRule:
    """How far two numbers may be apart: absolutely, or as a share of the greater one."""

    absolute: Decimal
    relative: Decimal
    rank: int = 0

    def allows(self, primary: "int | float | Decimal", shadow: "int | float | Decimal") -> bool:
        """True if two numbers are near enough. Exact in decimal: 1.1 and 1.0 are 0.1 apart."""
        primary, shadow = _to_decimal(primary), _to_decimal(shadow)
        distance = _EXACT.abs(_EXACT.subtract(primary, shadow))
        if not distance.is_finite():
            return False
        greater = max(_EXACT.abs(primary), _EXACT.abs(shadow))
        return distance <= self.absolute or distance <= _EXACT.multiply(self.relative, greater)


@dataclass(frozen=True, slots=True)
class UnorderedRule:
    """An array whose order means nothing; `by` names the member that tells its elements apart, "" for none."""

    by: str = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class StructureRule:
    """A part of which only keys and types count; `allow_extra` lets the shadow have further keys."""

    allow_extra: bool = False
    rank: int = 0


class ElementRole(Enum):
    """What a part of an array's element contributes to telling the elements apart."""

    KEPT = "kept"
    MASKED = "masked"  # its type only
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """The rules in force at one endpoint."""

    ignore: PathIndex[LinearPattern | None] = field(default_factory=PathIndex[LinearPattern | None])
    ignore_status: Patterns = ()
    ignore_headers: Mapping[str, Patterns] = field(default_factory=dict[str, Patterns])
    only: PathIndex[None] = field(default_factory=PathIndex[None])
    only_headers: frozenset[str] = frozenset()
    unordered: PathIndex[UnorderedRule] = field(default_factory=PathIndex[UnorderedRule])
    tolerance: PathIndex[ToleranceRule] = field(default_factory=PathIndex[ToleranceRule])
    structure_only: PathIndex[StructureRule] = field(default_factory=PathIndex[StructureRule])
    null_is_absent: PathIndex[None] = field(default_factory=PathIndex[None])
    strict_numbers: PathIndex[None] = field(default_factory=PathIndex[None])
    compared_headers: frozenset[str] = frozenset()
    never_compared_headers: frozenset[str] = frozenset()
    status_classes: bool = False
    has_body_rules: bool = field(init=False)
    """Whether a rule may excuse a difference in a body."""
    steers_walk: bool = field(init=False)
    """Whether a rule may change how two bodies are walked."""

    def __post_init__(self) -> None:
        excusing = (self.ignore, self.only, self.tolerance, self.structure_only, self.null_is_absent)
        steering = (self.unordered, self.structure_only, self.strict_numbers)
        # Asked at every difference: computed once.
        object.__setattr__(self, "has_body_rules", any(excusing))
        object.__setattr__(self, "steers_walk", any(steering))

    def find_excuse(
        self,
        tokens: Sequence[Token],
        kind: DifferenceKind,
        primary: "Json | Absent",
        shadow: "Json | Absent",
        matches: Matcher,
    ) -> ExcuseReason | None:
        """Return why a rule excuses a difference in the body, None if none does.

        Both values are ABSENT for a difference that is described in words.
        """
        if self.only and not self._is_looked_at(tokens, primary, shadow):
            return ExcuseReason.ONLY
        if kind in _VALUES and self.structure_only and self.structure_only.covers(tokens):
            return ExcuseReason.STRUCTURE_ONLY
        if kind is DifferenceKind.VALUE and self._tolerates(tokens, primary, shadow):
            return ExcuseReason.TOLERANCE
        is_null = (kind is DifferenceKind.MISSING and primary is None) or (
            kind is DifferenceKind.EXTRA and shadow is None
        )
        if is_null and self.null_is_absent.covers(tokens):
            return ExcuseReason.NULL_IS_ABSENT
        if self.ignore:
            patterns = self.ignore.find_values(tokens)
            if None in patterns:
                return ExcuseReason.IGNORED
            text = _write_scalar(shadow) if patterns and kind in _VALUES else None
            if text is not None and any(matches(pattern, text) for pattern in patterns if pattern is not None):
                return ExcuseReason.IGNORED_PATTERN
        return None

    def find_header_excuse(self, name: str, value: str | None, matches: Matcher) -> ExcuseReason | None:
        """Return why a rule excuses a header's difference. `value` is the shadow's if both sides have the header."""
        if name in self.never_compared_headers:
            return ExcuseReason.HEADERS
        if self.only_headers and name not in self.only_headers and "*" not in self.only_headers:
            return ExcuseReason.ONLY
        return _find_ignore_reason(
            (*self.ignore_headers.get(name, ()), *self.ignore_headers.get("*", ())), value, matches
        )

    def find_status_excuse(self, primary: int, shadow: int, matches: Matcher) -> ExcuseReason | None:
        """Return why a rule excuses a difference of the status codes."""
        if self.status_classes and primary // 100 == shadow // 100:
            return ExcuseReason.STATUS_CLASSES
        return _find_ignore_reason(self.ignore_status, str(shadow), matches)

    def find_role(self, tokens: Sequence[Token], part: Json) -> ElementRole:
        """Return what a part of an element contributes to telling the elements of an unordered array apart."""
        if (self.ignore and None in self.ignore.find_values(tokens)) or (
            self.only and not self._is_looked_at(tokens, part, ABSENT)
        ):
            return ElementRole.DROPPED
        if part is None and self.null_is_absent.covers(tokens):
            return ElementRole.DROPPED
        if self.structure_only and self.structure_only.covers(tokens):
            return ElementRole.MASKED
        if isinstance(part, NUMBERS) and not isinstance(part, bool) and self.tolerance.covers(tokens):
            return ElementRole.MASKED
        return ElementRole.KEPT

    def _is_looked_at(self, tokens: Sequence[Token], primary: "Json | Absent", shadow: "Json | Absent") -> bool:
        if self.only.covers(tokens):
            return True
        if primary is ABSENT and shadow is ABSENT:  # described in words: the whole of it differs
            return self.only.leads_towards(tokens)
        return any(side is not ABSENT and self.only.leads_into(tokens, side) for side in (primary, shadow))

    def _tolerates(self, tokens: Sequence[Token], primary: "Json | Absent", shadow: "Json | Absent") -> bool:
        if not (self.tolerance and isinstance(primary, NUMBERS) and isinstance(shadow, NUMBERS)):
            return False
        rule = choose_strongest(self.tolerance.find_values(tokens))
        return rule is not None and rule.allows(primary, shadow)


NO_RULES: Final = EndpointRules()


def choose_strongest(rules: Sequence[R]) -> R | None:
    """Choose among rules of one kind that cover one place: an endpoint's before the launch's, later before earlier."""
    return max(rules, key=lambda rule: rule.rank) if rules else None


def is_whole(number: "int | float | Decimal") -> bool:
    """True if a number is written without fraction and exponent."""
    return isinstance(number, int) or (isinstance(number, Decimal) and number.as_tuple().exponent == 0)


def _find_ignore_reason(patterns: Patterns, value: str | None, matches: Matcher) -> ExcuseReason | None:
    if None in patterns:
        return ExcuseReason.IGNORED
    if value is not None and any(matches(pattern, value) for pattern in patterns if pattern is not None):
        return ExcuseReason.IGNORED_PATTERN
    return None


def _to_decimal(number: "int | float | Decimal") -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def _write_scalar(content: "Json | Absent") -> str | None:
    """Write a scalar as a pattern sees it: a string as it is, anything else as JSON. None for objects and arrays."""
    if isinstance(content, str):
        return content
    if isinstance(content, Decimal):
        return str(content)
    if isinstance(content, NotANumber):
        return content.token
    if content is None or isinstance(content, bool | int | float):
        return orjson.dumps(content).decode()
    return None
