"""`list`: every launch with its figures."""

from typing import Any

import orjson


def test_launches_are_listed_with_their_figures(run: Any, shop: str) -> None:
    lines = run("list").output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    listed = " ".join(lines).split(shop)[1].split()
    assert listed[:10] == ["http://shadow:8000", "active", "–", "10", "%", "40", "39", "17.95", "%", "0"]
    (told,) = [one for one in orjson.loads(run("list", "--json").output) if one["launch"] == shop]
    assert told["ledger"]["sampled"] == 40
