"""A comparator that runs for days: a rule ends when it expires, without any change of the launch."""

from datetime import UTC, datetime, timedelta

from darklaunch_comparator.assess import rules_of
from darklaunch_comparator.control import Control
from darklaunch_comparator.rules import check, store
from darklaunch_shared.connect import connect_async
from darklaunch_shared.launch import LaunchSpec


def test_a_rule_that_expires_while_the_comparator_runs_excuses_nothing_any_more():
    ended = datetime.now(UTC) - timedelta(seconds=1)
    rules, _ = check({"ignore": [{"path": "$.a", "expires": ended}, {"path": "$.b"}]})
    spec = LaunchSpec("http://shadow", rules=store(rules))
    control = Control(connect_async("redis://127.0.0.1:1", client_name="never connected"))
    control._rules["shop"] = spec, rules_of(spec, ended - timedelta(hours=1))
    assert control._rules["shop"][1].book.elsewhere.ignore.covers(["a"])
    ignore = control.rules("shop").book.elsewhere.ignore
    assert not ignore.covers(["a"]) and ignore.covers(["b"])
