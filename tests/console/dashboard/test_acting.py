"""Acting over raw HTTP: who may, which requests are refused, and that the record says who it was and why."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import Fields, pair_fields

from tests.support.cli import Cli, closed_port
from tests.support.dashboard import START_S, serve_dashboard
from tests.support.exchanges import exchange, replayed

TOKEN = "a-token-for-the-tests"


@pytest.fixture
def address(postgres_dsn: str, redis_url: str) -> Iterator[str]:
    with serve_dashboard(postgres_dsn, redis_url=redis_url, token=TOKEN) as address:
        yield address


@pytest.fixture
def anyone(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=START_S) as client:
        yield client


@pytest.fixture
def mira(anyone: httpx.Client) -> httpx.Client:
    """A client that has signed in."""
    answer = anyone.post("/sign-in", data={"name": "mira", "token": TOKEN, "next": "/"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return anyone


def read_csrf(client: httpx.Client, path: str) -> str:
    found = re.search(r'data-act-form.*?name="csrf" value="(\w+)"', client.get(path).text, re.DOTALL)
    assert found, path
    return found[1]


def act(client: httpx.Client, launch: str, name: str, **fields: str) -> httpx.Response:
    """Ask as the button does, then confirm."""
    path = f"/launches/{launch}/acts/{name}"
    return client.post(path, data={"csrf": read_csrf(client, path), **fields})


def read_status(redis: RedisClient, launch: str) -> LaunchStatus:
    return parse_state(launch, pair_fields(redis.execute_command("HGETALL", keys.launch(launch)))).status


def read_last_event(client: httpx.Client, launch: str) -> dict:
    return client.get(f"/api/v1/launches/{launch}/events").json()["events"][0]


def test_pause_resume_and_ramp_do_what_the_commands_do_and_name_who_it_was(
    mira: httpx.Client, launched: str, redis: RedisClient
) -> None:
    answer = act(mira, launched, "pause", reason="lunch")
    assert answer.status_code == 303
    assert f"{launched} is paused: within a second nothing is mirrored" in mira.get(answer.headers["location"]).text
    assert read_status(redis, launched) is LaunchStatus.PAUSED
    event = read_last_event(mira, launched)
    assert (event["act"], event["actor"], event["reason"]) == ("paused", "mira (dashboard)", "lunch")
    act(mira, launched, "resume")
    assert read_status(redis, launched) is LaunchStatus.ACTIVE
    assert act(mira, launched, "ramp", percent="25").status_code == 303
    assert "25 % of requests" in mira.get(f"/launches/{launched}").text


def test_a_share_that_is_none_is_refused_with_the_sentence_of_the_command(mira: httpx.Client, launched: str) -> None:
    answer = act(mira, launched, "ramp", percent="250")
    assert answer.status_code == 409
    assert "between 0 and 100" in answer.text


def test_promoting_against_the_verdict_needs_a_reason_and_the_name_typed(
    mira: httpx.Client, launched: str, redis: RedisClient
) -> None:
    assert "against the verdict" in mira.get(f"/launches/{launched}/acts/promote").text
    for fields in ({}, {"reason": "tried by hand"}, {"confirm": launched}):
        refused = act(mira, launched, "promote", **fields)
        assert refused.status_code == 409
        assert "nothing of it has been judged yet" in refused.text
    assert read_status(redis, launched) is LaunchStatus.ACTIVE
    assert act(mira, launched, "promote", reason="tried by hand", confirm=launched).status_code == 303
    assert read_status(redis, launched) is LaunchStatus.PROMOTED


@pytest.mark.parametrize(
    ("headers", "fields", "status"),
    [
        ({}, {}, 403),
        ({}, {"csrf": "0" * 64}, 403),
        ({"origin": "https://evil.example"}, {"csrf": "right"}, 403),
        ({"origin": "null"}, {"csrf": "right"}, 403),
        ({"sec-fetch-site": "cross-site"}, {"csrf": "right"}, 403),
        ({"sec-fetch-site": "same-site"}, {"csrf": "right"}, 403),
        ({"content-type": "text/plain"}, {"csrf": "right"}, 403),
        ({}, {"csrf": "right", "reason": "x" * 20_000}, 400),
    ],
)
def test_a_form_of_another_site_or_without_its_proof_changes_nothing(
    mira: httpx.Client, launched: str, redis: RedisClient, headers: dict, fields: dict, status: int
) -> None:
    path = f"/launches/{launched}/acts/rollback"
    right = read_csrf(mira, path)
    sent = {name: right if value == "right" else value for name, value in fields.items()}
    assert mira.post(path, data=sent, headers=headers).status_code == status
    assert read_status(redis, launched) is LaunchStatus.ACTIVE


def test_get_changes_nothing_and_leads_whoever_is_not_signed_in_to_the_token(
    anyone: httpx.Client, launched: str, redis: RedisClient
) -> None:
    answer = anyone.get(f"/launches/{launched}/acts/rollback")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2Flaunches%2F")
    assert anyone.post(f"/launches/{launched}/acts/rollback", data={"csrf": "x"}).status_code == 401
    assert anyone.get(f"/launches/{launched}/acts/explode").status_code == 404
    assert read_status(redis, launched) is LaunchStatus.ACTIVE
    assert "data-act" not in anyone.get(f"/launches/{launched}").text


def test_a_wrong_token_and_a_cookie_of_another_token_admit_nobody(
    anyone: httpx.Client, postgres_dsn: str, redis_url: str
) -> None:
    answer = anyone.post("/sign-in", data={"name": "eve", "token": "guess"})
    assert (answer.status_code, answer.cookies.get("darklaunch")) == (401, None)
    with serve_dashboard(postgres_dsn, redis_url=redis_url, token="another-token-entirely") as address:
        elsewhere = httpx.post(f"{address}/sign-in", data={"name": "eve", "token": "another-token-entirely"})
    cookie = elsewhere.headers["set-cookie"].partition(";")[0]
    assert "Signed in" not in anyone.get("/", headers={"cookie": cookie}).text


def test_the_session_cookie_is_kept_from_scripts_and_from_other_sites(anyone: httpx.Client) -> None:
    answer = anyone.post("/sign-in", data={"name": "mira", "token": TOKEN, "next": "//evil.example/"})
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie


def test_signing_out_ends_it(mira: httpx.Client) -> None:
    page = mira.get("/").text
    assert "Signed in as mira" in page
    csrf = re.search(r'name="csrf" value="(\w+)"', page)
    assert csrf
    mira.post("/sign-out", data={"csrf": csrf[1]})
    assert "Signed in" not in mira.get("/").text


def test_without_a_token_everybody_reads_and_nobody_acts(
    postgres_dsn: str, redis_url: str, launched: str, redis: RedisClient
) -> None:
    with serve_dashboard(postgres_dsn, redis_url=redis_url) as address:
        path = f"{address}/launches/{launched}/acts/rollback"
        assert httpx.get(path).status_code == 403
        assert httpx.post(path, data={"csrf": "x"}).status_code == 403
        assert httpx.post(f"{address}/sign-in", data={"name": "eve", "token": ""}).status_code == 401
        api = f"{address}/api/v1/launches/{launched}/acts/rollback"
        assert httpx.post(api, headers={"authorization": "Bearer guess"}).status_code == 403
        assert launched in httpx.get(address).text
    assert read_status(redis, launched) is LaunchStatus.ACTIVE


def test_words_of_a_notice_cannot_be_put_on_a_page_by_a_link(mira: httpx.Client) -> None:
    assert "Send money" not in mira.get("/?notice=Send+money").text


def test_roll_back_works_while_postgres_is_away(
    mira: httpx.Client, launched: str, redis_url: str, redis: RedisClient
) -> None:
    nowhere = f"postgresql://postgres@127.0.0.1:{closed_port()}/x"
    with (
        serve_dashboard(nowhere, redis_url=redis_url, token=TOKEN) as address,
        httpx.Client(base_url=address, timeout=START_S) as client,
    ):
        client.post("/sign-in", data={"name": "mira", "token": TOKEN})
        assert act(client, launched, "rollback", reason="it is night").status_code == 303
    state = parse_state(launched, pair_fields(redis.execute_command("HGETALL", keys.launch(launched))))
    assert state.hold


def test_a_group_is_accepted_with_a_reason_and_opened_again(
    mira: httpx.Client, record_replays: Callable[[list[Fields]], str], launch_name: str
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1), body={"total": 2})])
    report = mira.get(f"/api/v1/launches/{name}/report").json()
    fingerprint = report["signatures"][0]["fingerprint"]
    group = f"/launches/{name}/mismatches/{fingerprint}"
    assert "Accept as intended…" in mira.get(group).text
    csrf = read_csrf(mira, f"{group}/acts/accept")
    assert mira.post(f"{group}/acts/accept", data={"csrf": csrf, "reason": " "}).status_code == 400
    answer = mira.post(f"{group}/acts/accept", data={"csrf": csrf, "reason": "the new totals"})
    assert answer.status_code == 303
    page = mira.get(answer.headers["location"]).text
    assert "is accepted." in page
    assert "Open again…" in page
    event = read_last_event(mira, name)
    assert (event["actor"], event["reason"]) == ("mira (dashboard)", "the new totals")
    assert mira.post(f"{group}/acts/reopen", data={"csrf": csrf}).status_code == 303


def test_a_program_acts_with_the_token_and_no_browser_session_does(
    mira: httpx.Client, launched: str, redis: RedisClient
) -> None:
    path = f"/api/v1/launches/{launched}/acts/pause"
    refused = mira.post(path, json={})
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert mira.get(path, headers=bearer).status_code == 405
    assert mira.post(path, content=b"[1]", headers=bearer).status_code == 400
    done = mira.post(path, json={"reason": "deploy", "by": "ci"}, headers=bearer).json()
    assert done["changed"] is True
    assert read_last_event(mira, launched)["actor"] == "ci (API)"
    assert mira.post(path, headers=bearer).json()["changed"] is False
    objections = mira.post(f"/api/v1/launches/{launched}/acts/promote", headers=bearer)
    assert objections.status_code == 409
    assert read_status(redis, launched) is LaunchStatus.PAUSED


def test_the_commands_and_the_page_say_the_same(mira: httpx.Client, launched: str, cli: Cli) -> None:
    assert act(mira, launched, "rollback", reason="slow").status_code == 303
    assert cli.ok("rollback", launched) == f"{launched} is rolled back already: nothing is mirrored.\n"
