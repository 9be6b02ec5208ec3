"""Every command that a page tells its reader to type exists, with its options."""

from __future__ import annotations

import re

import click
import pytest
from darklaunch_console.cli.program import program

from .page import page

PAGES = [
    "README.md",
    "docs/ARCHITECTURE.md",
    "docs/CAPTURE.md",
    "docs/OPERATING.md",
    "docs/COMPARING.md",
    "docs/TRAFFIC_FILES.md",
    "docs/VERDICT.md",
    "docs/SECURITY.md",
    "docs/RELIABILITY.md",
    "docs/PERFORMANCE.md",
    "docs/EVIDENCE.md",
    "CONTRIBUTING.md",
]
PAGES += [f"examples/{name}.py" for name in ("fastapi_app_v2", "flask_app_v2")]
TYPED = re.compile(r"^(?:    |\$ )(darklaunch .*)$|`(darklaunch [^`]+)`", re.MULTILINE)


def typed(text: str) -> set[str]:
    """Find the commands in a page, without the comments behind them."""
    found = {(line or span).partition("#")[0].strip() for line, span in TYPED.findall(text)}
    return {command for command in found if command.split()[1].isalpha()}


@pytest.mark.parametrize("name", PAGES)
def test_every_command_exists_with_its_options(name: str) -> None:
    for command in typed(page(name)):
        _, *words = command.split()
        found: click.Command | None = program
        while isinstance(found, click.Group) and words and not words[0].startswith("-"):
            found = found.get_command(click.Context(found), words.pop(0))
        assert found is not None, f"{name}: {command}"
        known = {option for parameter in found.params for option in parameter.opts} | {"--help", "--version"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, f"{name}: {command}"


def test_commands_are_found_where_they_stand() -> None:
    assert "darklaunch worker --concurrency 64 --processes 2" in typed(page("README.md"))
    assert len(typed(page("docs/OPERATING.md"))) > 5
