"""Measure what one comparison costs beside parsing the two bodies with orjson: medians of interleaved rounds.

    python -m bench.compare [--rounds 51] [--no-others]

Every contender runs once in every round, for a millisecond, so that a noisy machine disturbs all of them alike and most
rounds not at all; the collector is off. `× parse` is the median of the rounds' ratios to orjson.loads of the same two
bodies. `answers` is the comparison of two whole answers, status, headers and decoding too; each has a date and a length
of its own but for "the same answer". `documents` is the part of it that takes two JSON texts to the outcome, which is
what deepdiff and dictdiffer do; they get the bodies as orjson parsed them, for free: `uv sync --group bench` installs
them.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from operator import truediv
from typing import Any

import orjson
from darklaunch_comparator.compare import NO_RULES, ComparedResponse, Comparison, ComparisonOutcome, compare
from darklaunch_comparator.compare.collector import DifferenceCollector
from darklaunch_comparator.compare.json_body import compare_json
from darklaunch_comparator.compare.volatile import VolatileValues
from darklaunch_shared.wire.exchange import Response

Run = Callable[[], object]

ROUND_S = 0.001
THE_SAME = "the same answer"
ANSWERED_AT_MS = 1_714_564_800_000
OWN = ("documents", "answers")
OTHERS = {"deepdiff": "DeepDiff", "dictdiffer": "diff"}
SHARED_HEADERS = (
    ("content-type", "application/json"),
    ("server", "uvicorn"),
    ("cache-control", "no-store"),
    ("vary", "Accept-Encoding"),
)


def order(lines: int, *, total: int = 4200, generated_at: str = "2024-05-01T12:00:00.250Z") -> dict[str, Any]:
    """Make the answer of a shop: about 600 bytes and 180 more a line, with what answers hold: ids, dates, prices."""
    return {
        "id": 81_231,
        "status": "paid",
        "currency": "EUR",
        "total_cents": total,
        "gift": False,
        "note": None,
        "customer": {
            "id": "cus_3912",
            "name": "Zoë Öztürk",
            "email": "zoe@example.com",
            "verified": True,
            "score": 0.871,
            "tags": ["returning", "newsletter"],
        },
        "shipping": {
            "street": "Main Street 5",
            "city": "Berlin",
            "zip": "10115",
            "country": "DE",
            "method": "express",
            "cost_cents": 490,
            "tracked": True,
        },
        "created_at": "2024-03-02T08:15:00Z",
        "generated_at": generated_at,
        "lines": [
            {
                "id": 700_000 + number,
                "sku": f"SKU-{number:05}",
                "title": f"A thing of use, number {number}",
                "quantity": 1 + number % 3,
                "price_cents": 1_250 + 7 * number,
                "discount": 0.05,
                "in_stock": number % 4 != 0,
                "attributes": {"colour": "blue", "size": "M", "weight_g": 120},
            }
            for number in range(lines)
        ],
        "links": {"self": "/orders/81231", "invoice": "/orders/81231/invoice"},
    }


def reversed_keys(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: reversed_keys(value) for name, value in reversed(part.items())}
    return [reversed_keys(value) for value in part] if isinstance(part, list) else part


def cases() -> dict[str, tuple[bytes, bytes, int]]:
    """Pair two bodies, and say how many differences there are to be found, by the name of the case."""
    found: dict[str, tuple[bytes, bytes, int]] = {}
    for size, lines in (("2 kB", 8), ("20 kB", 102)):
        document, changed = order(lines), order(lines, total=4300)
        body, indented = orjson.dumps(document), orjson.dumps(document, option=orjson.OPT_INDENT_2)
        later = order(lines, generated_at="2024-05-01T12:00:02.375Z")
        deep = order(lines)
        deep["lines"][lines // 2]["price_cents"] += 1
        found |= {
            f"{size}, {THE_SAME}": (body, bytes(bytearray(body)), 0),
            f"{size}, identical bytes": (body, bytes(bytearray(body)), 0),
            f"{size}, other white space": (body, indented, 0),
            f"{size}, other order of keys": (body, orjson.dumps(reversed_keys(document)), 0),
            f"{size}, one leaf changed": (body, orjson.dumps(changed), 1),
            f"{size}, one leaf changed, deep inside": (body, orjson.dumps(deep), 1),
            f"{size}, one leaf, by json.dumps": (json.dumps(document).encode(), json.dumps(changed).encode(), 1),
            f"{size}, a time moved": (body, orjson.dumps(later), 0),
        }
    return found


def side(body: bytes, origin: str, second: int) -> ComparedResponse:
    """Build one side as a comparator sees it: the fields that never agree are among its headers."""
    date = ("date", f"Wed, 01 May 2024 12:00:0{second} GMT")
    fields = (*SHARED_HEADERS, date, ("content-length", str(len(body))))
    return ComparedResponse(Response(200, fields, body, 1.0), origin, ANSWERED_AT_MS + 1_000 * second)


def contenders(name: str, primary_body: bytes, shadow_body: bytes, expected: int, others: list[str]) -> dict[str, Run]:
    primary, shadow = side(primary_body, "http://shop.example", 0), side(shadow_body, "http://10.0.3.7:8000", 2)
    if name.endswith(THE_SAME):
        shadow = ComparedResponse(
            Response(200, (*primary.response.headers,), shadow_body, 1.0), shadow.origin, shadow.responded_at_ms
        )
    found: Comparison = compare("GET", primary, shadow)
    outcome = ComparisonOutcome.MISMATCHED if expected else ComparisonOutcome.MATCHED
    assert (len(found.differences), found.outcome) == (expected, outcome), found
    runs: dict[str, Run] = {
        "parse": lambda: (orjson.loads(primary_body), orjson.loads(shadow_body)),
        "answers": lambda: compare("GET", primary, shadow),
    }
    if primary_body != shadow_body:
        assert documents(primary_body, shadow_body, primary, shadow) == found
        runs["documents"] = lambda: documents(primary_body, shadow_body, primary, shadow)
    left, right = orjson.loads(primary_body), orjson.loads(shadow_body)
    for other in others:
        difference = getattr(import_module(other), OTHERS[other])
        runs[other] = partial(_list_differences, difference, left, right)
    return runs


def _list_differences(difference: Callable[[Any, Any], Iterable[Any]], left: Any, right: Any) -> list[Any]:
    return list(difference(left, right))


def documents(
    primary_body: bytes, shadow_body: bytes, primary: ComparedResponse, shadow: ComparedResponse
) -> Comparison:
    """Compare two JSON texts alone; the sides say when they were given, and by whom."""
    findings = DifferenceCollector(NO_RULES)
    compare_json(primary_body, shadow_body, VolatileValues(primary, shadow), findings)
    return findings.conclude()


def measure(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Time each contender once a round; microseconds a call, by round."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    repeats = {name: max(1, round(ROUND_S * 1e6 / timed(run, 1))) for name, run in runs.items()}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(timed(run, repeats[name]))
    return times


def timed(run: Run, repeats: int) -> float:
    run()  # whoever ran before it shall not matter
    before = time.perf_counter_ns()
    for _ in range(repeats):
        run()
    return (time.perf_counter_ns() - before) / repeats / 1_000


def table(rounds: int, others: list[str]) -> None:
    own = "".join([f"{name:>12}{'× parse':>9}" for name in OWN])
    print(f"{'µs, median':36}{'parse':>8}{own}", *[f"{name:>12}" for name in others], sep="")
    for name, (primary_body, shadow_body, expected) in cases().items():
        times = measure(contenders(name, primary_body, shadow_body, expected, others), rounds)
        shown = [beside(times[each], times["parse"]) if each in times else " " * 21 for each in OWN]
        slower = [f"{statistics.median(times[other]):12,.0f}" for other in others]
        print(f"{name:36}{statistics.median(times['parse']):8,.1f}", *shown, *slower, sep="")


def beside(own: list[float], parse: list[float]) -> str:
    """Write a median, and the median of its ratios to parsing in the same round."""
    return f"{statistics.median(own):12,.2f}{statistics.median(map(truediv, own, parse)):9.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--no-others", action="store_true", help="leave out deepdiff and dictdiffer, which take long")
    given = parser.parse_args()
    present = [name for name in OTHERS if find_spec(name)] if not given.no_others else []
    gc.disable()
    table(given.rounds, present)
    if not given.no_others and len(present) < len(OTHERS):
        print(f"left out, not installed: {', '.join(sorted(OTHERS.keys() - set(present)))}")
