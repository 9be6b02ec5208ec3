"""A page with a nonce and a render time: both are learned by place, and a wrong total beside them is reported."""

import random

import pytest
from darklaunch_comparator.compare import KnownNoise, NoiseAspect, NoiseKey
from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, classify_place
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_shared.wire.exchange import Exchange, Headers, Request, Response
from darklaunch_shared.wire.replay import LatencySource, NoiseReplay, ReplayedVersion, ShadowResponse, pack_replay

from tests.support.exchanges import NOW_MS, RULES
from tests.support.pack_exchange import pack_exchange

HTML = (("content-type", "text/html; charset=utf-8"),)
ENDPOINT = "GET /cart"
RANDOM = random.Random(7)
ORDER_ID, OTHER_ID = "0b9c6f1e-5b0a-4f6e-9a55-2f1f3c1d7a10", "f47ac10b-58cc-4372-a567-0e02b2c3d479"


def page(total: str) -> bytes:
    nonce = "".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=12))
    return f"""<!doctype html><html><body><script nonce="{nonce}">boot("{nonce}")</script>
<h1>Cart {nonce}</h1><p>Total: {total}</p><p>Rendered in {RANDOM.random() * 9:.3f} ms</p></body></html>""".encode()


def assess(total: str, known: KnownNoise) -> ExchangeResult:
    return assess_bodies(page("42.00"), page(total), page("42.00"), known)


def assess_bodies(
    primary: bytes, shadow: bytes, baseline: bytes, known: KnownNoise, headers: Headers = HTML
) -> ExchangeResult:
    """Assess an exchange of which the baseline was asked too, 1.5 s after the primary responded."""
    request = Request("GET", "/cart", "http://shop", (), b"")
    captured = Exchange("p:1", "x", NOW_MS, ENDPOINT, request, Response(200, headers, primary, 5.0))

    def answer(body: bytes, later_ms: int) -> ShadowResponse:
        return ShadowResponse(Response(200, headers, body, 5.0), LatencySource.CLIENT, 1, NOW_MS + later_ms)

    again = NoiseReplay(ReplayedVersion.PRIMARY, answer(baseline, 1_500))
    return assess_entry("x", pack_replay(pack_exchange(captured), answer(shadow, 50), again), RULES, {ENDPOINT: known})


def test_nonce_and_render_time_are_learned_and_the_wrong_total_is_reported_each_time() -> None:
    counts: dict[NoiseKey, int] = {}
    for _ in range(5):
        observation = assess("42.00", KnownNoise()).observation
        assert observation is not None
        for place in observation.all_differ:
            counts[place] = counts.get(place, 0) + 1
    learned = {
        place
        for place, varied in counts.items()
        if classify_place(ReplayedVersion.PRIMARY, PlaceCounts(all_differ=varied)) is NoiseState.VOLATILE
    }
    assert {"html/body/h1", "html/body/p[2]"} <= {path for path, _ in learned}
    assert "html/body/p[1]" not in {path for path, _ in counts}
    known = KnownNoise(volatile=frozenset(learned))
    for _ in range(20):
        assert assess("42.00", known).outcome == "matched"
        result = assess("0.00", known)
        assert (result.outcome, result.problems[0].title) == ("mismatched", "html/body/p[1] text")


@pytest.mark.parametrize(
    ("content_type", "page_of", "place"),
    [
        ("text/html", "<h1>Order {id}</h1>", "html/body/h1"),
        ("text/html", "<p>Order {id}, rendered 2026-05-01T12:00:{seconds:02}Z</p>", "html/body/p/#1"),
        ("text/html", "<a href='/orders/{id}'>x</a><p>took {seconds} ms</p>", "html/body/a/@href"),
        ("text/html", "<script>a({seconds})\nb('{id}')</script>", "html/head/script/line:b('<id>')"),
        ("application/xml", "<order><id>{id}</id><n>1</n></order>", "order/id"),
        ("text/plain", "order {id}", "line:order <id>"),
        ("text/csv", "id;n\n{id};1", "$[*].id"),
    ],
)
def test_an_order_id_in_a_page_that_differs_while_the_baseline_agrees_is_mismatched(
    content_type: str, page_of: str, place: str
) -> None:
    headers = (("content-type", content_type),)

    def write(order_id: str, seconds: int = 0) -> bytes:
        return page_of.format(id=order_id, seconds=seconds).encode()

    def assess_with(shadow_id: str, known: KnownNoise) -> ExchangeResult:
        return assess_bodies(write(ORDER_ID, 1), write(shadow_id, 3), write(ORDER_ID, 5), known, headers)

    observed = assess_with(ORDER_ID, KnownNoise()).observation
    assert observed is not None
    assert (place, NoiseAspect.VALUE) in observed.agreed
    assert classify_place(ReplayedVersion.PRIMARY, PlaceCounts(agreed=20)) is NoiseState.STABLE
    known = KnownNoise(volatile=observed.again_odd | observed.all_differ, identical=frozenset({place}))
    assert assess_with(ORDER_ID, known).outcome == "matched"
    result = assess_with(OTHER_ID, known)
    assert result.outcome == "mismatched"
    assert result.problems[0].title.startswith(place)


@pytest.mark.parametrize(
    "page_of",
    [
        "<script nonce={}>go()</script>",
        "<meta name=csrf-token content={}>",
        "<form><input type=hidden name=csrf_token value={}></form>",
        "<body data-csrf={}>x</body>",
    ],
)
def test_a_short_nonce_in_an_attribute_is_no_difference(page_of: str) -> None:
    one, other = page_of.format("a8Zk2Lq9").encode(), page_of.format("Qm4Ru7Xw").encode()
    result = assess_bodies(one, other, one, KnownNoise())
    assert (result.outcome, {reason for _, reason, _ in result.excuses}) == ("matched", {"generated_id"})
    named = page_of.replace("nonce", "title").replace("csrf", "colour").replace("token", "name")
    one, other = named.format("a8Zk2Lq9").encode(), named.format("Qm4Ru7Xw").encode()
    assert assess_bodies(one, other, one, KnownNoise()).outcome == "mismatched"
