"""docs/OPERATING.md against the code: settings, bounds, exit codes, counters, recipes."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
from darklaunch_comparator import run as comparator_run
from darklaunch_comparator import settings as comparator_settings
from darklaunch_comparator.credentials import names as credentials
from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.migrate import OLDEST_SERVER
from darklaunch_console import errors
from darklaunch_console.cli.program import program
from darklaunch_console.doctor import check_redis
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.launch.states import STALE_S
from darklaunch_shared.redis.consumer import MAX_DEAD_LETTERS
from darklaunch_shared.redis.presence import ALIVE_MS
from darklaunch_workers import settings as worker_settings
from darklaunch_workers import shard_consumer as worker_shard_consumer
from darklaunch_workers.protection.limits import OUTAGE_FAILURES, AdaptiveLimit
from darklaunch_workers.replay.outcome import GRACE_S
from darklaunch_workers.settings import WorkerSettings

from .page import ROOT, indented, page, section, table

TEXT = page("docs/OPERATING.md")
SPEC = LaunchSpec("http://shadow")
PACKAGES = [ROOT / "workers", ROOT / "comparator", ROOT / "console", ROOT / "shared"]


def variables(kind: str) -> dict[tuple[str, ...], tuple[str, str]]:
    """Read the table of a part's settings: variables, in order → (option, default)."""
    rows = table(TEXT, f"{kind} variable")
    return {tuple(re.findall(r"[A-Z_]{4,}", names)): (option, default) for names, option, default, _ in rows}


def read_from(module: Any) -> set[tuple[str, ...]]:
    """Return the variables that a settings module reads."""
    names = {(name,) if isinstance(name, str) else tuple(name) for name in module._VARIABLES.values()}
    return names | ({tuple(module._REDIS_URL)} if hasattr(module, "_REDIS_URL") else set())


@pytest.mark.parametrize(
    ("kind", "module", "settings"),
    [
        ("worker", worker_settings, WorkerSettings),
        ("comparator", comparator_settings, ComparatorSettings),
    ],
)
def test_a_parts_settings_are_documented_with_their_defaults(kind: str, module: Any, settings: Any) -> None:
    documented = variables(kind)
    assert set(documented) == read_from(module)
    assert module.read_settings({names[0]: default for names, (_, default) in documented.items()}) == settings()
    options = {option for option, _ in documented.values() if option}
    command = program.get_command(click.Context(program), kind)
    assert command is not None
    known = {each for parameter in (*command.params, *program.params) for each in parameter.opts}
    assert options <= known
    assert {each for each in known if each[2:] in settings.model_fields} <= options


def test_every_variable_in_the_code_is_documented() -> None:
    code = "".join(path.read_text() for package in PACKAGES for path in package.rglob("*.py"))
    named = set(re.findall(r"\bDARKLAUNCH_[A-Z_]*[A-Z]\b", code))
    assert named == {name for name in set(re.findall(r"\bDARKLAUNCH_[A-Z_]*[A-Z]\b", TEXT)) if name in code}
    assert {name for names, _ in table(TEXT, "variable") for name in re.findall(r"[A-Z_]{4,}", names)} >= {
        "DARKLAUNCH_HOME",
        "DARKLAUNCH_DEBUG",
        "NO_COLOR",
    }


@pytest.mark.parametrize(
    "said",
    [
        f"heartbeat to Redis within {ALIVE_MS / 1000:g} s",
        f"deadline + {GRACE_S:g} s, which is {SPEC.deadline_s + worker_shard_consumer.FINISH_S:g} s by default",
        f"records the exchanges it holds, for at most {comparator_run.GRACE_S:g} s",
        f"It begins with {AdaptiveLimit(64).limit},",
        f"twice a replay's deadline + 5 ({SPEC.lease_s:g} by default)",
        f"the launch's maximal age + 5 leases ({SPEC.max_age_s + 5 * SPEC.lease_s:g} by default)",
        f"**Redis {'.'.join(map(str, check_redis.OLDEST_VERSION))} or newer",
        f"**Postgres {OLDEST_SERVER // 10_000} or newer",
        f"holds at most {SPEC.max_entries:,} per shard",
        f"agree within {check_redis.SKEW_WARN_S:g} s",
        f"too old after `--max-age` ({SPEC.max_age_s / 60:g} min)",
        f"cannot be read for {STALE_S:g} s",
        f"The latest {MAX_DEAD_LETTERS:,} per shard are kept",
        f"after the lease ({SPEC.lease_s:g} s by default)",
        f"another takes over after {ComparatorSettings().lease_s:g} s",
        f"after {OUTAGE_FAILURES} failures in a row",
    ],
)
def test_the_documented_bounds_are_the_bounds(said: str) -> None:
    assert said in " ".join(TEXT.split())


def test_the_exit_codes_are_the_exit_codes() -> None:
    known = {0, errors.EXIT_FAILED, errors.EXIT_USAGE, errors.EXIT_UNREACHABLE}
    known |= {errors.EXIT_NO_VERDICT, errors.EXIT_INTERRUPTED, errors.EXIT_PIPE_CLOSED}
    assert {int(code) for code, _ in table(TEXT, "code")} == known


def test_every_counter_of_the_ledger_on_redis_is_explained() -> None:
    scripts = [path.read_text() for package in PACKAGES for path in package.rglob("*.lua")]
    counted = {name for script in scripts for name in re.findall(r"'HINCRBY', KEYS\[\d\], '(\w+)'", script)}
    passed = {"replayed", "dropped", "recorded", "dead", "foreign", "repeated"}  # what consumers finish and bury under
    code = "".join(path.read_text() for package in PACKAGES for path in package.rglob("*.py"))
    assert all(f'"{name}"' in code for name in passed)
    (paragraph,) = (part for part in TEXT.split("\n- ") if part.startswith("The ledger on Redis"))
    assert set(re.findall(r"`(\w+)`", paragraph)) == counted | passed


def test_every_reason_is_one_that_the_code_gives() -> None:
    code = "".join(path.read_text() for package in PACKAGES for path in package.rglob("*.py"))
    for names, _ in table(TEXT, "reason"):
        for reason in re.findall(r"\w+", names):
            assert f'"{reason}"' in code, reason


def test_the_names_of_credentials_are_listed() -> None:
    words, ends, pairs = (row[1] for row in table(TEXT, "a name counts when"))
    assert set(words.split(", ")) == credentials.ANYWHERE
    assert set(ends.split(", ")) == credentials.AT_THE_END
    assert set(pairs.split(", ")) == credentials.PAIRS


def test_the_recipes_are_those_of_the_readme() -> None:
    readme = section(page("README.md"), "## Look with redis-cli, and stop with it")
    assert indented(section(TEXT, "## With redis-cli")) == indented(readme)
