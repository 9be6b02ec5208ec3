"""Route templates that are learned from paths."""

from __future__ import annotations

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.routes.learned_templates import OTHER, LearnedTemplates
from darklaunch.testing import captured
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asgi import Server, answering, body, scope_of, start


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/orders/123", "/orders/{id}"),
        ("/v1/users", "/v1/users"),
        ("/facade/decade", "/facade/decade"),
        ("/u/550e8400-e29b-41d4-a716-446655440000/cart", "/u/{id}/cart"),
        ("/f/DEADBEEF01", "/f/{id}"),
        ("/t/eyJhbGciOiJIUzI1NiJ9abc", "/t/{id}"),
        ("/o/ord_123", "/o/{id}"),
        ("/2024-05-01/x", "/{id}/x"),
        ("/blog/how-to-launch-things", "/blog/how-to-launch-things"),
        ("/a" * 20, "/a" * 12 + "/{path}"),
    ],
)
def test_templates_are_learned_from_what_identifiers_look_like(path, template) -> None:
    assert LearnedTemplates().learn_path(path) == template


@given(st.lists(st.from_regex(r"/[a-z]{1,8}(/[a-z]{1,3})?", fullmatch=True), min_size=1, max_size=60))
def test_learned_templates_are_bounded_and_stay_what_they_were(paths) -> None:
    templates = LearnedTemplates(limit=10)
    first = [templates.learn_path(path) for path in paths]
    assert len({*first} - {OTHER}) <= 10
    assert first == [templates.learn_path(path) for path in paths]
    assert first[0] == paths[0]


def test_apps_of_no_known_framework_get_learned_templates() -> None:
    with captured() as seen:
        for number in range(3):
            Server().run(CaptureMiddleware(answering(start(), body(b""))), scope_of(f"/orders/{number}?x"))
    assert {exchange.endpoint for exchange in seen.exchanges} == {"GET /orders/{id}"}
