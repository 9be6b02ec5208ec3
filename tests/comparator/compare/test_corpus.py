"""The comparison by example: every case of corpus.toml, as it stands and with the sides swapped."""

import base64
import gzip
import tomllib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from darklaunch_comparator.compare import ComparedResponse, Comparison, compare, compute_signature, render_title
from darklaunch_shared.wire.exchange import Response

from tests.support.rules import ruled

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("corpus.toml").read_text())["case"]
PRIMARY_AT_MS = 1_714_564_800_000
KNOWN = {
    *("name", "ignore", "rules", "one_way", "differences", "groups", "excuses", "outcome", "detail", "method"),
    *("primary", "shadow", "primary_base64", "shadow_base64"),
    *(f"{side}{field}" for side in ("", "primary_", "shadow_") for field in ("type", "status", "coding", "headers")),
}
CODE = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
TWINS = {"missing": "extra", "extra": "missing"}


def side(case: dict[str, Any], name: str) -> ComparedResponse:
    def said(field: str, default: Any) -> Any:
        return case.get(f"{name}_{field}", case.get(field, default))

    encoded = case.get(f"{name}_base64")
    body = case[name].encode() if encoded is None else base64.b64decode(encoded)
    headers = {**case.get("headers", {}), **case.get(f"{name}_headers", {})}
    if content_type := said("type", "application/json"):
        headers["content-type"] = content_type
    if coding := said("coding", ""):
        headers["content-encoding"] = coding
        for one in coding.split(", "):
            body = CODE[one](body)
    origin = "http://shop.internal:8000" if name == "primary" else "http://10.0.3.7:8000"
    at_ms = PRIMARY_AT_MS + (2_000 if name == "shadow" else 0)
    return ComparedResponse(Response(said("status", 200), tuple(headers.items()), body, 1.0), origin, at_ms)


def compared(case: dict[str, Any], *, swapped: bool = False) -> Comparison:
    primary, shadow = side(case, "primary"), side(case, "shadow")
    if swapped:
        primary, shadow = shadow, primary
    rules = ruled(**{"ignore": [{"path": path} for path in case.get("ignore", ())], **case.get("rules", {})})
    return compare(case.get("method", "GET"), primary, shadow, rules)


def excuses(comparison: Comparison) -> Iterator[str]:
    for excuse in comparison.excuses:
        yield f"{excuse.reason} {excuse.path}" + (f" x{excuse.count}" if excuse.count > 1 else "")


def outcome(case: dict[str, Any]) -> str:
    return case.get("outcome", "mismatched" if case.get("differences") else "matched")


def test_the_corpus_is_well_formed() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names)) >= 170
    for case in CASES:
        assert case.keys() <= KNOWN, case["name"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    found = compared(case)

    expected = case.get("differences", [])
    assert [f"{difference.kind} {difference.path}" for difference in found.differences] == expected
    assert [difference.group_path for difference in found.differences] == case.get(
        "groups", [difference.partition(" ")[2] for difference in expected]
    )
    assert sorted(excuses(found)) == sorted(case.get("excuses", []))
    assert found.outcome == outcome(case)
    assert case.get("detail", "") in found.detail and bool(found.detail) == ("detail" in case)


@pytest.mark.parametrize("case", [case for case in CASES if "one_way" not in case], ids=lambda case: case["name"])
def test_case_swapped(case: dict[str, Any]) -> None:
    found = compared(case, swapped=True)

    kinds = [difference.partition(" ")[0] for difference in case.get("differences", [])]
    assert sorted(difference.kind for difference in found.differences) == sorted(
        TWINS.get(kind, kind) for kind in kinds
    )
    assert sorted(excuses(found)) == sorted(case.get("excuses", []))
    assert found.outcome == outcome(case)


@pytest.mark.parametrize("case", [case for case in CASES if case.get("differences")], ids=lambda case: case["name"])
def test_what_is_shown_is_short_and_printable(case: dict[str, Any]) -> None:
    found = compared(case)

    for difference in found.differences:
        assert difference.primary is None or (difference.primary.isprintable() and len(difference.primary) < 400)
        assert difference.shadow is None or (difference.shadow.isprintable() and len(difference.shadow) < 400)
        assert (difference.shadow is None) == (difference.kind == "missing")
        assert (difference.primary is None) == (difference.kind == "extra")
        difference.path.encode()
    assert len(compute_signature("GET /x", found)) == 12
    assert render_title(found) and render_title(found).isprintable() and len(render_title(found)) < 260
