"""What the demo prints: the ledger in words, and only commands that work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from darklaunch_console.demo.narrator import DemoNarrator
from darklaunch_console.demo.story import describe_ledger, tell_kept, tell_next
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.demo import make_evidence, make_problem


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def narrator(lines: list[str]) -> DemoNarrator:
    return DemoNarrator(lambda text, _style: lines.append(text), lambda _progress, _ledger: None)


def test_the_ledger_names_what_was_dropped_and_why() -> None:
    evidence = make_evidence(LaunchStatus.PROMOTED)
    assert describe_ledger(evidence) == "10 reads mirrored: 10 responses equal, 0 different, 0 missing."
    dropped = replace(evidence.ledger, sampled=17, dropped=6, dead=1, dropped_by_reason={"stale": 2, "redis_down": 4})
    described = describe_ledger(replace(evidence, ledger=dropped))
    assert described.endswith("0 missing, 6 dropped (redis down 4, stale 2), 1 not compared.")
    ended = replace(evidence.ledger, sampled=19, dropped=9, dropped_by_reason={"paused": 9})
    described = describe_ledger(replace(evidence, ledger=ended))
    assert described.endswith("0 missing, 9 not sent, because the launch had ended.")


def test_no_command_is_printed_that_needs_what_has_ended(lines: list[str], narrator: DemoNarrator) -> None:
    tell_next(61.0, narrator)
    assert not [line for line in lines if "inspect" in line or "curl" in line]
    assert "  darklaunch demo --keep                the same, left running to look around" in lines


def test_what_is_kept_running_can_be_inspected(
    lines: list[str], narrator: DemoNarrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = [make_problem("GET /quote", "status 200 → 500", sample=f"p:{number}") for number in (1, 2, 3)]
    for name in ("DARKLAUNCH_REDIS_URL", "REDIS_URL", "DARKLAUNCH_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    evidence = make_evidence(LaunchStatus.ROLLED_BACK, *problems)
    tell_kept(evidence, 61.0, narrator)
    assert [line.split("  ")[1] for line in lines[-4:]] == [
        "darklaunch inspect p:1",
        "darklaunch curl p:2",
        "darklaunch report shop-v3",
        "darklaunch history shop-v3",
    ]
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    tell_kept(evidence, 61.0, narrator)
    assert "unset REDIS_URL, which would name other servers; then" in lines
