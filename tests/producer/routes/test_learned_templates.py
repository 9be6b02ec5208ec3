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
        ("/orders/123.json", "/orders/{id}.json"),
        ("/v1/orders/123:cancel", "/v1/orders/{id}:cancel"),
        ("/files/2024-05-01.csv", "/files/{id}.csv"),
        ("/files/2024-05-01T10:00:00Z.tar.gz", "/files/{id}.tar.gz"),
        ("/u/550e8400-e29b-41d4-a716-446655440000.png", "/u/{id}.png"),
        ("/invoices/invoice_123.pdf", "/invoices/invoice_{id}.pdf"),
        ("/reports/summary-2024", "/reports/summary-{id}"),
        ("/v1.2/status.json", "/v1.2/status.json"),
        ("/10.0.0.1/1.5", "/{id}/{id}"),
        ("/.well-known/security.txt", "/.well-known/security.txt"),
        ("/orders:batchGet", "/orders:batchGet"),
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


def test_words_that_are_identifiers_become_one_endpoint_when_there_are_very_many() -> None:
    templates = LearnedTemplates()
    words = [f"{first}{second}" for first in "abcdefghijklmnopqrst" for second in "abcdefghijklmnopqrst"]
    learned = [templates.learn_path(f"/users/{word}/cart") for word in words]
    assert learned[0] == "/users/aa/cart"
    assert learned[-1] == "/users/{id}/cart"
    assert len(set(learned)) == 101
    assert [templates.learn_path(f"/users/{word}/cart") for word in words] == learned, "no path changes its endpoint"
    assert templates.learn_path("/about") == "/about", "there is room for all other endpoints"


@pytest.mark.parametrize(
    ("shape", "template"),
    [
        ("/shop/products/S{}.json", "/shop/products/S{id}.json"),
        ("/invoices/INV2024-{:04}", "/invoices/INV{id}"),
        ("/shop/red-shoes-{}", "/shop/red-shoes-{id}"),
        ("/logs/a5-{}.log", "/logs/a{id}.log"),
        ("/u/user{}/avatar.mp4", "/u/user{id}/avatar.mp4"),
    ],
)
def test_names_that_differ_in_a_number_alone_become_one_endpoint_after_ten(shape: str, template: str) -> None:
    templates = LearnedTemplates()
    learned = [templates.learn_path(shape.format(number)) for number in range(1, 300)]
    assert learned[9:] == [learned[9]] + [template] * 289
    assert learned[0] == shape.format(1)
    assert learned == [templates.learn_path(shape.format(number)) for number in range(1, 300)]


def test_few_names_that_differ_in_a_number_stay_endpoints_of_their_own() -> None:
    templates = LearnedTemplates()
    paths = [f"/v{version}/users{part}" for version in range(1, 9) for part in ("", "/top10", "/x.mp3", "/x.mp4")]
    assert [templates.learn_path(path) for path in paths] == paths
    assert templates.learn_path("/v1/users/cus_9s6XKzkNRiz8i3") == "/v1/users/{id}"


def test_numbers_in_two_segments_become_one_endpoint_when_there_are_very_many() -> None:
    templates = LearnedTemplates()
    learned = [templates.learn_path(f"/zone{number}/item{7 * number}.html") for number in range(300)]
    assert learned[-1] == "/zone{id}/item{id}.html"
    assert len(set(learned)) == 101


def test_what_is_new_when_there_is_no_room_is_other_only_where_its_shape_is_unknown() -> None:
    templates = LearnedTemplates(limit=40)
    for word in ("one", "two", "six", "ten", "red", "tan", "cab", "dog", "cat", "elk", "emu"):
        assert templates.learn_path(f"/users/{word}") == f"/users/{word}"
    for number in range(60):
        templates.learn_path(f"/{'x' * (number // 8 + 1)}/{'y' * (number % 8 + 1)}")
    assert templates.learn_path("/users/new") == "/users/{id}"
    assert templates.learn_path("/users/one") == "/users/one"
    assert templates.learn_path("/a/shape/nobody/knows") == OTHER
