"""The dashboard's JSON: the same values as `--json` prints, and errors as problem+json."""

from collections.abc import Callable

import httpx
import orjson
from darklaunch_shared.wire.fields import Fields

from tests.support.cli import Cli
from tests.support.exchanges import exchange, replayed


def test_report_and_verdict_are_what_the_commands_print(
    browser: httpx.Client, record_replays: Callable[[list[Fields]], str], launch_name: str, cli: Cli
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1)), replayed(exchange(launch_name, 2), body={"total": 2})])
    report = browser.get(f"/api/v1/launches/{name}/report").json()
    printed = orjson.loads(cli.ok("report", name, "--json"))
    for read in (report, printed):
        read.pop("until")  # these two change from moment to moment
        read["signatures"][0].pop("importance")
    assert report == printed
    verdict = browser.get(f"/api/v1/launches/{name}/verdict").json()
    assert verdict["headline"].startswith("KEEP WATCHING")


def test_events_name_actor_act_and_reason(
    browser: httpx.Client, record_replays: Callable[[list[Fields]], str], launch_name: str
) -> None:
    name = record_replays([])
    (event,) = browser.get(f"/api/v1/launches/{name}/events").json()["events"]
    assert (event["actor"], event["act"], event["reason"]) == ("ann@desk", "started", "the <b>new</b> totals")


def test_the_list_has_every_launch_with_its_ledger(
    browser: httpx.Client, record_replays: Callable[[list[Fields]], str], launch_name: str
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1))])
    launches = {launch["launch"]: launch for launch in browser.get("/api/v1/launches").json()["launches"]}
    assert launches[name]["ledger"]["matched"] == 1
    assert launches[name]["shadow"] == "http://shadow:8000"


def test_an_unknown_launch_is_a_problem_with_its_reason(browser: httpx.Client) -> None:
    response = browser.get("/api/v1/launches/nowhere/report")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert 'no launch "nowhere"' in response.json()["detail"]
    assert browser.get("/api/v1/unknown").json()["status"] == 404


def test_mismatches_and_exchanges_are_json_beside_their_pages(
    browser: httpx.Client, record_replays: Callable[[list[Fields]], str], launch_name: str
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1)), replayed(exchange(launch_name, 2), body={"total": 2})])
    root = f"/api/v1/launches/{name}"
    (mismatch,) = browser.get(f"{root}/mismatches").json()["mismatches"]
    group = browser.get(f"{root}/mismatches/{mismatch['fingerprint']}").json()
    assert (group["count"], [sample["exchange_id"] for sample in group["samples"]]) == (1, ["abcd1234:2"])
    (row,) = browser.get(f"{root}/exchanges?outcome=matched").json()["exchanges"]
    assert row["exchange_id"] == "abcd1234:1"
    assert browser.get(f"{root}/exchanges/abcd1234:1").json()["kept"] is None
    kept = browser.get(f"{root}/exchanges/abcd1234:2").json()["kept"]
    assert kept["shadow"]["answer"]["body"] == {"total": 2}
    assert browser.get(f"{root}/exchanges?outcome=worse").json()["status"] == 400
    assert browser.get(f"{root}/exchanges/abcd1234:3").json()["status"] == 404
