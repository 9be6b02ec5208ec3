"""A comparator that runs for days: a rule ends when it expires, without any change of the launch."""

from datetime import UTC, datetime, timedelta

from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.pipeline.launch_rules import LaunchRulesPoller
from darklaunch_comparator.rules import check_rules, dump_rules
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import connect_async


def test_a_rule_that_expires_while_the_comparator_runs_excuses_nothing_any_more() -> None:
    ended = datetime.now(UTC) - timedelta(seconds=1)
    rules, _ = check_rules({"ignore": [{"path": "$.a", "expires": ended}, {"path": "$.b"}]})
    spec = LaunchSpec("http://shadow", rules=dump_rules(rules))
    control = LaunchRulesPoller(connect_async("redis://127.0.0.1:1", client_name="never connected"))
    control._rules["shop"] = spec, compile_launch_rules(spec, ended - timedelta(hours=1))
    assert control._rules["shop"][1].book.elsewhere.ignore.covers(["a"])
    ignore = control.rules("shop").book.elsewhere.ignore
    assert not ignore.covers(["a"]) and ignore.covers(["b"])
