"""What a launch may change in requests, and what is refused with a word of help."""

from typing import Any

import pytest
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.request_changes import HeaderSetting, compile_request_changes, has_own_host
from darklaunch_shared.launch.spec import LaunchSpec


def test_settings_are_read() -> None:
    changes = compile_request_changes(
        LaunchSpec(
            "http://s",
            set_headers=("X-Tenant=a=b", "Authorization=Bearer @env:TOKEN", "x-api-key=@file:/run/secrets/key"),
            remove_headers=("X-Internal",),
            path_prefix="/v2/api",
            host="api.internal:8080",
        )
    )
    assert changes.set_headers == (
        HeaderSetting("x-tenant", "a=b"),
        HeaderSetting("authorization", "Bearer ", "env", "TOKEN"),
        HeaderSetting("x-api-key", "", "file", "/run/secrets/key"),
    )
    assert changes.replaced_headers == {"x-tenant", "authorization", "x-api-key", "x-internal"}
    assert changes.path_prefix == "/v2/api"


def test_by_default_nothing_is_changed() -> None:
    assert not compile_request_changes(LaunchSpec("http://s")).replaced_headers
    assert [has_own_host(LaunchSpec("http://s", host=host)) for host in ("shadow", "preserve", "a.b")] == [0, 0, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"set_headers": ("X-Tenant",)}, "has no value: write NAME=VALUE"),
        ({"set_headers": ("X Tenant=a",)}, "is no name of a header field"),
        ({"set_headers": ("=a",)}, "is no name of a header field"),
        ({"set_headers": ("X-A=a\r\nX-B: b",)}, "printable ASCII"),
        ({"set_headers": ("X-A=é",)}, "printable ASCII"),
        ({"set_headers": (f"X-A={'a' * 5000}",)}, "at most 4,000"),
        ({"set_headers": ("X-A=a", "x-a=b")}, "twice"),
        ({"set_headers": ("X-A=a",), "remove_headers": ("x-a",)}, "twice"),
        ({"set_headers": ("Authorization=Bearer s3cret",)}, "a credential is not stored with the launch"),
        ({"set_headers": ("X-My-Secret=s3cret",)}, "a credential is not stored with the launch"),
        ({"set_headers": ("Cookie=sid=s3cret",)}, "a credential is not stored with the launch"),
        ({"set_headers": ("X-A=@env:NOT A NAME",)}, "no name of an environment variable"),
        ({"set_headers": ("X-A=@env:",)}, "no name of an environment variable"),
        ({"set_headers": ("X-A=@file:secrets/key",)}, "not the full path of a file"),
        ({"set_headers": ("Host=a",)}, "see --host"),
        ({"set_headers": ("Transfer-Encoding=chunked",)}, "workers write this field themselves"),
        ({"set_headers": ("X-Darklaunch-Exchange=1",)}, "workers write this field themselves"),
        ({"remove_headers": ("Content-Length",)}, "workers write this field themselves"),
        ({"remove_headers": tuple(f"x-{nth}" for nth in range(51))}, "50 header fields at most"),
        ({"path_prefix": "v2"}, "begins no path"),
        ({"path_prefix": "/v2/"}, "begins no path"),
        ({"path_prefix": "//evil.example"}, "begins no path"),
        ({"path_prefix": "/a/%2e%2e"}, "begins no path"),
        ({"path_prefix": "/a?b=c"}, "begins no path"),
        ({"host": "http://a"}, "is no host"),
        ({"host": "a\r\nx: y"}, "is no host"),
        ({"host": ""}, "is no host"),
    ],
)
def test_what_cannot_be_applied_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BadLaunch) as refused:
        compile_request_changes(LaunchSpec("http://s", **fields))
    assert message in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_credential_that_is_given_as_a_name_is_not_repeated() -> None:
    with pytest.raises(BadLaunch) as refused:
        compile_request_changes(LaunchSpec("http://s", set_headers=("Authorization: Bearer s3cret-s3cret",)))
    assert "s3cret" not in str(refused.value)
