"""A launch whose certificate file is missing on this machine waits, says so, and goes on once the file is there."""

from pathlib import Path

import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_workers import launch_runner

from tests.support.certificates import Authority, https_server
from tests.support.workers import admit_many, publish, read_outcomes, read_replays, running_worker, wait_until

pytestmark = pytest.mark.anyio


async def test_a_launch_waits_for_its_certificate_file_and_loses_nothing(
    url: str, redis: RedisClient, launch_name: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(launch_runner, "UNUSABLE_AGAIN_S", 0.2)
    authority, later = Authority(tmp_path), tmp_path / "later.pem"
    with https_server(authority.issue("127.0.0.1").server_context()) as port:
        async with running_worker(url):
            publish(redis, launch_name, LaunchSpec(f"https://127.0.0.1:{port}", tls_ca=str(later)))
            admit_many(redis, launch_name, 1, 3)
            said = f"launch {launch_name} waits, nothing is replayed: --ca {later} cannot be read: No such file"
            await wait_until(lambda: said in caplog.text)
            assert read_outcomes(redis, launch_name) == []
            later.write_bytes(authority.file.read_bytes())
            await wait_until(lambda: len(read_replays(redis, launch_name)) == 3)
    assert caplog.text.count(said) == 1, "it is tried again and again, and said once"
