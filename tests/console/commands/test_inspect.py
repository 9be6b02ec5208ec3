"""One exchange side by side, as it is read in 80 columns."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from darklaunch_comparator.store.connect import connect_store
from darklaunch_console.cli.program import program
from darklaunch_console.output.table import measure_width
from darklaunch_console.reports.align_sequences import SAME
from darklaunch_console.reports.columns import render_differing_rows, split_sides
from darklaunch_console.reports.side_by_side import align_documents, align_lines, parse_document
from darklaunch_shared.wire.exchange import Exchange, Headers, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import LatencySource, ShadowErrorClass, ShadowResponse, pack_replay
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exchanges import JSON, unanswered
from tests.support.exchanges import exchange as plain
from tests.support.pack_exchange import pack_exchange
from tests.support.recorded import record

AT_MS = 1_777_636_800_000
GOLDEN = Path(__file__).with_name("inspect.txt")
HTML: Headers = (("content-type", "text/html"), ("date", "now"), ("cache-control", "max-age=60"))
THINGS = [{"id": n, "name": f"Thing {n}", "tags": ["a", "b"], "stock": {"berlin": n, "lyon": 2 * n}} for n in range(9)]
OTHERS = [*THINGS[:3], {**THINGS[3], "name": "Ding 3"}, {"id": 99, "name": "New"}, *THINGS[4:6], *THINGS[7:]]
LONG = "so it goes on and on, " * 20
PAGE = "<html>\n" + "\n".join(f"<p>{n}</p>" for n in range(20)) + "\n</html>"


def entry(
    launch: str,
    seq: int,
    one: object,
    other: object,
    *,
    status: int = 200,
    types: Headers = JSON,
    other_types: Headers | None = None,
    request: Request | None = None,
) -> Fields:
    asked = request or Request("GET", f"/things/{seq}", "http://shop", (), b"")
    left, right = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in (one, other))
    captured = Exchange(f"abcd1234:{seq}", launch, AT_MS, f"GET /{seq}", asked, Response(200, types, left, 5.0))
    answer = Response(status, types if other_types is None else other_types, right, 6.0)
    return pack_replay(pack_exchange(captured), ShadowResponse(answer, LatencySource.CLIENT, 1, AT_MS + 50, "v2"))


def entries(launch: str) -> list[Fields]:
    login = Request("POST", "/login?token=abc", "http://shop", JSON, b'{"user": "ada", "password": "hunter2"}')
    stamps = ({"at": (AT_MS + shift) // 1000, "id": 1, "total_cents": 950} for shift in (0, 2000))
    one, other = stamps
    other["total"] = other.pop("total_cents")
    return [
        entry(launch, 1, {"deep": {"er": [one]}, "a": 1}, {"a": 1, "deep": {"er": [other]}}),
        entry(launch, 2, {"things": THINGS, "next": None}, {"things": OTHERS, "next": None}),
        entry(
            launch,
            3,
            PAGE.encode(),
            PAGE.replace("<p>7</p>", "\x1b[2J\x07 \u202eevil\u2028").replace("<p>15</p>\n", "").encode(),
            types=HTML,
            other_types=HTML[:1],
        ),
        entry(launch, 4, b"\x89PNG\0\1", b"\x89PNG\0\2\3", types=(("content-type", "image/png"),)),
        entry(launch, 5, {"price": 1}, {"error": "division by zero"}, status=500),
        entry(launch, 6, {"token": "one", "role": "admin"}, {"token": "two", "role": "user"}, request=login),
        entry(
            launch,
            7,
            {"title": "A", "text": f"{LONG}end", "big": 2**65, "flag": True},
            {"title": "数字の違い", "text": f"{LONG}stop", "big": 2**65 + 1, "flag": 1},
        ),
        entry(launch, 8, {"ids": list(range(90))}, {"ids": list(range(60))}),
        unanswered(plain(launch, 9), ShadowErrorClass.TIMEOUT),
    ]


@pytest.fixture(scope="module")
def shown(postgres_dsn: str) -> dict[int, str]:
    """Show each of the entries in 80 columns."""
    launch = "inspected"
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        connection.execute("UPDATE darklaunch.salt SET salt = 'the same in every run'")
    record(postgres_dsn, launch, entries(launch))
    runner = CliRunner(env={"COLUMNS": "80", "TZ": "UTC"})
    arguments = ["--database", postgres_dsn, "inspect", "--launch", launch]
    told = {seq: runner.invoke(program, [*arguments, f"abcd1234:{seq}"]) for seq in range(1, 10)}
    assert all(result.exit_code == 0 for result in told.values()), told
    return {seq: result.output for seq, result in told.items()}


def test_exchanges_look_as_they_should(shown: dict[int, str]) -> None:
    """Compare with inspect.txt. To write it anew, look at it, and commit it: DARKLAUNCH_WRITE_GOLDEN=1."""
    stable = "".join(f"{'#' * 80}\n{_stable(text)}" for text in shown.values())
    if "DARKLAUNCH_WRITE_GOLDEN" in os.environ:
        GOLDEN.write_text(stable)
    assert stable == GOLDEN.read_text()


def _stable(text: str) -> str:
    """Leave out the time of day, which is the reader's."""
    return "\n".join([line.partition(", captured ")[0] for line in text.splitlines()]) + "\n"


