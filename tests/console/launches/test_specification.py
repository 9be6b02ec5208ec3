"""What the shadow gets, as it was declared."""

from tests.support.cli import unwrap
from tests.support.recorded import read_published


def test_what_the_shadow_gets_is_declared_and_shown(cli, redis, launch_name, nowhere):
    changes = ("--set-header", "Authorization=Bearer @env:SHADOW_TOKEN", "--remove-header", "X-Internal")
    cli.ok("start", launch_name, "--shadow", nowhere, *changes, "--path-prefix", "/v2", "--host", "api.internal")
    spec = read_published(redis, launch_name).spec
    assert (spec.set_headers, spec.remove_headers) == (("Authorization=Bearer @env:SHADOW_TOKEN",), ("X-Internal",))
    shown = unwrap(cli.ok("show", launch_name))
    for setting in (
        "set headers: Authorization=Bearer @env:SHADOW_TOKEN",
        "remove headers: X-Internal",
        "path prefix: /v2",
        "host: api.internal",
    ):
        assert setting in shown


def test_a_credential_is_refused_by_value(cli, launch_name, nowhere):
    result = cli.run("start", launch_name, "--shadow", nowhere, "--set-header", "Authorization=Bearer s3cret")
    assert result.exit_code != 0
    assert "a credential is not stored with the launch" in result.stderr
    assert "s3cret" not in result.output
