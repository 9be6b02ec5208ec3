"""Check a rule set that somebody wrote: every mistake in it, with its place, and what to write instead."""

import difflib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, cast

from pydantic import ValidationError

from .model import RULE_KINDS, ComparedHeaders, Rule, RuleSet

MOST_RULES: Final = 1_000
"""Rules a launch may have: they travel with its control state to every process."""


class RuleProblem(NamedTuple):
    """Something wrong with a rule set: where (`ignore`, 2, `pattern`), and what, in words."""

    location: tuple[str | int, ...]
    message: str


def check_rules(given: object, *, with_reason: bool = False) -> tuple[RuleSet, list[RuleProblem]]:
    """Read a rule set from plain values: the set, empty when anything is wrong, and all that is wrong with it.

    `with_reason` asks every rule to say why.
    """
    if (number := _number(given)) > MOST_RULES:
        what = f"a launch takes at most {MOST_RULES:,} rules, and here are {number:,}"
        advice = "A path covers everything below it, [*] and .. stand for many: name whole parts instead"
        return RuleSet(), [RuleProblem((), f"{what}. {advice}")]
    try:
        rules = RuleSet.model_validate(given)
    except ValidationError as wrong:
        return RuleSet(), list(dict.fromkeys([_trouble(dict(each)) for each in wrong.errors(include_url=False)]))
    troubles = [*_contradictions(rules)]
    if with_reason:
        troubles += [
            RuleProblem(place, 'it does not say why: add reason = "…", so that others can judge it later')
            for place, rule in rules.enumerate_rules()
            if not rule.reason.strip()
        ]
    return (RuleSet() if troubles else rules), troubles


def _number(given: object) -> int:
    arrays = cast(dict[object, object], given).values() if isinstance(given, dict) else ()
    return sum(len(cast(list[object], rules)) for rules in arrays if isinstance(rules, list))


def _contradictions(rules: RuleSet) -> Iterator[RuleProblem]:
    seen: dict[object, tuple[tuple[str, int], Rule]] = {}
    headers: dict[tuple[object, str], tuple[str, tuple[str, int]]] = {}
    for place, rule in rules.enumerate_rules():
        (kind, at), key = place, (rule.kind, rule.subject, rule.scope)
        if key in seen:
            (_, before), other = seen[key]
            if other.dump_settings() == rule.dump_settings():
                yield RuleProblem(place, f"it is there twice: {kind} {before + 1} says the same. Remove one")
            else:
                yield RuleProblem(
                    place, f"it contradicts {kind} {before + 1}, which says something else of {rule.subject}"
                )
        seen.setdefault(key, (place, rule))
        if isinstance(rule, ComparedHeaders):
            for way, names in (("compared", rule.compare), ("never compared", rule.never)):
                for name in names:
                    said, (_, before) = headers.setdefault((rule.scope, name), (way, (kind, at)))
                    if said != way:
                        yield RuleProblem(place, f"it contradicts {kind} {before + 1}, where {name} is {said}")


def _trouble(error: dict[str, Any]) -> RuleProblem:
    where: tuple[str | int, ...] = error["loc"]
    if "expires" in where:  # one of a union's members
        where = where[: where.index("expires") + 1]
    if error["type"] == "extra_forbidden":
        return RuleProblem(where, _unknown(where))
    if error["type"] == "missing":
        return RuleProblem(where[:-1], f"{where[-1]} is missing")
    if error["type"] == "value_error":
        return RuleProblem(where, str(error["ctx"]["error"]))
    given = error.get("input")
    shown = f", got {str(given)[:60]!r}" if isinstance(given, str | int | float | bool | None) else ""
    if where[-1:] == ("expires",):
        expected = "a date, or a time with its zone: 2026-12-31 or 2026-12-31T18:00:00Z"
        return RuleProblem(where, f"expires takes {expected}{shown}")
    message = str(error["msg"]).replace("Input should be", "it should be").replace("tuple", "array")
    return RuleProblem(where, f"{message[:1].lower()}{message[1:]}{shown}")


def _unknown(where: tuple[str | int, ...]) -> str:
    name = str(where[-1])
    known: list[str]
    if len(where) == 1:
        known, what = list(RuleSet.model_fields), "kind of rule"
    else:
        fields = RULE_KINDS[str(where[0])].model_fields
        known, what = [field.alias or key for key, field in fields.items()], f"key of {where[0]}"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    meant = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}"
    return f'"{name[:60]}" is no {what}; {meant}'
