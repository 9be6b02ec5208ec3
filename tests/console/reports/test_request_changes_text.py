"""What the shadow gets that the primary did not, in one sentence."""

import pytest
from darklaunch_console.reports.request_changes_text import describe_request_changes
from darklaunch_shared.launch.spec import LaunchSpec


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, ""),
        ({"set_headers": ("X-Tenant=a", "X-B=\x1b")}, "The shadow gets requests with X-Tenant=a, X-B=\\x1b."),
        (
            {"remove_headers": ("X-Internal",), "path_prefix": "/v2"},
            "The shadow gets requests without X-Internal, below /v2.",
        ),
        ({"host": "api.internal"}, "The shadow gets requests for the Host api.internal."),
    ],
)
def test_only_what_is_changed_is_said(spec: dict[str, object], said: str) -> None:
    assert describe_request_changes(LaunchSpec("http://h", **spec)) == said  # type: ignore[arg-type]
