"""Check a rule set that somebody wrote: find every mistake in it, with its location and what to write instead."""

import difflib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, cast

from pydantic import ValidationError

from .model import RULE_KINDS, ComparedHeaders, Rule, RuleSet

MOST_RULES: Final = 1_000
"""Rules that a launch may have: they travel with its state to every process."""


class RuleProblem(NamedTuple):
    """Something wrong with a rule set: where (`ignore`, 2, `pattern`), and what is wrong, in words."""

    location: tuple[str | int, ...]
    message: str


def check_rules(values: object, *, with_reason: bool = False) -> tuple[RuleSet, list[RuleProblem]]:
    """Read a rule set from plain values; return the set, empty if anything is wrong, and all that is wrong with it.

    `with_reason` requires a reason from every rule.
    """
    if (number := _count_rules(values)) > MOST_RULES:
        message = f"a launch takes at most {MOST_RULES:,} rules, and here are {number:,}"
        advice = "A path covers everything below it, [*] and .. stand for many: name whole parts instead"
        return RuleSet(), [RuleProblem((), f"{message}. {advice}")]
    try:
        rules = RuleSet.model_validate(values)
    except ValidationError as invalid:
        return RuleSet(), list(dict.fromkeys([_describe(dict(error)) for error in invalid.errors(include_url=False)]))
    problems = [*_find_contradictions(rules)]
    if with_reason:
        problems += [
            RuleProblem(location, 'it does not say why: add reason = "…", so that others can judge it later')
            for location, rule in rules.enumerate_rules()
            if not rule.reason.strip()
        ]
    return (RuleSet() if problems else rules), problems


def _count_rules(values: object) -> int:
    arrays = cast(dict[object, object], values).values() if isinstance(values, dict) else ()
    return sum(len(cast(list[object], rules)) for rules in arrays if isinstance(rules, list))


def _find_contradictions(rules: RuleSet) -> Iterator[RuleProblem]:
    first: dict[object, tuple[tuple[str, int], Rule]] = {}
    header_uses: dict[tuple[object, str], tuple[str, int]] = {}
    for location, rule in rules.enumerate_rules():
        kind, position = location
        identity = (rule.kind, rule.subject, rule.scope)
        if identity in first:
            (_, other_position), other = first[identity]
            if other.dump_settings() == rule.dump_settings():
                message = f"it is there twice: {kind} {other_position + 1} says the same. Remove one"
            else:
                message = f"it contradicts {kind} {other_position + 1}, which says something else of {rule.subject}"
            yield RuleProblem(location, message)
        first.setdefault(identity, (location, rule))
        if isinstance(rule, ComparedHeaders):
            for use, names in (("compared", rule.compare), ("never compared", rule.never)):
                for name in names:
                    other_use, other_position = header_uses.setdefault((rule.scope, name), (use, position))
                    if other_use != use:
                        message = f"it contradicts {kind} {other_position + 1}, where {name} is {other_use}"
                        yield RuleProblem(location, message)


def _describe(error: dict[str, Any]) -> RuleProblem:
    """Describe an error of pydantic's in our words."""
    location: tuple[str | int, ...] = error["loc"]
    if "expires" in location:  # what follows names one of a union's members
        location = location[: location.index("expires") + 1]
    if error["type"] == "extra_forbidden":
        return RuleProblem(location, _describe_unknown(location))
    if error["type"] == "missing":
        return RuleProblem(location[:-1], f"{location[-1]} is missing")
    if error["type"] == "value_error":
        return RuleProblem(location, str(error["ctx"]["error"]))
    value = error.get("input")
    shown = f", got {str(value)[:60]!r}" if isinstance(value, str | int | float | bool | None) else ""
    if location[-1:] == ("expires",):
        expected = "a date, or a time with its zone: 2026-12-31 or 2026-12-31T18:00:00Z"
        return RuleProblem(location, f"expires takes {expected}{shown}")
    message = str(error["msg"]).replace("Input should be", "it should be").replace("tuple", "array")
    return RuleProblem(location, f"{message[:1].lower()}{message[1:]}{shown}")


def _describe_unknown(location: tuple[str | int, ...]) -> str:
    name = str(location[-1])
    if len(location) == 1:
        known, noun = list(RuleSet.model_fields), "kind of rule"
    else:
        fields = RULE_KINDS[str(location[0])].model_fields
        known, noun = [field.alias or key for key, field in fields.items()], f"key of {location[0]}"
    similar = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f'did you mean "{similar[0]}"?' if similar else f"there are: {', '.join(known)}"
    return f'"{name[:60]}" is no {noun}; {hint}'
