"""Whether each launch has an app to mirror."""

from __future__ import annotations

from darklaunch_console.doctor.check_apps import check_apps
from darklaunch_console.doctor.check_result import CheckLevel, CheckResult
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord


def check(app: str, *apps: str) -> list[CheckResult]:
    """Check a launch of an app while these apps run."""
    hooks = [ProcessRecord(str(n), 0, {"app": name, "framework": "flask"}) for n, name in enumerate(apps)]
    return check_apps(
        [LaunchState("v2", LaunchStatus.ACTIVE, 10.0, False, 1, LaunchSpec("http://shadow", app=app))], hooks
    )


def test_nothing_is_said_of_a_launch_whose_app_runs_or_that_has_the_only_one() -> None:
    assert check("shop", "shop", "desk") == check("", "shop") == check(UNDECIDED_APP, "shop") == []


def test_without_any_app_nothing_is_said_of_launches() -> None:
    assert check("shop") == check(UNDECIDED_APP) == []


def test_a_launch_whose_app_is_not_running_mirrors_nothing() -> None:
    (result,) = check("shpo", "shop")
    assert result.level is CheckLevel.FAIL
    assert result.what == (
        "v2 mirrors nothing: no process of the app shpo is running with the hook, only of shop (flask, 1 process)"
    )


def test_a_launch_older_than_several_apps_mirrors_nothing() -> None:
    (result,) = check(UNDECIDED_APP, "shop", "desk")
    assert result.level is CheckLevel.FAIL
    assert result.what.endswith("desk (flask, 1 process), shop (flask, 1 process)")
    assert result.do is not None and "--app NAME" in result.do


def test_a_launch_of_every_app_is_warned_of_where_there_are_several() -> None:
    (result,) = check("", "shop", "desk")
    assert result.level is CheckLevel.WARN
