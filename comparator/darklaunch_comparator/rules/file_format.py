"""The file form of a rule set, for version control: TOML, or JSON of the same shape."""

import json
import tomllib
from datetime import date
from typing import Any, Final, cast

import orjson

from darklaunch_comparator.errors import BadRules

from .line_numbers import find_json_line, find_toml_line
from .model import Rule, RuleSet
from .validation import RuleProblem, check_rules

_SAID: Final = 4
"""Troubles that a message lists."""


def read_rules_file(text: str, name: str) -> RuleSet:
    """Read a rule set from TOML or JSON, in which every rule says why. `name` is the file's, for messages.

    Raises BadRules, which says what is wrong in which line.
    """
    in_json = text.lstrip().startswith("{")
    try:
        given: Any = json.loads(text) if in_json else tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise BadRules(f"{name} is no TOML: {broken}") from None
    except json.JSONDecodeError as broken:
        raise BadRules(f"{name}:{broken.lineno} is no JSON: {broken.msg}") from None
    except RecursionError:
        raise BadRules(f"{name} is nested too deep to be a rule set") from None
    rules, troubles = check_rules(given, with_reason=True)
    if troubles:
        line = find_json_line if in_json else find_toml_line
        told = [f"{name}:{line(text, each.location)}: {_placed(each)}" for each in troubles[:_SAID]]
        more = f"; and {len(troubles) - _SAID} more" if len(troubles) > _SAID else ""
        raise BadRules("; ".join(told) + more)
    return rules


def write_rules_toml(rules: RuleSet) -> str:
    """Write a rule set as TOML. What is read back is the same."""
    return "\n".join(_table(rule) for rule in rules.all())


def _placed(trouble: RuleProblem) -> str:
    """Say where and what: `ignore 2, path: …`."""
    kind, at, *keys = (*trouble.location, None, None)[: max(2, len(trouble.location))]
    place = str(kind or "")
    if isinstance(at, int):
        place = f"{place} {at + 1}"
    names = [str(key) for key in keys if isinstance(key, str)]
    place = ", ".join([place, *names]) if place else ""
    return f"{place}: {trouble.message}" if place else trouble.message


def _table(rule: Rule) -> str:
    told = rule.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    first = [name for name in ("path", "pattern", *told) if name in told and name not in _LAST]
    names = [*dict.fromkeys(first), *[name for name in _LAST if name in told]]
    return "".join([f"[[{rule.kind}]]\n", *[f"{name} = {_value(told[name])}\n" for name in names]])


_LAST: Final = ("endpoints", "except", "reason", "author", "expires")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_value(each) for each in cast(tuple[object, ...], value))}]"
    if isinstance(value, str):
        return _text(value)
    return value.isoformat() if isinstance(value, date) else repr(value)


def _text(value: str) -> str:
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"  # a pattern reads better without doubled backslashes
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")
