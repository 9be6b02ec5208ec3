"""Compile a rule set, at one moment, to what comparators ask at each difference."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

import orjson
from pydantic import ValidationError

from darklaunch_comparator.compare import (
    NO_RULES,
    EndpointRules,
    LinearPattern,
    Patterns,
    StructureRule,
    ToleranceRule,
    UnorderedRule,
)
from darklaunch_comparator.masking import EVERYTHING, NO_PLACES, MaskPlaces
from darklaunch_comparator.places import PathIndex, PathStep, parse_rule_path

from .model import RULE_KINDS, Ignore, Mask, Rule, RuleSet

T = TypeVar("T")
V = TypeVar("V")

log = logging.getLogger("darklaunch.comparator")


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A launch's rules, compiled: those of the endpoints that some rule names, and those of all others.

    `stale_at` is when the next rule expires: what was compiled before holds no longer then.
    """

    elsewhere: EndpointRules = NO_RULES
    endpoints: dict[str, EndpointRules] = field(default_factory=dict[str, EndpointRules])
    masked_elsewhere: MaskPlaces = NO_PLACES
    masked_at: dict[str, MaskPlaces] = field(default_factory=dict[str, MaskPlaces])
    stale_at: datetime | None = None

    def rules_for(self, endpoint: str) -> EndpointRules:
        """Give the rules of an endpoint."""
        return self.endpoints.get(endpoint, self.elsewhere)

    def mask_places_for(self, endpoint: str) -> MaskPlaces:
        """Give the places that are masked in what is stored of an endpoint's exchanges."""
        return self.masked_at.get(endpoint, self.masked_elsewhere)


NO_RULE_BOOK: Final = RuleBook()
MASKS_UNREADABLE: Final = (
    "a mask rule cannot be read, so nobody knows which values are to be masked: what is stored of exchanges is masked "
    "as a whole"
)


def load_rules(text: str) -> RuleSet:
    """Read a stored rule set.

    A rule that cannot be read, perhaps one of a newer release, is left out: it excuses nothing. When it is one that
    masks, `masks_lost` says so.
    """
    if not text:
        return RuleSet()
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        log.warning("a launch's rules are left out: they are no JSON object")
        return RuleSet()
    known = {
        kind: _readable(kind, rules) for kind, rules in cast(dict[str, object], given).items() if kind in RULE_KINDS
    }
    return RuleSet.model_validate(known)


def has_unreadable_masks(text: str) -> bool:
    """Say whether a stored rule set has, or may have, a rule to mask that cannot be read."""
    if not text:
        return False
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    if not isinstance(given, dict):
        return True
    masks = cast(dict[str, object], given).get("mask", [])
    if not isinstance(masks, list):
        return True
    held = cast(list[object], masks)
    return len(_readable("mask", held)) < len(held)


def compile_stored_rules(text: str, now: datetime) -> RuleBook:
    """Compile a stored rule set as it holds at a moment. Where a rule to mask is lost, everything is masked."""
    book = compile_rules(load_rules(text), now)
    if not has_unreadable_masks(text):
        return book
    log.error("%s", MASKS_UNREADABLE)
    return replace(book, masked_elsewhere=EVERYTHING, masked_at={})


def compile_rules(rules: RuleSet, now: datetime) -> RuleBook:
    """Compile the rules that hold at a moment."""
    holding = [rule for rule in rules.all() if rule.is_in_force(now)]
    if not holding:
        return NO_RULE_BOOK
    named = {endpoint for rule in holding for endpoint in (*rule.endpoints, *rule.excepted)}
    ends = [rule.ends_at for rule in holding if rule.ends_at is not None]
    elsewhere = [rule for rule in holding if not rule.endpoints]
    at = {endpoint: [rule for rule in holding if _holds_at(rule, endpoint)] for endpoint in named}
    return RuleBook(
        elsewhere=_compiled(elsewhere),
        endpoints={endpoint: _compiled(held) for endpoint, held in at.items()},
        masked_elsewhere=_masked(elsewhere),
        masked_at={endpoint: _masked(held) for endpoint, held in at.items()},
        stale_at=min(ends, default=None),
    )


def _readable(kind: str, given: object) -> list[Rule]:
    found: list[Rule] = []
    for raw in cast(list[object], given) if isinstance(given, list) else ():
        try:
            found.append(RULE_KINDS[kind].model_validate(raw))
        except ValidationError as wrong:
            log.warning("a rule is left out: %s %s", kind, str(wrong.errors()[0]["msg"])[:200])
    return found


def _holds_at(rule: Rule, endpoint: str) -> bool:
    return endpoint in rule.endpoints if rule.endpoints else endpoint not in rule.excepted


def _compiled(rules: list[Rule]) -> EndpointRules:
    """Compile the rules of one endpoint; a rule that names it ranks before one for all, a later before an earlier."""
    ranks = {id(rule): at + len(rules) * bool(rule.endpoints) for at, rule in enumerate(rules)}
    of: dict[str, list[Any]] = {kind: [rule for rule in rules if rule.kind == kind] for kind in RULE_KINDS}
    ignored = [(parse_rule_path(rule.path), _pattern(rule)) for rule in cast(list[Ignore], of["ignore"])]
    headers: dict[str, Patterns] = {}
    for place, pattern in ignored:
        if place.header:
            headers[place.header] = (*headers.get(place.header, ()), pattern)
    return EndpointRules(
        ignore=PathIndex((place.steps, pattern) for place, pattern in ignored if place.steps is not None),
        ignore_status=tuple(pattern for place, pattern in ignored if place.status),
        ignore_headers=headers,
        only=_mapped(of["only"], _nothing),
        only_headers=frozenset(place.header for rule in of["only"] if (place := parse_rule_path(rule.path)).header),
        unordered=_mapped(of["unordered"], lambda rule: UnorderedRule(rule.by, ranks[id(rule)])),
        tolerance=_mapped(of["tolerance"], lambda rule: _tolerance(rule.absolute, rule.relative, ranks[id(rule)])),
        structure_only=_mapped(of["structure_only"], lambda rule: StructureRule(rule.allow_extra, ranks[id(rule)])),
        null_is_absent=_mapped(of["null_is_absent"], _nothing),
        strict_numbers=_mapped(of["strict_numbers"], _nothing),
        compared_headers=frozenset(name for rule in of["headers"] for name in rule.compare),
        unlooked_headers=frozenset(name for rule in of["headers"] for name in rule.never),
        status_classes=bool(of["status_classes"]),
    )


def _masked(rules: list[Rule]) -> MaskPlaces:
    return MaskPlaces.parse([rule.path for rule in rules if isinstance(rule, Mask)])


def _mapped(rules: Iterable[Any], value: Callable[[Any], V]) -> PathIndex[V]:
    places: list[tuple[tuple[PathStep, ...] | None, V]] = [
        (parse_rule_path(rule.path).steps, value(rule)) for rule in rules
    ]
    return PathIndex((steps, held) for steps, held in places if steps is not None)


def _nothing(_rule: Rule) -> None:
    return None


def _pattern(rule: Ignore) -> LinearPattern | None:
    return None if rule.pattern is None else LinearPattern(rule.pattern)


def _tolerance(absolute: float | None, relative: float | None, rank: int) -> ToleranceRule:
    return ToleranceRule(Decimal(repr(absolute or 0.0)), Decimal(repr(relative or 0.0)), rank)
