"""All rows of the matrix. A row's name is what the user of the launch sees."""

from __future__ import annotations

from dataclasses import replace

from darklaunch_comparator.judging.policy import RampStep

from .release import Release
from .row import TIME_LAPSE, Ending, Row, Setting, Truth
from .traffic import SHOP, Mix, Visit

HOOK, BASELINE, NEITHER, BOTH = Setting.HOOK, Setting.BASELINE, Setting.NEITHER, Setting.HOOK_AND_BASELINE
PROMOTED = Truth(ending=Ending.PROMOTED)
UNACCUSED = Truth(ending=Ending.NOT_ROLLED_BACK, within=4_000)
ORDER, PRODUCT, QUOTE = "GET /orders/{number}", "GET /products/{number}", "GET /quotes/{number}"
AT_ONCE = replace(TIME_LAPSE, steps=(RampStep(100, 0.01, 450),))
FAST = Release(median_ms=2.0)
INSTANT = Release(median_ms=0.3)
NOISY = Release(noise=("nonce", "duration", "sizes", "ids"))
ACCOUNTS: Mix = (*SHOP, Visit(30, "/account/{}", headers=(("authorization", "Bearer of-a-user"),)))
PAGES: Mix = tuple(
    Visit(weight, f"/pages/{name}/{{}}")
    for weight, name in (
        (22, "stock"), (16, "viewers"), (12, "terms"), (9, "prices"), (8, "online"), (6, "about"), (5, "offers"),
        (4, "friends"), (4, "help"), (3, "rates"), (3, "crowd"), (2, "press"), (2, "taxes"), (1, "queue"), (1, "jobs"),
        (0.5, "routes"), (0.5, "guests"), (0.5, "legal"),
    )
)  # fmt: skip


def rolled_back(endpoint: str = "", *, within: int = 2_000, **more: object) -> Truth:
    """Return the truth of a shadow that must be rolled back for an endpoint."""
    return Truth(ending=Ending.ROLLED_BACK, endpoint=endpoint, within=within, **more)  # type: ignore[arg-type]


def in_each_setting(name: str, truth: Truth, *settings: Setting, **row: object) -> tuple[Row, ...]:
    """Return one row for each setting."""
    return tuple(Row(name=name, setting=setting, truth=truth, **row) for setting in settings)  # type: ignore[arg-type]


