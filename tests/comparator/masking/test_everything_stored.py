"""A secret at any place that is masked is nowhere in what is stored of an exchange: one masking for everything."""

from __future__ import annotations

import orjson
import pytest
from darklaunch_comparator.masking import ExchangeMasker
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Headers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.masking import build_entry
from tests.support.planted_secrets import BODIES, FIELDS, SECRETS, find_leaks, plant

CREDENTIALS = ""
RULES = orjson.dumps(
    {
        "mask": [
            {"path": path}
            for path in ("$.user.email", "$[*].phone", "header:x-tenant", "html/body/p", "line:dear <…>", "$..note")
        ]
    }
).decode()
RULED: dict[str, tuple[Headers, str]] = {
    "a member": ((("content-type", "application/json"),), '{"user":{"email":"{S}","n":{N}}}'),
    "a member of what is gone": ((("content-type", "application/json"),), '{"user":{"email":"{S}"},"n":{N}}'),
    "a member anywhere": ((("content-type", "application/json"),), '{"a":[{"note":["{S}"]}],"n":{N}}'),
    "a column": ((("content-type", "text/csv"),), "name,phone\nada,{S}\nbob,{N}\n"),
    "a paragraph": ((("content-type", "text/html"),), "<html><body><p>{S}</p><b>{N}</b></body></html>"),
    "a header field": ((("content-type", "application/json"), ("x-tenant", "{S}")), '{"n":{N}}'),
}


def list_stored(primary: tuple[bytes, Headers], shadow: tuple[bytes, Headers], rules: str) -> dict[str, str]:
    """Return everything that is stored of an exchange, by what it is."""
    entry = build_entry(primary[0], shadow[0], types=primary[1], shadow_types=shadow[1])
    result = assess_entry("x", entry, compile_launch_rules(LaunchSpec("http://shadow", rules=rules)))
    stored = {"reason": str(result.reason), "excuses": repr(result.excuses), "noise": repr(result.observation)}
    for problem in result.problems:
        masker = ExchangeMasker(b"salt" * 8, problem.places)
        stored |= {"sample": repr(masker.mask_fields(problem.fields)).replace("\\\\", "\\")}
        stored |= {"differences": masker.mask_differences(problem.differences).replace("\\\\", "\\")}
        stored |= {"title": problem.title, "parts": problem.parts}
    return stored


def list_leaks(stored: dict[str, str], *secrets: str) -> dict[str, list[str]]:
    return {what: leaks for what, text in stored.items() if (leaks := find_leaks(text, *secrets))}


@pytest.mark.parametrize("name", [*BODIES, *FIELDS])
@pytest.mark.parametrize("shadow", ["has the same", "has another", "has none"])
def test_a_credential_is_nowhere_in_what_is_stored(name: str, shadow: str) -> None:
    samples = 0
    for one, other in SECRETS:
        second = {"has the same": one, "has another": other, "has none": None}[shadow]
        pair = plant(name, one, second)
        stored = list_stored(pair.primary, pair.shadow, CREDENTIALS)
        assert list_leaks(stored, one, other) == {}
        samples += "sample" in stored
    assert samples or shadow == "has the same" or name in ("key field", "file", "link field")


@pytest.mark.parametrize("name", RULED)
def test_what_a_rule_masks_is_nowhere_in_what_is_stored(name: str) -> None:
    headers, body = RULED[name]
    for one, other in SECRETS:
        sides = [
            (
                body.replace("{S}", secret).replace("{N}", n).encode(),
                tuple((field, value.replace("{S}", secret)) for field, value in headers),
            )
            for secret, n in ((one, "1"), (other, "2"))
        ]
        stored = list_stored(sides[0], sides[1], RULES)
        assert "sample" in stored
        assert list_leaks(stored, one, other) == {}


letters = (
    st.text(st.sampled_from("abcXYZ0189 _-.äß€"), min_size=5, max_size=30)
    .map(str.strip)
    .filter(lambda text: len(text) >= 5 and len(set(text)) > 3)
)


@settings(max_examples=100)
@given(st.sampled_from([*BODIES]), letters, letters, st.sampled_from(["same", "other", "none"]))
@example("CSV", "a b c d e", "00000000 x y", "other")
def test_whatever_the_secret_is(name: str, one: str, other: str, shadow: str) -> None:
    pair = plant(name, one, {"same": one, "other": other, "none": None}[shadow])
    for text in list_stored(pair.primary, pair.shadow, CREDENTIALS).values():
        assert one not in text
        assert shadow != "other" or other not in text
