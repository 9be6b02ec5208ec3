"""A frame of `watch`: the verdict first, within every terminal's size."""

from darklaunch_comparator.judging.policy import FailureBudgets, JudgePolicy, RampStep
from darklaunch_console.output.table import measure_width
from darklaunch_console.reports.watch_data import WatchReader
from darklaunch_console.reports.watch_frame import render_frame
from darklaunch_console.reports.watch_lines import strip_styles
from darklaunch_console.settings import read_settings

from tests.support.judge_traffic import ENDPOINTS, traffic

STEPS = (RampStep(50, 0.05, 100), RampStep(100, 0.01, 300))


POLICY = JudgePolicy(steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05)


def look(cli, harness):
    watcher = WatchReader(read_settings({k: v for k, v in cli.environment.items() if v}, None, None), harness.name)
    try:
        return watcher.look()
    finally:
        watcher.close()


def test_a_frame_has_the_verdict_first_and_fits_every_terminal(cli, harness):
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={ENDPOINTS[1]: 0.01}, slow=0.002))
    seen = look(cli, harness)
    for columns in (60, 72, 80, 100, 120):
        for rows in (12, 23, 39):
            lines = [strip_styles(line) for line in render_frame(seen, columns, rows, trouble="Postgres is away. " * 8)]
            assert len(lines) <= rows
            assert max(measure_width(line) for line in lines) <= columns
    lines = cli.run("watch", harness.name, "--once").stdout.splitlines()
    assert lines[0].startswith(("KEEP WATCHING: 1,000 exchanges judged, about ", "PROMOTE: "))
    (mismatch,) = [line for line in lines if line.startswith("mismatch")]
    assert mismatch.split()[1] == str(seen.ledger.mismatched)
    (evidence,) = [line for line in lines if line.startswith("all together")]
    assert evidence.endswith("may be chance") or " 1 in " in evidence
    assert any(line.startswith("Ledger      1,000 sampled = ") for line in lines)
    assert any(line.startswith("Backlog     nothing waits") for line in lines)
