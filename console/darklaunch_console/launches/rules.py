"""Record a launch's new rules, with the event that says what changed."""

from __future__ import annotations

from dataclasses import replace

from darklaunch_comparator.errors import BadRules
from darklaunch_comparator.rules import Rule, RuleProblem, RuleSet, check_rules, dump_rules, read_rules_file
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.errors import BadUsage
from darklaunch_console.stores.postgres import Connection

from .change import CurrentLaunch, change_launch, current_actor


def parse_rules(text: str, name: str, held: RuleSet) -> RuleSet:
    """Read a rule file. A rule without author has the one it had in `held`, else who reads it. Raises BadUsage."""
    try:
        rules = read_rules_file(text, name)
    except BadRules as wrong:
        raise BadUsage(str(wrong)) from None
    authors = {_unsigned(rule): rule.author for rule in held.all()}
    return RuleSet.model_validate(
        {
            kind: [
                rule
                if rule.author
                else rule.model_copy(update={"author": authors.get(_unsigned(rule), current_actor())})
                for rule in getattr(rules, kind)
            ]
            for kind in RuleSet.model_fields
        }
    )


def add_rules(rules: RuleSet, *more: dict[str, object]) -> RuleSet:
    """Add rules, given as values with their `kind`. Raises BadUsage for one that cannot be read or contradicts."""
    values = rules.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    for each in more:
        kind = str(each.pop("kind"))
        values[kind] = (*values.get(kind, ()), each)
    wider, troubles = check_rules(values)
    if troubles:
        raise BadUsage("; ".join(dict.fromkeys(_of_option(trouble) for trouble in troubles)))
    return wider


def remove_rule(rules: RuleSet, unwanted: Rule) -> RuleSet:
    """Return a rule set without one of its rules."""
    kept = tuple(rule for rule in getattr(rules, unwanted.kind) if rule is not unwanted)
    return rules.model_copy(update={unwanted.kind: kept})


def record_rules(
    redis: RedisClient,
    connection: Connection,
    before: CurrentLaunch,
    rules: RuleSet,
    reason: str,
    data: dict[str, object] | None = None,
) -> LaunchRecord:
    """Record new rules of a launch; comparators use them within a second. Raises what `change_launch` raises."""
    spec = replace(before.state.spec, rules=dump_rules(rules))
    return change_launch(
        redis, connection, before, LaunchAct(current_actor(), "rules_changed", reason, data=data), spec=spec
    )


def diff_rules(old: RuleSet, new: RuleSet) -> tuple[list[Rule], list[Rule]]:
    """Return the rules that are added, and those that are removed."""
    was, now = old.all(), new.all()
    return [rule for rule in now if rule not in was], [rule for rule in was if rule not in now]


def _of_option(trouble: RuleProblem) -> str:
    """Return what is wrong with a rule, with the key it is about: `relative: it should be less than 1`."""
    return f"{trouble.location[-1]}: {trouble.message}" if trouble.message.startswith("it should") else trouble.message


def _unsigned(rule: Rule) -> Rule:
    return rule.model_copy(update={"author": ""})
