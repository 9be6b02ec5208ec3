"""Events of a launch in words: what was done, why, what changed, and who was notified. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, cast

import orjson
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy_file import dump_policy, read_policy
from darklaunch_comparator.store.deliveries import NotificationDelivery
from darklaunch_comparator.store.launches import LaunchEvent

from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural

from .verdict_text import list_accused_places

_NOT_SETTINGS: Final = frozenset({"status", "hold", "percent", "state", "places"})
"""Fields of an event's data that `describe_event` or `list_accused_places` already put into words."""


def describe_event(event: LaunchEvent) -> str:
    """Return what was done: `ramped to 50 %`, `9f3a1c… accepted`, `verdict`."""
    act = event.act.replace("_", " ")
    change = event.data.get("percent")
    target = f" to {change['to']:g} %" if isinstance(change, dict) and "to" in change else ""
    signature = event.data.get("signature")
    return f"{make_printable(str(signature), 20)} {act}" if signature else f"{act}{target}"


def list_reasons(event: LaunchEvent, later: LaunchEvent | None) -> list[str]:
    """Return why an event happened, and the places that a verdict accuses.

    When a verdict was acted on at once, `later` is that act and repeats the reason, so that the verdict is shortened.
    """
    if later and event.act == "verdict" and event.reason.endswith(f": {later.reason}") and later.actor == event.actor:
        return [make_printable(event.reason.partition(":")[0], 60)]
    reason = [make_printable(event.reason, 400)] if event.reason else []
    return [*reason, *list_accused_places(event.data)]


def list_changes(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield each setting that an event changed: `soak_s: 300 → 60`, `+ ignore $.total`."""
    for objection in cast(Sequence[str], data.get("despite", ())):
        yield f"although {make_printable(objection, 200)}"
    for name, value in data.items():
        if not isinstance(value, Mapping) or name in _NOT_SETTINGS:
            continue
        change = cast(Mapping[str, Any], value)
        if set(change) == {"added", "removed"}:
            yield from (f"− {_describe_stored_rule(rule)}" for rule in change["removed"])
            yield from (f"+ {_describe_stored_rule(rule)}" for rule in change["added"])
        elif set(change) == {"from", "to"}:
            before, after = (_flatten_settings(name, change[side]) for side in ("from", "to"))
            for setting in dict.fromkeys((*before, *after)):
                if before.get(setting) != after.get(setting):
                    yield f"{setting}: {_format_setting(before.get(setting))} → {_format_setting(after.get(setting))}"


def describe_delivery(delivery: NotificationDelivery) -> str:
    """Return what became of a notification: `notified https://…`, `could not notify the command (exit code 1)`."""
    target = make_printable(delivery.target, 100) if delivery.target else "the command"
    verb = {"delivered": "notified", "failed": "could not notify", "pending": "has yet to notify"}[delivery.state]
    attempts = format_plural(delivery.attempts, "attempt") if delivery.attempts > 1 else ""
    remarks = ", ".join(part for part in (make_printable(delivery.said, 120), attempts) if part)
    return f"{verb} {target}{f' ({remarks})' if remarks else ''}"


def event_to_json(event: LaunchEvent, deliveries: Sequence[NotificationDelivery]) -> dict[str, Any]:
    """Return an event, with all that it rests on, as JSON values."""
    return {
        "id": event.id,
        "at": event.at,
        "actor": event.actor,
        "act": event.act,
        "reason": event.reason,
        "revision": event.revision,
        "data": event.data,
        "deliveries": [asdict(delivery) for delivery in deliveries],
    }


def _flatten_settings(name: str, value: object) -> dict[str, object]:
    """Return a policy's settings by the paths that `policy set` takes, and any other setting under its own name."""
    if name != "policy":
        return {name.replace("_", " "): value}
    try:
        policy = dump_policy(read_policy(str(value)))
    except BadPolicy:  # written by another release: its settings cannot be told apart
        return {}
    settings: dict[str, object] = {}
    for setting, content in policy.items():
        if isinstance(content, Mapping):
            settings |= {f"{setting}.{part}": each for part, each in cast(Mapping[str, object], content).items()}
        else:
            settings[setting] = content
    return settings


def _describe_stored_rule(rule: Mapping[str, object]) -> str:
    title = " ".join(str(rule[part]) for part in ("kind", "path") if rule.get(part))
    options = [
        f"{option} {_format_setting(value)}"
        for option, value in rule.items()
        if option not in ("kind", "path", "author", "reason") and value
    ]
    return make_printable(", ".join([title, *options]), 200)


def _format_setting(value: object) -> str:
    if value in (None, "", [], ()):
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    return make_printable(value if isinstance(value, str) else orjson.dumps(value).decode(), 120)
