"""A secret at any place that is masked is in no table of Postgres and in no command's output."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from darklaunch_comparator.store.connect import connect_store
from darklaunch_console.cli.program import program
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import (
    LatencySource,
    NoiseReplay,
    ReplayedVersion,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    pack_replay,
)

from tests.support.exchanges import NOW_MS, PRODUCER
from tests.support.pack_exchange import pack_exchange
from tests.support.planted_secrets import BODIES, FIELDS, fill, find_leaks, plant
from tests.support.recorded import record

ONE, OTHER, ASKED = "quincewo rdly", "melonnfo urly", "papayawo rdly"
LAUNCH = "secrets"
NAMES = [*BODIES, *FIELDS]


def plant_entry(seq: int, name: str) -> Fields:
    """Return a replay with secrets in the request, in three responses, and in the error of every tenth shadow."""
    pair = plant(name, ONE, OTHER)
    content_type, template = BODIES.get(name, ("application/json", "{}"))
    asked = Request(
        "POST",
        f"/pages/{seq}?token={ASKED.replace(' ', '+')}&next=%2Fa%3Ftoken%3D{ASKED.replace(' ', '%2520')}",
        "http://shop",
        (("content-type", content_type), ("x-my-api-key", ASKED), ("cookie", f"sid={ASKED}")),
        fill(template, ASKED, "3").encode(),
    )
    primary = Response(200, pair.primary[1], pair.primary[0], 5.0)
    captured = Exchange(f"{PRODUCER}:{seq}", LAUNCH, NOW_MS, f"GET /{name.replace(' ', '-')}", asked, primary)
    if seq % 10 == 0:
        failed = ShadowError(ShadowErrorClass.PROTOCOL, f"not HTTP: token={ONE.split()[0]}", 1, 5.0, NOW_MS)
        return pack_replay(pack_exchange(captured), failed)
    answers = [
        ShadowResponse(Response(200, headers, body, 6.0), LatencySource.CLIENT, 1, NOW_MS + 50)
        for body, headers in (pair.shadow, plant(name, OTHER, ONE).shadow)
    ]
    return pack_replay(pack_exchange(captured), answers[0], NoiseReplay(ReplayedVersion.SHADOW, answers[1]))


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    record(postgres_dsn, LAUNCH, [plant_entry(seq, name) for seq, name in enumerate(NAMES, 1)])
    return postgres_dsn


def test_in_no_table(dsn: str) -> None:
    rows = 0
    with connect_store(dsn, name="darklaunch-test") as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'darklaunch'"
        ).fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM darklaunch.{table}"):
                rows += 1
                assert find_leaks(write_row(row), ONE, OTHER, ASKED) == [], (table, row)
        assert connection.execute(
            "SELECT count(*) > 40 FROM darklaunch.sample WHERE launch = %s", (LAUNCH,)
        ).fetchone() == (True,)
    assert rows > 300


def write_row(row: tuple[Any, ...]) -> str:
    return " ".join(
        bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
        for value in row
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", LAUNCH), ("report", LAUNCH, "--json"), ("mismatches", LAUNCH), ("mismatches", LAUNCH, "--json"),
        ("noise", LAUNCH), ("noise", LAUNCH, "--json"), ("history", LAUNCH), ("verdict", LAUNCH),
    ],
    ids=" ".join,
)  # fmt: skip
def test_in_no_list(dsn: str, arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(program, ["--database", dsn, *arguments])
    assert result.exit_code in (0, 1, 2), result.output
    assert find_leaks(result.output, ONE, OTHER, ASKED) == []


@pytest.mark.parametrize("command", [("inspect",), ("inspect", "--json"), ("curl",)], ids=" ".join)
def test_in_no_exchange_that_is_shown(dsn: str, command: tuple[str, ...]) -> None:
    for seq, name in enumerate(NAMES, 1):
        arguments = [command[0], "--launch", LAUNCH, f"{PRODUCER}:{seq}", *command[1:]]
        result = CliRunner().invoke(program, ["--database", dsn, *arguments])
        assert find_leaks(result.output, ONE, OTHER, ASKED) == [], name
        assert result.exit_code == 0 or "its bodies were not kept" in result.output, result.output
