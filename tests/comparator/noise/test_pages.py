"""A page with a nonce and a render time: both are learned by place, and a wrong total beside them is reported."""

import random

from darklaunch_comparator.compare import KnownNoise, NoiseKey
from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, classify_place
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.replay import LatencySource, NoiseReplay, ReplayedVersion, ShadowResponse, pack_replay

from tests.support.exchanges import NOW_MS, RULES
from tests.support.pack_exchange import pack_exchange

HTML = (("content-type", "text/html; charset=utf-8"),)
ENDPOINT = "GET /cart"
RANDOM = random.Random(7)


def page(total: str) -> bytes:
    nonce = "".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=12))
    return f"""<!doctype html><html><body><script nonce="{nonce}">boot("{nonce}")</script>
<h1>Cart {nonce}</h1><p>Total: {total}</p><p>Rendered in {RANDOM.random() * 9:.3f} ms</p></body></html>""".encode()


def assess(total: str, known: KnownNoise) -> ExchangeResult:
    request = Request("GET", "/cart", "http://shop", (), b"")
    captured = Exchange("p:1", "x", NOW_MS, ENDPOINT, request, Response(200, HTML, page("42.00"), 5.0))

    def answer(body: bytes) -> ShadowResponse:
        return ShadowResponse(Response(200, HTML, body, 5.0), LatencySource.CLIENT, 1, NOW_MS + 50)

    again = NoiseReplay(ReplayedVersion.PRIMARY, answer(page("42.00")))
    return assess_entry("x", pack_replay(pack_exchange(captured), answer(page(total)), again), RULES, {ENDPOINT: known})


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
