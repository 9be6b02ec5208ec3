"""A side's own origin is recognised in all its spellings, and nowhere else."""

import pytest
from darklaunch_comparator.compare import ComparedResponse, ComparisonOutcome, ExcuseReason, compare
from darklaunch_comparator.compare.origin import list_forwarded_authorities, make_own_origins
from darklaunch_shared.wire.exchange import Response

JSON = (("content-type", "application/json"),)
HTML = (("content-type", "text/html"),)
SHOP, SHADOW = "https://shop.example", "http://127.0.0.1:60621"


def test_an_origin_is_only_cut_where_a_url_of_it_stands() -> None:
    own, _ = make_own_origins("http://shop.example", SHADOW)
    assert own.replace("see http://shop.example/a.") == "see \x02/a."
    assert own.replace("http%3A%2F%2Fshop.example%2Fa") == "\x02%3a%2f%2f%2Fa"
    for other in (
        "http://shop.example.org/a",
        "http://shop.example:81/a",
        "http://shop.examples/a",
        "http%3A%2F%2Fshop.example%3A81%2F",
        "http://www.shop.example/",
        "ftp://shop.example/",
        "ann@shop.example",
        "/docs/shop.example",
    ):
        assert own.replace(other) == other
    assert make_own_origins("", "")[0].replace("anything") == "anything"


def is_own_origin(
    primary: str, shadow: str, origins: tuple[str, str] = (SHOP, SHADOW), fields: dict[str, str] | None = None
) -> bool:
    """Compare two attributes of a page; True if they are excused as own origins, False if they are a difference."""
    primary_side, shadow_side = (
        ComparedResponse(
            Response(200, HTML, f"<p title='{value}'>x</p>".encode(), 1.0), origin, 0, lambda: fields or {}
        )
        for value, origin in ((primary, origins[0]), (shadow, origins[1]))
    )
    compared = compare("GET", primary_side, shadow_side)
    if compared.outcome is ComparisonOutcome.MISMATCHED:
        return False
    assert {excuse.reason for excuse in compared.excuses} == {ExcuseReason.OWN_ORIGIN}
    return True


@pytest.mark.parametrize(
    ("primary", "shadow"),
    [
        ("https://shop.example/a", "https://127.0.0.1:60621/a"),  # the shadow believes X-Forwarded-Proto
        ("https://shop.example/a", "http://127.0.0.1:60621/a"),  # or does not
        ("http://shop.example/a", "https://127.0.0.1:60621/a"),
        ("HTTPS://Shop.Example/a", "https://127.0.0.1:60621/a"),
        ("https://shop.example:443/a", "https://127.0.0.1:60621/a"),
        ("https://shop.example/a", "https://127.0.0.1/a"),  # an app that never writes a port
        ("wss://shop.example/live", "wss://127.0.0.1:60621/live"),
        ("wss://shop.example/live", "ws://127.0.0.1:60621/live"),
        ("//shop.example/a.js", "//127.0.0.1:60621/a.js"),
        ("shop.example", "127.0.0.1:60621"),
        ("Welcome to shop.example!", "Welcome to 127.0.0.1:60621!"),
        (r"https:\/\/shop.example\/a", r"https:\/\/127.0.0.1:60621\/a"),
        (r"https:\\/\\/shop.example\\/a", r"https:\\/\\/127.0.0.1:60621\\/a"),
        (r"https:\u002F\u002Fshop.example\u002Fa", r"https:\u002F\u002F127.0.0.1:60621\u002Fa"),
        ("/login?next=https%3A%2F%2Fshop.example%2Fa", "/login?next=https%3A%2F%2F127.0.0.1%3A60621%2Fa"),
        ("/login?next=https%3A//shop.example/a", "/login?next=https%3A//127.0.0.1%3A60621/a"),
        ("/l?n=%2Fx%3Fu%3Dhttps%253A%252F%252Fshop.example", "/l?n=%2Fx%3Fu%3Dhttps%253A%252F%252F127.0.0.1%253A60621"),
        ("https://shop.example/a https://shop.example/b", "https://shop.example/a http://127.0.0.1:60621/b"),
    ],
)
def test_the_own_origin_is_no_difference_in_any_spelling(primary: str, shadow: str) -> None:
    assert is_own_origin(primary, shadow, fields={"x-forwarded-proto": "https"})


@pytest.mark.parametrize(
    ("primary", "shadow"),
    [
        ("https://shop.example/a", "https://127.0.0.1:60621/b"),
        ("https://shop.example/a", "/a"),
        ("https://shop.example/a", "//127.0.0.1:60621/a"),
        ("https://shop.example/a", "wss://127.0.0.1:60621/a"),
        ("https://shop.example/a", "https://127.0.0.1:60622/a"),
        ("https://shop.example/a", "https://shop.example.org/a"),
        ("https://shop.example/a", "http://shop.example/a"),
        ("https://shop.example/a", "ftp://127.0.0.1:60621/a"),
        ("https://shop.example/a", "127.0.0.1:60621/a"),
        ("https://shop.example/", "https%3A%2F%2F127.0.0.1%3A60621%2F"),
        ("https://shop.example/a https://shop.example/b", "https://shop.example/a http://shop.example/b"),
    ],
)
def test_another_address_is_a_difference(primary: str, shadow: str) -> None:
    assert not is_own_origin(primary, shadow)


