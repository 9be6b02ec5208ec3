"""A shadow that refuses, resets, hangs, drips, floods, lies or flaps: exchanges end as what happened to them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json

from tests.support.cli import Cli

from . import shadow as acts
from .shadow import Act, Asked, Shadow, http, saying
from .stage import Stage

pytestmark = pytest.mark.faults

DEADLINE_S = 1.5
QUICK: dict[str, Any] = {"max_latency_diff_ms": DEADLINE_S * 1000 - 5000}

ANSWERS: dict[str, tuple[Act, str]] = {
    "reset": (acts.resets, "shadow_error"),
    "black hole": (acts.hangs, "shadow_error"),
    "one byte a second": (acts.drips, "shadow_error"),
    "endless body": (acts.never_ends, "shadow_error"),
    "garbage": (saying(b"\x00\xff" * 5000), "shadow_error"),
    "20,000 times 103": (acts.many_early_answers, "shadow_error"),
    "503": (saying(http(503, b"busy")), "mismatched"),
    "429 with Retry-After": (saying(http(429, b"slow down", "retry-after: 1")), "mismatched"),
    "302 to a metadata address": (
        saying(http(302, b"", "location: http://169.254.169.254/latest/meta-data/")),
        "mismatched",
    ),
    "gzip bomb, 200 MB": (
        saying(http(200, acts.BOMB, "content-type: application/json", "content-encoding: gzip")),
        "",
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answering_badly(stage: Stage, answer: str) -> None:
    act, outcome = ANSWERS[answer]
    hook = stage.up(per_s=10 if "bomb" in answer else 40, **QUICK)
    stage.shadow.act = act
    began_s = time.time()
    if outcome == "shadow_error":
        stage.until(lambda: stage.rows(outcome) >= 5)
    else:
        stage.until(lambda: stage.rows(*([outcome] if outcome else []), since_s=began_s) >= 5)
    time.sleep(1)
    stage.shadow.act = acts.fine
    stage.mended("matched")
    hook.rest()
    account = stage.finish(f"shadow: {answer}")
    assert account["dropped"] == {}
    assert account["outcomes"]["dead"] == 0
    assert max(process.peak_mib for process in stage.processes) < 150


def test_refusing(stage: Stage) -> None:
    stage.up(**QUICK)
    stage.shadow.refuse()
    time.sleep(3)
    stage.shadow.listen()
    stage.mended("matched")
    account = stage.finish("shadow: refused 3 s")
    assert account["dropped"] == {} and account["outcomes"]["shadow_error"] > 0


@pytest.mark.slow
def test_a_shadow_that_refuses_every_connection_is_said_in_15_s_and_rolled_back_in_60_s(stage: Stage) -> None:
    stage.shadow.refuse()
    stage.launch(policy=dump_policy_json(JudgePolicy(mode=JudgeMode.AUTO)))
    stage.worker()
    stage.comparator()
    hook = stage.hook()
    hook.load(24)
    began_s = time.monotonic()
    verdict = "SELECT 1 FROM darklaunch.event WHERE launch = %s AND act = 'verdict' AND reason LIKE 'shadow down%%'"
    stage.until(lambda: stage.sql(verdict, stage.name), limit_s=15)
    cli = Cli(stage.redis.url, stage.dsn, str(stage.directory))
    for command in (["list"], ["report", stage.name], ["watch", stage.name, "--once"], ["doctor"]):
        said = cli.run(*command).stdout
        assert "shadow down" in said.partition("\n")[0].lower(), said
    ended = "SELECT reason FROM darklaunch.event WHERE launch = %s AND act = 'rolled_back'"
    stage.until(lambda: stage.sql(ended, stage.name), limit_s=60 - (time.monotonic() - began_s))
    assert "refuses connections: none of " in stage.sql(ended, stage.name)[0][0]
    hook.rest()
    stage.finish("shadow: refuses every connection")


def test_a_breaker_opens_and_probes_at_most_once_a_second(stage: Stage) -> None:
    stage.shadow.act = acts.resets
    stage.launch(**QUICK)
    stage.worker()
    stage.worker()
    stage.comparator()
    time.sleep(1.5)  # they learn of one another
    stage.hook().load(100)
    stage.until(lambda: len(stage.shadow.asked) >= 10)
    time.sleep(2)
    opened_s = time.monotonic()
    time.sleep(4)
    probes = stage.shadow.between(opened_s, opened_s + 4)
    stage.shadow.act = acts.fine
    stage.mended("matched")
    stage.finish("shadow: breaker open 4 s under 100 requests a second")
    assert 1 <= probes <= 6, probes


def test_flapping_brings_no_herd(stage: Stage) -> None:
    hook = stage.up(workers=2, per_s=100, **QUICK)
    for _ in range(3):
        stage.shadow.act = acts.resets
        time.sleep(1.5)
        stage.shadow.most_at_once = 0
        stage.shadow.act = acts.fine
        stage.shadow.delay_s = 0.02
        time.sleep(1.5)
        assert stage.shadow.most_at_once <= 2 * 16
    stage.shadow.delay_s = 0.0
    hook.rest()
    hook.load(50)
    stage.mended("matched")
    assert stage.finish("shadow: flapping, 3 times")["dropped"] == {}


def test_the_rate_is_kept_by_all_workers_together(stage: Stage) -> None:
    stage.launch(max_rps=40.0)
    stage.worker()
    stage.worker()
    stage.comparator()
    time.sleep(2.5)  # they learn of one another
    hook = stage.hook()
    hook.load(200)
    time.sleep(1)
    began_s = time.monotonic()
    time.sleep(4)
    hook.rest()
    sent = stage.shadow.between(began_s, began_s + 4)
    assert 80 <= sent <= 40 * 4 * 1.2, sent
    stage.respecify(max_rps=0.0)
    stage.finish("shadow: 200 requests a second, 40 allowed")


def test_retries_are_a_tenth_at_most_and_the_limit_adapts(stage: Stage) -> None:
    async def busy(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.02)
        writer.write(http(503, b"busy", "retry-after: 0"))
        return True

    stage.shadow.act = busy
    stage.launch(**QUICK)
    stage.worker()
    stage.comparator()
    hook = stage.hook()
    hook.load(150)
    stage.until(lambda: len(stage.shadow.asked) >= 100)
    stage.shadow.most_at_once = 0
    stage.until(lambda: len(stage.shadow.asked) >= 300)
    tries = Counter(asked.exchange for asked in list(stage.shadow.asked))
    assert sum(tries.values()) - len(tries) <= 0.1 * len(tries) + 1
    assert stage.shadow.most_at_once <= 3, "a congested shadow gets two at a time"
    stage.shadow.act = acts.fine
    stage.mended("matched")
    stage.finish("shadow: 503 with Retry-After to everything")


def test_one_launchs_sick_shadow_slows_no_other(stage: Stage) -> None:
    well = Shadow()
    try:
        other = f"{stage.name}-well"
        stage.launch(**QUICK)
        stage.launch(other, shadow=well.origin)
        stage.shadow.act = acts.hangs
        stage.worker()
        stage.comparator()
        hook = stage.hook()
        stage.until(lambda: len(hook.recorder.snapshot.sampling_launches) == 2)
        began_s = time.time()
        hook.load(50)
        stage.until(lambda: stage.rows("matched", since_s=began_s, name=other) >= 150, 15)
        assert stage.rows("matched", since_s=began_s) == 0
        hook.rest()
        stage.shadow.act = acts.fine
        stage.until(lambda: stage.rows(name=other) == stage.asked_of(other))
        hook.load(20)
        stage.mended("matched")
        stage.finish("shadow: one launch's hangs, another's is well")
    finally:
        well.close()
