"""The file form of a rule set, for version control: TOML, or JSON of the same shape."""

import json
import tomllib
from datetime import date
from typing import Any, Final, cast

import orjson
from darklaunch_shared.process.safe_json import escape_document

from darklaunch_comparator.errors import BadRules

from .line_numbers import find_json_line, find_toml_line
from .model import Rule, RuleSet
from .validation import RuleProblem, check_rules

_LISTED_PROBLEMS: Final = 4
"""Problems that a message lists; the others are counted."""


def read_rules_file(text: str, name: str) -> RuleSet:
    """Read a rule set from TOML or JSON in which every rule has a reason. `name` is the file's, for messages.

    Raises BadRules with the problems and their lines.
    """
    in_json = text.lstrip().startswith("{")
    try:
        values: Any = json.loads(text) if in_json else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRules(f"{name} is no TOML: {error}") from None
    except json.JSONDecodeError as error:
        raise BadRules(f"{name}:{error.lineno} is no JSON: {error.msg}") from None
    except RecursionError:
        raise BadRules(f"{name} is nested too deep to be a rule set") from None
    rules, problems = check_rules(values, with_reason=True)
    if problems:
        find_line = find_json_line if in_json else find_toml_line
        listed = problems[:_LISTED_PROBLEMS]
        messages = [f"{name}:{find_line(text, problem.location)}: {_describe(problem)}" for problem in listed]
        more = f"; and {len(problems) - len(listed)} more" if len(problems) > len(listed) else ""
        raise BadRules("; ".join(messages) + more)
    return rules


def write_rules_toml(rules: RuleSet) -> str:
    """Write a rule set as TOML. `read_rules_file` reads back the same."""
    return "\n".join(_write_table(rule) for rule in rules.all())


def _describe(problem: RuleProblem) -> str:
    """Describe a problem with its location: `ignore 2, path: …`."""
    kind, position, *keys = (*problem.location, None, None)[: max(2, len(problem.location))]
    place = str(kind or "")
    if isinstance(position, int):
        place = f"{place} {position + 1}"
    names = [str(key) for key in keys if isinstance(key, str)]
    place = ", ".join([place, *names]) if place else ""
    return f"{place}: {problem.message}" if place else problem.message


_LAST_KEYS: Final = ("endpoints", "except", "reason", "author", "expires")


def _write_table(rule: Rule) -> str:
    values = rule.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    first = [name for name in ("path", "pattern", *values) if name in values and name not in _LAST_KEYS]
    names = [*dict.fromkeys(first), *[name for name in _LAST_KEYS if name in values]]
    return "".join([f"[[{rule.kind}]]\n", *[f"{name} = {_write_value(values[name])}\n" for name in names]])


def _write_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_write_value(element) for element in cast(tuple[object, ...], value))}]"
    if isinstance(value, str):
        return _write_text(value)
    return value.isoformat() if isinstance(value, date) else repr(value)


def _write_text(value: str) -> str:
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"  # a pattern reads better without doubled backslashes
    return escape_document(orjson.dumps(value).decode(), toml=True)
