"""The whole demo: both acts on one stage, and the stage left running afterwards if wanted."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from darklaunch_comparator.judging.policy_file import dump_policy
from darklaunch_shared.process.shutdown import handle_stop_signals

from darklaunch_console.cli.extras import DASHBOARD_PORT, is_dashboard_installed
from darklaunch_console.embedded import embedded_servers
from darklaunch_console.errors import ConsoleError
from darklaunch_console.reports.report_json import report_to_json
from darklaunch_console.running.pipeline import find_port

from . import expected, second_act
from .expected import PLANTED
from .first_act import FirstActResult, find_regressions, roll_back
from .load import LoadSummary
from .narrator import DemoNarrator, open_narrator
from .second_act import POLICY, SecondActResult, ramp_up
from .stage import DemoStage, open_stage
from .story import tell_first_act, tell_kept, tell_next, tell_second_act

CHECK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came out of both acts; `mistakes` is empty when all came out as it should."""

    first: FirstActResult
    second: SecondActResult
    mistakes: tuple[str, ...]
    took_s: float


@contextlib.contextmanager
def run_demo(*, keep: bool, to_stderr: bool) -> Generator[tuple[DemoResult, Callable[[], None]]]:
    """Run both acts and print them.

    Yields the result and a function that keeps everything running until SIGINT or SIGTERM. All ends with the block.
    With `keep`, other commands of this user find the servers. Raises ConsoleError when the demo cannot go on.
    """
    began_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        with open_narrator(to_stderr=to_stderr) as narrator:
            narrator.tell("Starting Valkey, Postgres and a shop with 24,000 orders, for this demo only.", indent="")
            narrator.tell()
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darklaunch-demo-")))
            servers = stack.enter_context(embedded_servers(keep=False, announce=keep))
            stage = stack.enter_context(open_stage(servers, directory))
            if keep and is_dashboard_installed():
                _open_dashboard(stage, narrator)
            result = _play(stage, narrator, began_s)
            if keep:
                tell_kept(result.first.evidence, result.took_s, narrator)
            else:
                tell_next(result.took_s, narrator)
        yield result, lambda: _keep_running(stage)


def _open_dashboard(stage: DemoStage, narrator: DemoNarrator) -> None:
    """Start the dashboard and print where it is."""
    port = find_port(DASHBOARD_PORT)
    stage.start_process("dashboard", "darklaunch_console", "dashboard", "--port", str(port))
    narrator.tell(f"Watch it in a browser: http://127.0.0.1:{port}/", indent="")
    narrator.tell()


def demo_to_json(result: DemoResult) -> dict[str, object]:
    """Return what `demo --json` prints."""
    first, second = result.first, result.second
    return {
        "as_expected": not result.mistakes,
        "mistakes": list(result.mistakes),
        "took_s": round(result.took_s, 1),
        "planted": [{"endpoint": planted.endpoint, "what": planted.what} for planted in PLANTED],
        "v2": {**report_to_json(first.evidence), "answer": first.answer.value, "users": _users_to_json(first.users)},
        "v3": {
            **report_to_json(second.evidence),
            "policy": dump_policy(POLICY),
            "shares": list(second.shares),
            "ended_by": second.ended_by,
            "users": _users_to_json(second.users),
        },
    }


def _play(stage: DemoStage, narrator: DemoNarrator, began_s: float) -> DemoResult:
    first = find_regressions(stage, narrator)
    first_mistakes = expected.find_mistakes(first.evidence, first.answer, first.users)
    roll_back(stage)
    tell_first_act(first, first_mistakes, narrator)
    second = ramp_up(stage, narrator)
    second_mistakes = second_act.find_mistakes(second)
    tell_second_act(second, second_mistakes, narrator)
    return DemoResult(first, second, (*first_mistakes, *second_mistakes), time.monotonic() - began_s)


def _keep_running(stage: DemoStage) -> None:
    """Return at SIGINT or SIGTERM. Raises ConsoleError when a process or a server has ended by itself."""
    signals: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        signals.append(number)

    with handle_stop_signals(handle):
        while not signals:
            stage.check()
            for server in stage.servers.processes:
                if server.exit_code() is not None:
                    raise ConsoleError(f"{server.name} ended by itself. Its log is {server.log_path}")
            time.sleep(CHECK_EVERY_S)


def _users_to_json(users: LoadSummary) -> dict[str, object]:
    return {"sent": users.sent, "errors": users.errors, "latency_ms": asdict(users.latencies)}
