"""The page of a mismatch group and of one exchange: what a browser gets of exchanges that were really recorded."""

import html
from collections.abc import Callable

import httpx
import psycopg
import pytest
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import LatencySource, ShadowErrorClass, ShadowResponse, pack_replay

from tests.support.exchanges import NOW_MS, exchange, replayed, unanswered
from tests.support.pack_exchange import pack_exchange

RecordReplays = Callable[[list[Fields]], str]


def replay_bodies(
    launch: str, seq: int, primary: bytes, shadow: bytes, content_type: str, target: str = "/x"
) -> Fields:
    headers = (("content-type", content_type), ("etag", "1"))
    request = Request("POST", target, "http://shop", (("accept", "*/*"), ("authorization", "[redacted]")), b'{"a": 1}')
    captured = Exchange(
        f"aaaa:{seq}", launch, NOW_MS, "POST /x", request, Response(200, headers, primary, 5.0),
        redacted=("authorization",),
    )  # fmt: skip
    answer = Response(200, (*headers[:1], ("etag", "2")), shadow, 8.0)
    return pack_replay(pack_exchange(captured), ShadowResponse(answer, LatencySource.SERVER_TIMING, 1, NOW_MS, "v2"))


def read_text(browser: httpx.Client, path: str, *, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text
    return html.unescape(response.text)


@pytest.fixture
def find_group(postgres_dsn: str) -> Callable[[str], str]:
    """A function that returns the address of a launch's most frequent group."""

    def find(launch: str) -> str:
        with psycopg.connect(postgres_dsn) as connection:
            row = connection.execute(
                "SELECT fingerprint FROM darklaunch.signature WHERE launch = %s ORDER BY count DESC LIMIT 1", [launch]
            ).fetchone()
        assert row is not None
        return f"/launches/{launch}/mismatches/{row[0]}"

    return find


def test_a_group_shows_how_often_what_differs_and_one_exchange(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 7)]
    entries += [replayed(exchange(launch_name, seq), body={"total": 2}) for seq in (7, 8)]
    address = find_group(record_replays(entries))
    page = read_text(browser, address)
    assert "25 %" in page
    assert "of 8 replays" in page
    assert "<code>$.total</code>" in page
    assert "curl -sS --path-as-is --globoff \\\n  -H 'accept: */*' \\\n  http://shop/orders/7" in page
    assert "http://shadow:8000/orders/7" in page
    assert "Sample <code>abcd1234:7</code>" in page
    assert "Sample <code>abcd1234:8</code>" in read_text(browser, f"{address}?sample=abcd1234:8")
    assert f'href="{address}"' in read_text(browser, f"/launches/{launch_name}")


def test_a_group_says_what_ignoring_a_place_would_hide_and_changes_nothing(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    address = find_group(
        record_replays([replayed(exchange(launch_name, seq), body={"total": 2}) for seq in range(1, 5)])
    )
    page = read_text(browser, f"{address}?ignore=$.total")
    assert "Mismatches of this endpoint" in page
    assert "about 0" in page
    assert f"darklaunch rules add {launch_name} ignore" in page
    assert "It would hide none" in read_text(browser, f"{address}?ignore=$.other")
    assert "about 0" not in read_text(browser, f"{address}?ignore=$[")
    assert "started" in browser.get(f"/api/v1/launches/{launch_name}/events").json()["events"][0]["act"]


def test_headers_that_differ_and_are_not_compared_are_marked_as_excused(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    entry = replay_bodies(launch_name, 1, b'{"a": 1}', b'{"a": 2}', "application/json")
    page = read_text(browser, find_group(record_replays([entry])))
    row = next(line for line in page.splitlines() if "etag: 1" in line)
    assert 'class="is-ignored"' in row
    assert "Removed before the exchange left the app: authorization" in page


def test_markup_is_laid_out_by_tag_so_that_a_difference_in_a_long_line_is_seen(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    one, other = (f"<html><body><ul><li>tea</li><li>{text}</li></ul></body></html>" for text in ("cake", "pie"))
    entry = replay_bodies(launch_name, 1, one.encode(), other.encode(), "text/html")
    page = read_text(browser, find_group(record_replays([entry])))
    assert "<mark>cake</mark>" in page
    assert "<mark>pie</mark>" in page


def test_a_shadow_that_did_not_respond_is_shown_beside_the_primary(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    entry = unanswered(exchange(launch_name, 1), ShadowErrorClass.TIMEOUT)
    page = read_text(browser, find_group(record_replays([entry])))
    assert "No response: timeout" in page
    assert '"total": 1' in page


def test_an_exchange_that_matched_is_shown_by_its_row(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1))])
    page = read_text(browser, f"/launches/{name}/exchanges/abcd1234:1")
    assert "Matched" in page
    assert "Its bodies were not kept" in page


def test_a_mismatched_exchange_has_a_page_of_its_own(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1), body={"total": 2})])
    page = read_text(browser, f"/launches/{name}/exchanges/abcd1234:1")
    assert find_group(name) in page
    assert "<mark>2</mark>" in page


def test_what_is_not_recorded_is_not_found_with_the_reason(
    browser: httpx.Client, record_replays: RecordReplays, launch_name: str, find_group: Callable[[str], str]
) -> None:
    name = record_replays([replayed(exchange(launch_name, 1), body={"total": 2})])
    assert "has no mismatch ffff" in read_text(browser, f"/launches/{name}/mismatches/ffff", status=404)
    assert "past retention" in read_text(browser, f"/launches/{name}/exchanges/abcd1234:9", status=404)
    assert "no longer kept" in read_text(browser, f"{find_group(name)}?sample=abcd1234:9", status=404)


@pytest.mark.parametrize(
    ("primary", "shadow", "content_type"),
    [
        (b"\n" * 400_000, b"x\n" * 200_000, "text/plain"),
        (b"\xff\xfe\x00bad", b"\xc3\x28", "text/plain"),
        ("a\u202eb\u0007".encode(), "a\u2066b".encode(), "text/plain"),
        (b"<" * 60_000, b"<a" * 30_000, "text/html"),
        (b"[" * 100_000, b"[1]", "application/json"),
        (b'{"k": "' + b"v" * 900_000 + b'"}', b'{"k": "v"}', "application/json"),
    ],
    ids=["lines", "not-utf8", "bidi", "open-tags", "deep", "long-value"],
)
def test_a_hostile_body_is_cut_escaped_and_bounded(
    browser: httpx.Client,
    record_replays: RecordReplays,
    launch_name: str,
    primary: bytes,
    shadow: bytes,
    content_type: str,
) -> None:
    entry = replay_bodies(launch_name, 1, primary, shadow, content_type, target="/" + "p" * 65_000)
    name = record_replays([entry])
    for path in (f"/launches/{name}/exchanges/aaaa:1", f"/launches/{name}/exchanges/aaaa:1?whole=1"):
        response = browser.get(path)
        assert response.status_code == 200
        assert len(response.content) < 1_500_000
        assert not {"\u202e", "\u2066", "\x07"} & set(response.text)
