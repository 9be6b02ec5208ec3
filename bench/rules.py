"""Measure what rules cost a comparison, and why their paths and patterns are matched the way they are.

    python -m bench.rules [--rounds 9]

1. A comparison of two 2 kB answers without rules, with few and with a thousand, one leaf changed.
2. The question that a rule asks, "does a path cover the place that differs?", for ten paths and one place: our own
   matcher, and the two JSONPath libraries that implement RFC 9535. They answer another question, which places a path
   selects, so each path is run over the document and what it selects is looked through. (`uv sync --group bench`)
3. A pattern on a value: RE2, and Python's re, which backtracks. `(a+)+$` gets 20 characters, and each more doubles the
   time that re takes.
"""

import argparse
import gc
import re
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from typing import Any

import orjson
from darklaunch_comparator.compare import NO_RULES, EndpointRules, compare
from darklaunch_comparator.compare.patterns import LinearPattern
from darklaunch_comparator.places import PathIndex, parse_body_path
from darklaunch_comparator.rules import check_rules, compile_rules

from .compare import measure, order, side

Run = Callable[[], object]

PATHS = (
    "$.generated_at", "$.total_cents", "$.customer.email", "$.customer.tags", "$.shipping.method",
    "$.lines[*].discount", "$.lines[*].attributes.colour", "$.links", "$..score", "$.note",
)  # fmt: skip
PLACE = ("lines", 6, "price_cents")


def ruled(**rules: Any) -> EndpointRules:
    checked, troubles = check_rules(rules)
    assert not troubles, troubles
    return compile_rules(checked, datetime.now(UTC)).elsewhere


def comparisons() -> dict[str, Run]:
    body, other = orjson.dumps(order(7)), orjson.dumps(order(7, total=4300))
    primary, shadow = side(body, "http://shop.example", 0), side(other, "http://10.0.3.7:8000", 2)
    few = [{"path": path} for path in PATHS if path != "$.total_cents"]
    many = [{"path": f"$.lines[*].field_{number}"} for number in range(1_000)]
    every = {
        "ignore": few,
        "tolerance": [{"path": "$.lines", "absolute": 1}],
        "unordered": [{"path": "$.customer.tags"}],
        "structure_only": [{"path": "$.links"}],
    }
    sets = {
        "no rules": NO_RULES,
        "10 ignore rules": ruled(ignore=few),
        "1,000 ignore rules": ruled(ignore=many),
        "rules of four kinds": ruled(**every),
    }
    for rules in sets.values():
        assert len(compare("GET", primary, shadow, rules).differences) == 1
    return {name: partial(compare, "GET", primary, shadow, rules) for name, rules in sets.items()}


def paths() -> dict[str, Run]:
    document = order(7)
    ours = PathIndex([(parse_body_path(path), None) for path in PATHS])
    runs: dict[str, Run] = {"ours": lambda: ours.covers(PLACE)}
    if find_spec("jsonpath_rfc9535"):
        import jsonpath_rfc9535

        compiled = [jsonpath_rfc9535.compile(path) for path in PATHS]
        runs["jsonpath-rfc9535"] = lambda: _covers([path.find(document) for path in compiled], "location")
    if find_spec("jsonpath"):
        import jsonpath

        queries = [jsonpath.compile(path) for path in PATHS]
        runs["python-jsonpath"] = lambda: _covers([path.finditer(document) for path in queries], "parts")
    assert not any(run() for run in runs.values())
    return runs


def patterns() -> dict[str, Run]:
    dated, hostile = LinearPattern("[0-9]{4}-[0-9]{2}"), LinearPattern("(a+)+$")
    same, backtracking = re.compile("[0-9]{4}-[0-9]{2}"), re.compile("(a+)+$")
    date, bomb = "2024-05", "a" * 20 + "!"
    return {
        "RE2, a date": lambda: dated.matches(date.encode()),
        "re, a date": lambda: same.fullmatch(date),
        "RE2, (a+)+$": lambda: hostile.matches(bomb.encode()),
        "re, (a+)+$": lambda: backtracking.fullmatch(bomb),
    }


def _covers(selected: list[Any], location: str) -> bool:
    return any(PLACE[: len(at := tuple(getattr(node, location)))] == at for nodes in selected for node in nodes)


def table(title: str, runs: dict[str, Run], rounds: int) -> None:
    times = measure(runs, rounds)
    print(f"{title + ', µs, median':44}")
    first = statistics.median(next(iter(times.values())))
    for name, column in times.items():
        median = statistics.median(column)
        print(f"  {name:30}{median:14,.2f}{median / first:12,.1f} ×")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    gc.disable()
    table("One comparison of 2 kB, one leaf changed", comparisons(), given.rounds)
    table("Ten paths, one place", paths(), given.rounds)
    table("One value", patterns(), min(given.rounds, 3))
