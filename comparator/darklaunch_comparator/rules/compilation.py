"""Compile the rules that are in force at one moment to what comparators ask at each difference."""

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

    `stale_at` is when the next rule expires: then the rules have to be compiled again.
    """

    elsewhere: EndpointRules = NO_RULES
    endpoints: dict[str, EndpointRules] = field(default_factory=dict[str, EndpointRules])
    masked_elsewhere: MaskPlaces = NO_PLACES
    masked_at: dict[str, MaskPlaces] = field(default_factory=dict[str, MaskPlaces])
    stale_at: datetime | None = None

    def rules_for(self, endpoint: str) -> EndpointRules:
        """Return the rules of an endpoint."""
        return self.endpoints.get(endpoint, self.elsewhere)

    def mask_places_for(self, endpoint: str) -> MaskPlaces:
        """Return the places that are masked in what is stored of an endpoint's exchanges."""
        return self.masked_at.get(endpoint, self.masked_elsewhere)


NO_RULE_BOOK: Final = RuleBook()
MASKS_UNREADABLE: Final = (
    "a mask rule cannot be read, so nobody knows which values are to be masked: what is stored of exchanges is masked "
    "as a whole"
)


def load_rules(text: str) -> RuleSet:
    """Load a stored rule set.

    A rule that cannot be read, perhaps one of a newer release, is left out: it excuses nothing. `has_unreadable_masks`
    is for rules that mask.
    """
    if not text:
        return RuleSet()
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        log.warning("a launch's rules are left out: they are not a JSON object")
        return RuleSet()
    known = {
        kind: _load_readable(kind, rules)
        for kind, rules in cast(dict[str, object], document).items()
        if kind in RULE_KINDS
    }
    return RuleSet.model_validate(known)


def has_unreadable_masks(text: str) -> bool:
    """True if a stored rule set has, or may have, a mask rule that cannot be read."""
    if not text:
        return False
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    if not isinstance(document, dict):
        return True
    masks = cast(dict[str, object], document).get("mask", [])
    if not isinstance(masks, list):
        return True
    stored = cast(list[object], masks)
    return len(_load_readable("mask", stored)) < len(stored)


def compile_stored_rules(text: str, now: datetime) -> RuleBook:
    """Compile what is in force of a stored rule set. If a mask rule cannot be read, everything is masked."""
    book = compile_rules(load_rules(text), now)
    if not has_unreadable_masks(text):
        return book
    log.error("%s", MASKS_UNREADABLE)
    return replace(book, masked_elsewhere=EVERYTHING, masked_at={})


def compile_rules(rules: RuleSet, now: datetime) -> RuleBook:
    """Compile the rules that are in force at a moment."""
    in_force = [rule for rule in rules.all() if rule.is_in_force(now)]
    if not in_force:
        return NO_RULE_BOOK
    named_endpoints = {endpoint for rule in in_force for endpoint in (*rule.endpoints, *rule.excepted)}
    expiries = [rule.ends_at for rule in in_force if rule.ends_at is not None]
    elsewhere = [rule for rule in in_force if not rule.endpoints]
    by_endpoint = {endpoint: [rule for rule in in_force if _applies_to(rule, endpoint)] for endpoint in named_endpoints}
    return RuleBook(
        elsewhere=_compile_endpoint(elsewhere),
        endpoints={endpoint: _compile_endpoint(rules_there) for endpoint, rules_there in by_endpoint.items()},
        masked_elsewhere=_compile_masks(elsewhere),
        masked_at={endpoint: _compile_masks(rules_there) for endpoint, rules_there in by_endpoint.items()},
        stale_at=min(expiries, default=None),
    )


def _load_readable(kind: str, stored: object) -> list[Rule]:
    rules: list[Rule] = []
    for raw in cast(list[object], stored) if isinstance(stored, list) else ():
        try:
            rules.append(RULE_KINDS[kind].model_validate(raw))
        except ValidationError as error:
            log.warning("a rule is left out: %s %s", kind, str(error.errors()[0]["msg"])[:200])
    return rules


def _applies_to(rule: Rule, endpoint: str) -> bool:
    return endpoint in rule.endpoints if rule.endpoints else endpoint not in rule.excepted


def _compile_endpoint(rules: list[Rule]) -> EndpointRules:
    """Compile the rules of one endpoint; a rule that names it ranks before one for all, a later before an earlier."""
    ranks = {id(rule): position + len(rules) * bool(rule.endpoints) for position, rule in enumerate(rules)}
    by_kind: dict[str, list[Any]] = {kind: [rule for rule in rules if rule.kind == kind] for kind in RULE_KINDS}
    ignored = [(parse_rule_path(rule.path), _compile_pattern(rule)) for rule in cast(list[Ignore], by_kind["ignore"])]
    headers: dict[str, Patterns] = {}
    for place, pattern in ignored:
        if place.header:
            headers[place.header] = (*headers.get(place.header, ()), pattern)
    return EndpointRules(
        ignore=PathIndex((place.steps, pattern) for place, pattern in ignored if place.steps is not None),
        ignore_status=tuple(pattern for place, pattern in ignored if place.status),
        ignore_headers=headers,
        only=_index(by_kind["only"], _no_value),
        only_headers=frozenset(
            place.header for rule in by_kind["only"] if (place := parse_rule_path(rule.path)).header
        ),
        unordered=_index(by_kind["unordered"], lambda rule: UnorderedRule(rule.by, ranks[id(rule)])),
        tolerance=_index(
            by_kind["tolerance"], lambda rule: _compile_tolerance(rule.absolute, rule.relative, ranks[id(rule)])
        ),
        structure_only=_index(by_kind["structure_only"], lambda rule: StructureRule(rule.allow_extra, ranks[id(rule)])),
        null_is_absent=_index(by_kind["null_is_absent"], _no_value),
        strict_numbers=_index(by_kind["strict_numbers"], _no_value),
        compared_headers=frozenset(name for rule in by_kind["headers"] for name in rule.compare),
        never_compared_headers=frozenset(name for rule in by_kind["headers"] for name in rule.never),
        status_classes=bool(by_kind["status_classes"]),
    )


def _compile_masks(rules: list[Rule]) -> MaskPlaces:
    return MaskPlaces.parse([rule.path for rule in rules if isinstance(rule, Mask)])


def _index(rules: Iterable[Any], compile_rule: Callable[[Any], V]) -> PathIndex[V]:
    places: list[tuple[tuple[PathStep, ...] | None, V]] = [
        (parse_rule_path(rule.path).steps, compile_rule(rule)) for rule in rules
    ]
    return PathIndex((steps, value) for steps, value in places if steps is not None)


def _no_value(_rule: Rule) -> None:
    return None


def _compile_pattern(rule: Ignore) -> LinearPattern | None:
    return None if rule.pattern is None else LinearPattern(rule.pattern)


def _compile_tolerance(absolute: float | None, relative: float | None, rank: int) -> ToleranceRule:
    return ToleranceRule(Decimal(repr(absolute or 0.0)), Decimal(repr(relative or 0.0)), rank)