def test_a_port_is_left_out_only_where_the_other_side_has_none() -> None:
    origins = "http://shop.example:8000", "http://10.0.3.7:8001"
    assert is_own_origin("http://shop.example:8000/a", "http://10.0.3.7:8001/a", origins)
    assert not is_own_origin("http://shop.example:8000/a", "http://10.0.3.7/a", origins)
    assert is_own_origin("http://[::1]:8000/a", "http://10.0.3.7:8001/a", ("http://[::1]:8000", origins[1]))
    encoded = "?u=http%3A%2F%2F%5B%3A%3A1%5D%3A8000%2Fa", "?u=http%3A%2F%2F10.0.3.7%3A8001%2Fa"
    assert is_own_origin(*encoded, ("http://[::1]:8000", origins[1]))


def test_another_scheme_is_a_difference_unless_it_is_the_own_one() -> None:
    assert is_own_origin("https://shop.example/a", "http://127.0.0.1:60621/a")
    assert is_own_origin("https://shop.example/a", "https://127.0.0.1:60621/a")
    assert is_own_origin("http://shop.example/a", "http://127.0.0.1:60621/a")
    assert not is_own_origin("http://shop.example/a", "https://127.0.0.1:60621/a")
    assert not is_own_origin("http://shop.example/a", "https://10.0.3.7/a", ("http://shop.example", "http://10.0.3.7"))
    assert not is_own_origin("https://shop.example/a", "http://shop.example/a", (SHOP, SHOP))
    assert is_own_origin("https://shop.example/a", "http://shop.example/a", (SHOP, "http://shop.example"))


@pytest.mark.parametrize(
    "fields",
    [
        {"x-forwarded-host": "shop.example", "x-forwarded-proto": "https"},
        {"x-forwarded-host": "shop.example, edge.internal", "x-scheme": "https"},
        {"forwarded": 'for=1.2.3.4; host="shop.example"; proto=https'},
        {"x-original-host": "shop.example", "x-forwarded-ssl": "on"},
    ],
)
def test_what_a_proxy_says_that_the_client_wanted_is_own_on_both_sides(fields: dict[str, str]) -> None:
    origins = "http://app:8000", SHADOW
    assert is_own_origin("https://shop.example/a", "http://127.0.0.1:60621/a", origins, fields)
    assert is_own_origin("http://app:8000/a", "https://shop.example/a", origins, fields)
    assert not is_own_origin("https://shop.example/a", "http://shop.example/a", origins, fields)
    assert not is_own_origin("https://shop.example/a", "http://127.0.0.1:60621/a", origins, {"host": "app:8000"})


def test_a_forwarded_port_belongs_to_the_host() -> None:
    fields = {"x-forwarded-host": "shop.example", "x-forwarded-port": "8443", "host": "app:8000", "x-scheme": "https"}
    assert list_forwarded_authorities(fields) == ("shop.example", "shop.example:8443", "app:8443")
    assert is_own_origin("https://shop.example:8443/a", "http://127.0.0.1:60621/a", ("http://app:8000", SHADOW), fields)
    assert list_forwarded_authorities({"x-forwarded-port": "443", "host": "shop.example"}) == ()


@pytest.mark.parametrize(
    ("primary", "shadow", "is_same"),
    [
        ("https://shop.example/a", "https://127.0.0.1:60621/a", True),
        ("/a", "https://127.0.0.1:60621/a", True),
        ("//shop.example/a", "//127.0.0.1:60621/a", True),
        ("/login?next=https%3A%2F%2Fshop.example%2F", "/login?next=http%3A%2F%2F127.0.0.1%3A60621%2F", True),
        ("https://shop.example/a", "https://127.0.0.1:60621/b", False),
    ],
)
def test_a_redirect_to_the_own_origin_is_no_difference(primary: str, shadow: str, is_same: bool) -> None:
    theirs, ours = (
        ComparedResponse(
            Response(302, (("location", value),), b"", 1.0), origin, 0, lambda: {"x-forwarded-proto": "https"}
        )
        for value, origin in ((primary, SHOP), (shadow, SHADOW))
    )
    assert (compare("GET", theirs, ours).outcome is ComparisonOutcome.MATCHED) is is_same


def test_both_texts_may_hold_the_public_address_beside_an_id() -> None:
    one, other = "0b9c6f1e-5b0a-4f6e-9a55-2f1f3c1d7a10", "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    theirs, ours = (
        ComparedResponse(Response(200, JSON, f'{{"u": "https://shop.example/{value}"}}'.encode(), 1.0), origin, 0)
        for value, origin in ((one, SHOP), (other, SHADOW))
    )
    assert [excuse.reason for excuse in compare("GET", theirs, ours).excuses] == [ExcuseReason.GENERATED_ID]