def test_every_line_fits_80_columns_and_none_steers_the_terminal(shown: dict[int, str]) -> None:
    for text in shown.values():
        for line in text.splitlines():
            assert measure_width(line) <= 80, line
            assert line.isprintable(), line
    assert "\\x1b[2J\\x07 \\u202eevil" in shown[3]


def test_marks_say_without_colour_what_differs(shown: dict[int, str]) -> None:
    assert ['"total_cents":', "950", "<"] in [line.split() for line in shown[1].splitlines()]
    assert "── $.deep.er[0].total_cents, $.deep.er[0].total ──" in shown[1]
    assert "~ " in shown[1] and "~ differs and was excused" in shown[1]
    assert "── $.things[3].name, $.things[4] ──" in shown[2] and "── $.things[6] ──" in shown[2], (
        "one came in, one is gone"
    )
    assert "sha256" in shown[4] and "6 bytes" in shown[4]
    assert "hunter2" not in shown[6] and "masked: query token, $.password" in shown[6]
    assert str(2**65) in shown[7] and str(2**65 + 1) in shown[7], "no number is rounded"
    assert "⋮ 18 more lines" in shown[8]
    assert "no response: timeout" in shown[9]


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run a command with a terminal of 80 columns and 24 lines for its output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "darklaunch_console", *arguments],
        env={**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm", **environment},
        stdin=theirs,
        stdout=theirs,
    )
    os.close(theirs)
    told = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                piece = terminal.read(65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            told += piece
    assert process.wait(60) == 0
    return told.decode().replace("\r\n", "\n")


@pytest.mark.usefixtures("shown")
def test_a_terminal_gets_colours_and_what_is_longer_than_it_a_pager(postgres_dsn: str, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\nexec sed s/primary/PAGED/\n")
    pager.chmod(0o755)
    inspect = ("--database", postgres_dsn, "inspect", "--launch", "inspected")
    short = on_a_terminal(*inspect, "abcd1234:5", PAGER=str(pager))
    assert '\x1b[31m  "price": 1' in short and '\x1b[32m  "error": "division by zero"' in short
    assert "PAGED" not in short
    long = on_a_terminal(*inspect, "abcd1234:2", PAGER=str(pager), NO_COLOR="1")
    assert "PAGED" in long and "\x1b" not in long


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab\x1b\u202e数", max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "a", "b c"]), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60)
@given(VALUES, VALUES)
def test_both_documents_are_shown_whole_and_what_is_alike_has_no_mark(one: Any, other: Any) -> None:
    rows = align_documents(parse_document(json.dumps(one)), parse_document(json.dumps(other)))
    for side, document in (("left", one), ("right", other)):
        written = "".join(getattr(row, side) or "" for row in rows)
        alone = align_documents(parse_document(json.dumps(document)), parse_document(json.dumps(document)))
        assert all(row.mark == SAME for row in alone)
        assert sorted(written.replace(" ", "")) == sorted("".join(row.left or "" for row in alone).replace(" ", ""))
    for line in render_differing_rows(rows, 60):
        assert measure_width("".join(split_sides(line, 60))) <= 60 and "".join(split_sides(line, 60)).isprintable()


def test_members_stand_beside_their_namesakes_whatever_their_order() -> None:
    rows = align_documents(
        parse_document('{"a": 1, "b": [1, 2.50], "a": 2}'), parse_document('{"b": [1, 2.5], "a": 1, "a": 2}')
    )
    assert [row.mark for row in rows] == [SAME] * 5


@pytest.mark.parametrize("size", [20_000])
def test_large_and_deep_bodies_are_laid_out_in_bounded_time(size: int) -> None:
    began = time.process_time()
    rows = align_documents(
        parse_document(json.dumps(list(range(size)))), parse_document(json.dumps(list(range(1, size))))
    )
    assert len(render_differing_rows(rows, 80)) > 5
    texts = [f"line {n % 7}" for n in range(size)], [f"line {n % 5}" for n in range(size)]
    assert len(render_differing_rows(align_lines(*texts), 80)) > 5
    deep = "[" * 300 + "]" * 300
    assert align_documents(parse_document(deep), parse_document(deep.replace("[]", "[1]")))
    with pytest.raises(ValueError, match="deep"):
        parse_document("[" * 100_000)
    assert time.process_time() - began < 8


def test_one_exchange_is_shown_with_what_differs(run: Any, shop: str) -> None:
    result = run("inspect", "abcd1234:31", "--launch", shop)
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "GET /orders/31: $.total_cents: 950 → nothing; $.total: nothing → 950"
    lines = [line.split() for line in result.output.splitlines()]
    assert ['"total_cents":', "950", "<"] in lines
    assert [">", '"total":', "950"] in lines


def test_an_exchange_whose_bodies_were_not_kept_is_still_accounted_for(run: Any, shop: str) -> None:
    result = run("inspect", "abcd1234:32", "--launch", shop)
    assert result.exit_code == 1
    assert "was mismatched" in result.stderr and "were not kept" in result.stderr