CLEAN = (
    *in_each_setting("The same code", PROMOTED, HOOK, BASELINE, NEITHER, BOTH),
    *in_each_setting("The same code, on a busy machine", UNACCUSED, BOTH, busy=True),
    *in_each_setting("The same code, fast, on a busy machine", UNACCUSED, BOTH, primary=FAST, shadow=FAST, busy=True),
)
SLOW = (
    *in_each_setting("Every response takes 30 % longer", rolled_back(within=3_500), HOOK, shadow=Release(factor=1.3)),
    *in_each_setting(
        "Every response takes 30 % longer", Truth(ending=Ending.NOT_PROMOTED, within=2_500), BASELINE, NEITHER,
        shadow=Release(factor=1.3),
    ),
    *in_each_setting(
        "Every response takes 2 ms, and 200 ms more in the shadow", rolled_back(within=6_000, says=("slower",)),
        HOOK, BASELINE, NEITHER, primary=FAST, shadow=replace(FAST, added_ms=200),
    ),
    *in_each_setting(
        "GET /orders takes 0.3 ms, and 50 ms more in the shadow",
        rolled_back(within=4_000, says=("slower",), reports=(f"1. {ORDER} is slower: p",)),
        HOOK, primary=INSTANT, shadow=replace(INSTANT, added_ms=50, added_at="/orders"),
    ),
    *in_each_setting(
        "The slowest 15 % take twice as long", rolled_back(within=4_000, says=("slower",)), HOOK,
        shadow=Release(tail=2.0),
    ),
    *in_each_setting(
        "The slowest 15 % take twice as long", Truth(ending=Ending.NOT_PROMOTED, within=2_500), NEITHER,
        shadow=Release(tail=2.0),
    ),
    *in_each_setting(
        "4 % of responses stall for 2.5 s", rolled_back(within=3_000), HOOK, NEITHER, shadow=Release(stalls=0.04)
    ),
)  # fmt: skip
WRONG = (
    *in_each_setting("A total is wrong in JSON", rolled_back(ORDER, says=("total",)), HOOK, BASELINE, NEITHER,
                     shadow=Release(wrong="json")),
    *in_each_setting("A price is wrong on a page", rolled_back(PRODUCT), HOOK, NEITHER, shadow=Release(wrong="page")),
    *in_each_setting("A header is wrong", rolled_back(ORDER, says=("cache-control",)), NEITHER,
                     shadow=Release(wrong="header")),
    *in_each_setting("A status is 500", rolled_back(ORDER, says=("200 → 500",)), BASELINE,
                     shadow=Release(wrong="status")),
    *in_each_setting("A total is wrong in 5 % of the orders", rolled_back(ORDER, within=3_000), HOOK,
                     shadow=Release(wrong="json", wrong_share=0.05)),
    *in_each_setting("A price is negative at an endpoint with 1 % of the traffic", rolled_back(QUOTE, within=4_000),
                     HOOK, BASELINE, shadow=Release(wrong="quote"), policy=AT_ONCE, limit_s=500.0),
    *in_each_setting("Nearly all responses are wrong, and there are few",
                     rolled_back(ORDER, within=400, never_says=("more needed",)), NEITHER,
                     per_s=2.0, mix=(Visit(1, "/orders/{}"),), shadow=Release(wrong="json", wrong_share=0.98),
                     policy=AT_ONCE),
)  # fmt: skip
REFUSED = Truth(ending=Ending.ROLLED_BACK, within=2_000, warns="SHADOW DOWN", says=("the shadow refuses connections",))
DEAD = (
    *in_each_setting("Nothing listens at the shadow's address", REFUSED,
                     NEITHER, dead=True, per_s=24.0),
    *in_each_setting("Nothing listens at the shadow's address, and visitors are few",
                     REFUSED, NEITHER, dead=True, per_s=2.0,
                     policy=AT_ONCE),
    *in_each_setting("The shadow dies", rolled_back(within=6_000), HOOK, dies_after=300),
    *in_each_setting("Half of the connections are reset", rolled_back(errors=(0.35, 0.65)), HOOK, NEITHER,
                     shadow=Release(resets=0.5)),
    *in_each_setting("Half of the connections are reset, writes too", rolled_back(), NEITHER,
                     shadow=Release(resets=0.5), mix=(*SHOP, Visit(50, "/orders", "POST")),
                     options=("--allow", "POST /orders")),
    *in_each_setting("The shadow is down for three seconds in six", rolled_back(within=3_000), NEITHER,
                     shadow=Release(flaps_s=3.0)),
)  # fmt: skip
NOISE = (
    *in_each_setting("The same code; pages have nonces, JSON has durations, ids and lists that vary", PROMOTED,
                     HOOK, BASELINE, NEITHER, primary=NOISY, shadow=NOISY),
    *in_each_setting("The same code; a field is there in half of the responses", PROMOTED, HOOK, BASELINE,
                     primary=Release(noise=("sometimes",)), shadow=Release(noise=("sometimes",))),
    *in_each_setting("The same code; forms and JSON have a signed token", PROMOTED, HOOK, BASELINE,
                     primary=Release(noise=("token",)), shadow=Release(noise=("token",))),
    *in_each_setting("A price is wrong on a page with a token", rolled_back(PRODUCT), BASELINE, NEITHER,
                     primary=Release(noise=("token",)), shadow=Release(noise=("token",), wrong="page")),
    *in_each_setting("The total is 0.00 on a page with a nonce and a render time", rolled_back(PRODUCT), BASELINE,
                     primary=Release(noise=("nonce",)), shadow=Release(noise=("nonce",), wrong="page"),
                     options=("--noise", "100")),
    *in_each_setting("The same code; 18 endpoints of very different traffic, most of them noisy", PROMOTED, HOOK,
                     primary=Release(median_ms=8, noise=("duration", "sizes")), mix=PAGES, per_s=10.0,
                     shadow=Release(median_ms=8, noise=("duration", "sizes")), limit_s=400.0),
)  # fmt: skip
STRANGERS = Truth(
    ending=Ending.NOT_JUDGED, within=600, says=("credentials", "of the traffic", "--seal"),
    reports=("--seal", "without the users' credentials"),
)  # fmt: skip
GENERATOR = in_each_setting(
    "The same code; a generator that sends its last chunk before it is through", PROMOTED, HOOK, server="wsgi",
    mix=(Visit(1, "/stream/{}"),), per_s=12.0,
)  # fmt: skip
CREDENTIALS = (
    *in_each_setting("Users are logged in, and the shadow answers 401",
                     STRANGERS, NEITHER, mix=ACCOUNTS),
    *in_each_setting("Users are logged in, and the shadow shows its login",
                     STRANGERS, HOOK, mix=ACCOUNTS,
                     shadow=Release(login="302")),
)  # fmt: skip
QUIET = (
    *in_each_setting("Nobody visits", Truth(ending=Ending.KEEP_WATCHING, says=("without traffic",)), HOOK,
                     is_idle=True, limit_s=30.0),
)  # fmt: skip
ROWS = (*CLEAN, *SLOW, *WRONG, *DEAD, *NOISE, *GENERATOR, *CREDENTIALS, *QUIET)
SHORT_FORM = (
    Row(name="The same code", setting=HOOK, truth=PROMOTED, policy=AT_ONCE),
    Row(
        name="Every response takes 2 ms, and 200 ms more in the shadow", setting=NEITHER, policy=AT_ONCE,
        truth=rolled_back(within=6_000, says=("slower",)), primary=FAST, shadow=replace(FAST, added_ms=200),
    ),
    Row(
        name="The total is 0.00 on a page with a nonce and a render time", setting=BASELINE, policy=AT_ONCE,
        truth=rolled_back(PRODUCT), primary=Release(noise=("nonce",)), shadow=Release(noise=("nonce",), wrong="page"),
    ),
    Row(name="Nothing listens at the shadow's address", setting=NEITHER, truth=REFUSED, dead=True, per_s=20.0),
    Row(
        name="Half of the connections are reset", setting=NEITHER, truth=rolled_back(errors=(0.3, 0.7)),
        shadow=Release(resets=0.5), policy=AT_ONCE, per_s=20.0,
    ),
    Row(
        name="Nobody visits", setting=HOOK, is_idle=True, limit_s=25.0,
        truth=Truth(ending=Ending.KEEP_WATCHING, says=("without traffic",)),
    ),
)  # fmt: skip
"""One row of each kind, mirrored in full from the start, so that all are over after some windows."""
