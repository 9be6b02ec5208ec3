"""The corpus as values: what is sent where, and the outcome it must end in."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REPEATED = re.compile(r"«(.*?)\*(\d+)»", re.DOTALL)
KINDS = ("request", "write", "answer", "shadow", "stream", "replay")


@dataclass(frozen=True)
class Case:
    """One entry. `given` is the rest of what it says, expanded."""

    kind: str
    number: int
    name: str
    outcome: str
    given: dict[str, Any] = field(repr=False)

    @property
    def mark(self) -> str:
        """What tells its requests apart: the value of X-Case."""
        return f"{self.kind}-{self.number}"

    def read_bytes(self, key: str, default: str = "") -> bytes:
        return str(self.given.get(key, default)).encode("latin-1")

    def lines(self, key: str) -> list[bytes]:
        return [line.encode("latin-1") for line in self.given.get(key, ())]


def read_corpus() -> dict[str, list[Case]]:
    """Read corpus.toml: cases by kind, in order."""
    text = tomllib.loads(Path(__file__).with_name("corpus.toml").read_text())
    assert set(text) == set(KINDS)
    return {
        kind: [
            Case(kind, number, each.pop("name"), each.pop("outcome"), _expanded(each))
            for number, each in enumerate(text[kind])
        ]
        for kind in KINDS
    }


def _expanded(value: Any) -> Any:
    if isinstance(value, str):
        return _REPEATED.sub(lambda found: found[1] * int(found[2]), value)
    if isinstance(value, list):
        return [_expanded(each) for each in value]
    if isinstance(value, dict):
        return {name: _expanded(each) for name, each in value.items()}
    return value
