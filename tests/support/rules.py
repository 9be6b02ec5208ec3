"""Rules, written as in a rule set and compiled for an endpoint that none of them names."""

from datetime import UTC, datetime
from typing import Any

from darklaunch_comparator.compare import EndpointRules
from darklaunch_comparator.rules import check_rules, compile_rules


def ruled(**rules: Any) -> EndpointRules:
    checked, troubles = check_rules(rules)
    assert not troubles, troubles
    return compile_rules(checked, datetime(2026, 5, 1, tzinfo=UTC)).elsewhere


def ignoring(*paths: str) -> EndpointRules:
    return ruled(ignore=[{"path": path} for path in dict.fromkeys(paths)])
