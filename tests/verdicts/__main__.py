"""Run launches of known truth: `python -m tests.verdicts`. Prints the table; exit code 1 when a row is wrong.

--only TEXT   rows whose name or setting has this in it
--at-once N   rows at a time, default 4
--write       put what came of these rows into the table in docs/EVIDENCE.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from darklaunch_comparator.store.migrate import migrate
from darklaunch_console.embedded import embedded_servers

from .matrix import run_rows
from .rows import ROWS
from .stage import ROOT
from .table import describe_run, render_table, summarize, write_table


def main() -> int:
    """Run the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="TEXT")
    parser.add_argument("--at-once", type=int, default=4, metavar="N")
    parser.add_argument("--reports", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    options = parser.parse_args()
    wanted = [text.lower() for text in options.only] or [""]
    rows = [row for row in ROWS if any(text in f"{row.name} ({row.setting})".lower() for text in wanted)]
    if options.list:
        print(*(f"{row.name} ({row.setting})" for row in rows), sep="\n")
        return 0
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, embedded_servers(keep=False) as servers:
        migrate(servers.postgres_url)
        runs = run_rows(
            rows,
            servers.redis_url,
            servers.postgres_url,
            Path(directory),
            at_once=options.at_once,
            on_end=lambda run: print(describe_run(run), *([run.report] * options.reports), sep="\n", flush=True),
        )
    table = render_table(runs)
    print("", *table, "", f"{summarize(table[2:])} Took {(time.monotonic() - began_s) / 60:.0f} min.", sep="\n")
    if options.write:
        write_table(ROOT / "docs" / "EVIDENCE.md", runs, ROWS)
    return int(any(run.problems for run in runs))


sys.exit(main())
