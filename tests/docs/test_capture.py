"""docs/CAPTURE.md against the hook: its settings, what it skips and drops, what it redacts, and every snippet."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import darklaunch
import pytest
from darklaunch.capture import recorder, skip_reasons
from darklaunch.routes import learned_templates
from darklaunch.settings import PREFIX, HookSettings, read_settings
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.credential_headers import CREDENTIAL_HEADERS

from .page import blocks, page, table

TEXT = page("docs/CAPTURE.md")
SETTINGS = {keyword: (variable, default) for keyword, variable, default, _ in table(TEXT, "keyword")}
PRODUCER = Path(darklaunch.__file__).parent


def test_every_setting_is_documented_with_its_variable() -> None:
    assert {keyword: variable for keyword, (variable, _) in SETTINGS.items()} == {
        setting.name: PREFIX + setting.name.upper() for setting in fields(HookSettings)
    }


def test_the_documented_defaults_are_the_defaults() -> None:
    assert (
        read_settings({}, {variable: default for variable, default in SETTINGS.values() if default}) == HookSettings()
    )


def test_every_setting_is_read_from_the_documented_variable() -> None:
    given = {
        "redis_url": "redis://elsewhere",
        "app_name": "shop",
        "redact_headers": "x-a, X-B",
        "forward_headers": "x-c",
    }
    given |= {"body_cap_bytes": "1", "buffer_bytes": "2", "buffer_entries": "3", "skip_content_types": "image/"}
    key = "one:" + "A" * 43 + "="
    given |= {"build": "v42", "seal_key": key, "signing_key": key, "promoted": "checkout-v2, search"}
    read = read_settings({}, {SETTINGS[keyword][0]: value for keyword, value in given.items()})
    assert read == HookSettings(
        redis_url="redis://elsewhere",
        app_name="shop",
        body_cap_bytes=1,
        buffer_bytes=2,
        buffer_entries=3,
        redact_headers=frozenset({"x-a", "x-b"}),
        forward_headers=frozenset({"x-c"}),
        skip_content_types=("image/",),
        build="v42",
        seal_key=parse_keys(key),
        signing_key=parse_keys(key),
        promoted=frozenset({"checkout-v2", "search"}),
    )


def test_every_skip_is_documented() -> None:
    named = set(re.findall(r"^    (\w+)  ", skip_reasons.__doc__ or "", re.MULTILINE))
    assert {skip for skip, _ in table(TEXT, "skip")} == named | {"unsafe_method", "method_override", "path"}


def test_every_drop_is_documented() -> None:
    """Every reason that stands in the hook's code where something sampled is lost, and no other."""
    code = "".join(path.read_text() for path in PRODUCER.rglob("*.py"))
    lost = (
        r'(?:_mark_lost|count_lost|record_refused|drop_waiting)\("(\w+)"|dropped\["(\w+)"\]|drop_reason = .*?"(\w+)"\n'
    )
    named = {reason for found in re.findall(lost, code) for reason in found if reason}
    named |= set(re.findall(r'"(oom|redis_down|superseded_by_rollback|paused|buffer_full)"', code))
    documented = {reason for cell, _ in table(TEXT, "dropped") for reason in re.findall(r"\w+", cell)}
    assert documented == named


def test_the_redacted_headers_are_listed() -> None:
    (listed,) = (block for block in blocks(TEXT, "text") if "authorization" in block)
    assert set(listed.split()) == CREDENTIAL_HEADERS


@pytest.mark.parametrize(
    "said",
    [
        f"a path over {recorder.MATCHED_PATH_LIMIT} characters",
        f"After {learned_templates.LearnedTemplates()._limit} templates",
        f"({LaunchSpec('http://shadow').max_entries:,} exchanges per shard)",
        f"the thread has {recorder.EXIT_LIMIT_S:g} s",
    ],
)
def test_the_documented_bounds_are_the_bounds(said: str) -> None:
    assert said in TEXT


@pytest.mark.parametrize("snippet", blocks(TEXT, "python"), ids=lambda snippet: snippet.split(" import ")[0][5:])
def test_every_snippet_runs(snippet: str) -> None:
    around = ("from django.conf import settings; settings.configure()" if "django" in snippet else "", snippet)
    tests = re.findall(r"^def (test_\w+)\(\)", snippet, re.MULTILINE)
    program = "\n".join([*around, *(f"{test}()" for test in tests)])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
