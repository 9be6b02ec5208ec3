"""Launches of known truth, through everything real: the whole matrix, and the short form of it that CI runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from darklaunch_console.embedded import Valkey

from .matrix import run_rows
from .row import Row
from .rows import ROWS, SHORT_FORM
from .table import describe_run, render_table, summarize


def run_all(rows: Sequence[Row], valkey: Valkey, dsn: str, directory: Path, *, at_once: int) -> None:
    runs = run_rows(rows, valkey.url, dsn, directory, at_once=at_once)
    table = render_table(runs)
    print("", *table, summarize(table[2:]), sep="\n")
    wrong = [describe_run(run) for run in runs if run.problems]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_launches_end_as_their_truth_asks(own_valkey: Valkey, own_postgres_dsn: str, tmp_path: Path) -> None:
    run_all(SHORT_FORM, own_valkey, own_postgres_dsn, tmp_path, at_once=len(SHORT_FORM))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_launch_of_the_matrix_ends_as_its_truth_asks(
    own_valkey: Valkey, own_postgres_dsn: str, tmp_path: Path
) -> None:
    run_all(ROWS, own_valkey, own_postgres_dsn, tmp_path, at_once=4)
