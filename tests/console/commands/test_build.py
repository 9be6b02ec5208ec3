"""`build` names the version under test."""

import pytest

from tests.support.recorded import read_published, read_recorded


def test_build_names_the_shadows_version_and_keeps_the_event(cli, redis, launched):
    said = cli.ok("build", launched, "v41", "--reason", "a configuration changed").splitlines()
    assert said[0] == f"{launched}'s shadow is called v41 from now on."
    assert cli.json("build", launched, "v42")["build"] == "v42"
    assert read_published(redis, launched).spec.build == "v42"
    assert "already" in cli.ok("build", launched, "v42")
    *_, first, second = read_recorded(cli, launched)[1]
    assert (first.act, first.reason, first.data["build"]) == (
        "build_named",
        "a configuration changed",
        {"from": "", "to": "v41"},
    )
    assert second.data["build"] == {"from": "v41", "to": "v42"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("build", "NAME", 'v"42'), "cannot name a build: use 1 to 100 printable ASCII characters"),
        (("build", "NAME", ""), "cannot name a build"),
        (("start", "other", "--shadow", "http://a", "--build-header", "X-Version:"), "is no header's name"),
    ],
)
def test_a_build_that_cannot_be_one_is_refused(cli, launched, arguments, named):
    result = cli.run(*(launched if each == "NAME" else each for each in arguments))
    assert result.exit_code == 2
    assert named in result.stderr
