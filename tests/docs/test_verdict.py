"""docs/VERDICT.md against the judge: every setting of a policy, with its default."""

from __future__ import annotations

import time
from typing import Any

import orjson
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy, read_policy
from darklaunch_comparator.leader.webhook import sign_webhook

from .page import blocks, page, table

TEXT = page("docs/VERDICT.md")


def flat(values: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}.{inner}" if inner else name: each
        for name, value in values.items()
        for inner, each in (value.items() if isinstance(value, dict) else [("", value)])
    }


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {name: default for name, default, _ in table(TEXT, "setting")}
    assert documented.pop("steps") == "see below"
    settings = flat(dump_policy(JudgePolicy()))
    assert settings.pop("steps")
    assert {
        name: orjson.loads(default) if default != "advise" else default for name, default in documented.items()
    } == settings


def test_the_documented_steps_are_the_steps() -> None:
    steps = [(step.percent, step.bound, step.minimum) for step in JudgePolicy().steps]
    assert [tuple(float(cell) for cell in row) for row in table(TEXT, "percent")] == steps


def test_every_policy_in_it_can_be_used() -> None:
    for text in blocks(TEXT, "toml"):
        assert read_policy(text) != JudgePolicy()


def test_the_receiver_in_it_accepts_what_is_sent_and_nothing_else() -> None:
    (snippet,) = blocks(TEXT, "python")
    names: dict[str, Any] = {}
    exec(snippet, names)
    body, now_s = b'{"act": "promoted"}', int(time.time())
    header = sign_webhook(body, now_s, "secret")
    assert names["is_genuine"](header, body, "secret")
    assert not names["is_genuine"](header, body + b" ", "secret")
    assert not names["is_genuine"](header, body, "another")
    assert not names["is_genuine"](sign_webhook(body, now_s - 3600, "secret"), body, "secret")
