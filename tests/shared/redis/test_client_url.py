"""What a Redis URL may say: parameters of servers and TLS; what is ours stays ours; all else is named."""

from typing import Any

import pytest
from darklaunch_shared.redis.client import connect, connect_async
from darklaunch_shared.redis.client_url import parse_redis_url

CA = "ssl_ca_certs=/etc/ssl/ca.pem"


@pytest.mark.parametrize(
    ("url", "cleaned", "options"),
    [
        ("redis://h:1/0?protocol=3&decode_responses=true&timeout=3&socket_timeout=9", "redis://h:1/0", {}),
        ("redis://h:1?db=2&client_name=me", "redis://h:1?db=2", {}),
        (f"rediss://h:1/0?{CA}", "rediss://h:1/0?ssl_ca_certs=/etc/ssl/ca.pem", {}),
        ("rediss://h/0?ssl_cert_reqs=CERT_NONE", "rediss://h/0?ssl_cert_reqs=none", {"ssl_check_hostname": False}),
        ("unix:///run/redis.sock?db=3", "unix:///run/redis.sock?db=3", {}),
    ],
)
def test_what_is_ours_is_left_out_and_the_rest_is_kept(url: str, cleaned: str, options: dict[str, Any]) -> None:
    assert parse_redis_url(url) == (cleaned, options)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://host/name", "its database is no number: write 0 after the host and port, or nothing"),
        ("redis://host?db=one", r"its database \(db\) is no number"),
        ("redis://host/0?ssl_cert_reqs=none", "the parameter ssl_cert_reqs, which is for TLS: write rediss://"),
        ("redis://host/0?user_name=x", "the parameter user_name, which no Redis URL has: did you mean username"),
        ("redis://host/0?pool=9", "the parameter pool, which no Redis URL has: leave it out"),
        ("redis://host:0/0", "its port is not a number from 1 to 65535"),
        ("http://host", "it has another scheme"),
    ],
)
def test_what_cannot_be_meant_is_named(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_redis_url(url)


@pytest.mark.anyio
async def test_a_url_that_other_programs_share_changes_nothing_for_us(redis_url: str) -> None:
    shared = f"{redis_url}?protocol=3&decode_responses=true&timeout=1&retry_on_timeout=true"
    client = connect(shared, client_name="darklaunch-test")
    assert client.execute_command("ECHO", b"\xff") == b"\xff"
    assert client.execute_command("CLIENT", "GETNAME") == b"darklaunch-test"
    client.close()
    awaited = connect_async(shared, client_name="darklaunch-test")
    assert await awaited.execute_command("ECHO", b"\xff") == b"\xff"
    await awaited.aclose()
