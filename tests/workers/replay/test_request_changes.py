"""What a launch changes in its shadow's requests arrives there, and nothing is sent where it cannot be applied."""

from pathlib import Path
from typing import Any

import pytest
from darklaunch_shared.launch.request_changes import compile_request_changes
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_workers.http import ShadowRequest, UnsendableRequest
from darklaunch_workers.replay import request_changes
from darklaunch_workers.replay.request_changes import RequestChanger

from tests.support.workers import (
    admit_many,
    publish,
    read_drop_reasons,
    read_ledger,
    read_outcomes,
    running_shadow,
    running_worker,
    wait_until,
)

SENT = ShadowRequest("GET", b"/a?b=c", ((b"host", b"s"), (b"X-Tenant", b"live"), (b"accept", b"*/*")), b"")


def make_changer(environment: dict[str, str] | None = None, **fields: Any) -> RequestChanger:
    changes = compile_request_changes(LaunchSpec("http://s", **fields))
    return RequestChanger("shop", changes, environment or {})


def test_headers_are_set_replaced_and_removed() -> None:
    changer = make_changer(
        {"TOKEN": "t0ken"},
        set_headers=("x-tenant=test", "Authorization=Bearer @env:TOKEN"),
        remove_headers=("Accept",),
        path_prefix="/v2",
    )
    assert changer.apply(SENT) == ShadowRequest(
        "GET", b"/v2/a?b=c", ((b"host", b"s"), (b"x-tenant", b"test"), (b"authorization", b"Bearer t0ken")), b""
    )
    assert changer.apply(SENT, with_prefix=False).target == b"/a?b=c"


def test_without_changes_a_request_is_the_same() -> None:
    assert make_changer().apply(SENT) is SENT


def test_a_file_is_read_again_when_a_token_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_changes, "LOOK_EVERY_S", 0.0)
    (tmp_path / "key").write_text("first\n")
    changer = make_changer(set_headers=(f"x-api-key=@file:{tmp_path}/key",))
    assert changer.apply(SENT).headers[-1] == (b"x-api-key", b"first")
    (tmp_path / "key").write_text("second")
    assert changer.apply(SENT).headers[-1] == (b"x-api-key", b"second")


@pytest.mark.parametrize(
    ("setting", "content", "message"),
    [
        ("x-a=@env:MISSING", "", "the environment variable MISSING is empty or not set"),
        ("x-a=@file:{path}", None, "No such file or directory"),
        ("x-a=@file:{path}", "", "is empty or not set"),
        ("x-a=@file:{path}", "s3cret\nx-b: c", "holds no value"),
        ("x-a=@file:{path}", "s3cret" * 1_000, "holds no value"),
        ("x-a=@file:{path}", "s3cré", "holds no value"),
    ],
)
def test_what_cannot_be_read_is_not_sent_and_not_shown(
    setting: str, content: str | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    changer = make_changer(set_headers=(setting.format(path=tmp_path / "key"),))
    with pytest.raises(UnsendableRequest) as refused:
        changer.apply(SENT)
    assert message.replace("holds no", "holds is no") in str(refused.value)
    assert "s3cr" not in str(refused.value)


@pytest.mark.anyio
async def test_a_service_token_reaches_the_shadow_and_no_stream(
    url: str, redis: RedisClient, launch_name: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret-t0ken\n")
    async with running_shadow() as shadow, running_worker(url):
        spec = LaunchSpec(
            shadow.origin,
            set_headers=(f"authorization=Bearer @file:{tmp_path}/token", "x-tenant=test"),
            remove_headers=("x-internal",),
            path_prefix="/v2",
            host="api.internal",
        )
        publish(redis, launch_name, spec)
        admit_many(redis, launch_name, 1, 3, headers=(("x-internal", "1"), ("x-tenant", "live")))
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 3)
        for request in shadow.received:
            assert request.target == "/v2/orders/1"
            assert request.headers["authorization"] == "Bearer s3cret-t0ken"
            assert (request.headers["x-tenant"], request.headers["host"]) == ("test", "api.internal")
            assert "x-internal" not in request.headers
    stored = b"".join(redis.execute_command("DUMP", key) or b"" for key in redis.execute_command("KEYS", "*"))
    assert b"s3cret" not in stored


@pytest.mark.anyio
async def test_without_its_token_an_exchange_is_bad_input(
    url: str, redis: RedisClient, launch_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, set_headers=("authorization=@env:NOT_SET_ANYWHERE",)))
        admit_many(redis, launch_name, 1, 5)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 5)
        assert shadow.received == []
    assert read_drop_reasons(redis, launch_name) == ["bad_input"] * 5
    assert read_ledger(redis, launch_name) == {"admitted": 5, "dropped": 5}
    lines = [record.getMessage() for record in caplog.records if "bad_input" in record.getMessage()]
    assert lines == [
        f"launch {launch_name}: exchanges are dropped (bad_input): the header authorization cannot be set: the "
        "environment variable NOT_SET_ANYWHERE is empty or not set"
    ]
