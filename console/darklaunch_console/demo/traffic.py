"""What the shop's visitors ask for: a fixed mix of requests, the same on every run.

The regressions of v2 are hit as rarely as in real life: an order often, a popular search a handful of times (each
costs the shadow seconds of CPU), a quantity of 0 in one request of a hundred.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from .shop.catalogue import sku
from .shop.database import Shop

SEED: Final = 7
ZERO_QUANTITY_SHARE: Final = 0.01
POPULAR_SEARCHES: Final = 6
DEEP_PAGES: Final = 3
POPULAR_FIRST, POPULAR_LAST = 0.05, 0.65
"""Where in the load the popular searches are, evenly: after the launch has begun, and early enough to be replayed."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a visitor: what kind of question, how it is asked, and the status a healthy shop answers."""

    kind: str
    method: str
    target: str
    expected: int
    body: bytes = b""


def plan_visits(shop: Shop, count: int, popular: int = POPULAR_SEARCHES) -> tuple[Visit, ...]:
    """Plan that many visits, `popular` of them searches that v2 answers slowly, spread evenly."""
    chance = random.Random(SEED)
    zero = [_quote(shop, chance, 0) for _ in range(max(1, round(count * ZERO_QUANTITY_SHARE)))]
    asks = list(MIX)
    kinds = chance.choices(asks, [MIX[ask] for ask in asks], k=max(0, count - len(zero) - popular))
    visits = list(chain(zero, (ask(shop, chance) for ask in kinds)))
    chance.shuffle(visits)
    for nth in range(popular):
        share = POPULAR_FIRST + (POPULAR_LAST - POPULAR_FIRST) * nth / max(1, popular - 1)
        visits.insert(round(count * share), _popular_search(shop, nth))
    return tuple(visits)


def _product(shop: Shop, chance: random.Random) -> Visit:
    return Visit("product", "GET", f"/products/{_product_id(shop, chance)}", 200)


def _missing_product(shop: Shop, chance: random.Random) -> Visit:
    return Visit("missing product", "GET", f"/products/{shop.size.products + chance.randint(1, 500)}", 404)


def _customer(shop: Shop, chance: random.Random) -> Visit:
    return Visit("customer", "GET", f"/customers/{chance.randint(1, shop.size.customers)}", 200)


def _order(shop: Shop, chance: random.Random) -> Visit:
    return Visit("order", "GET", f"/orders/{chance.randint(1, shop.size.orders)}", 200)


def _search(shop: Shop, chance: random.Random) -> Visit:
    term = shop.ordinary_term(_product_id(shop, chance))
    return Visit("search", "GET", f"/search?q={term.replace(' ', '+')}", 200)


def _popular_search(shop: Shop, nth: int) -> Visit:
    terms = shop.popular
    page = 1 + nth // len(terms) % DEEP_PAGES
    return Visit("popular search", "GET", f"/search?q={terms[nth % len(terms)].term}&page={page}", 200)


def _some_quote(shop: Shop, chance: random.Random) -> Visit:
    return _quote(shop, chance, chance.choice((1, 2, 3, 6, 12, 60)))


def _quote(shop: Shop, chance: random.Random, quantity: int) -> Visit:
    kind = "quote" if quantity else "quote for none"
    return Visit(kind, "GET", f"/quote?sku={sku(_product_id(shop, chance))}&qty={quantity}", 200)


def _cart(shop: Shop, chance: random.Random) -> Visit:
    wish = f'{{"sku": "{sku(_product_id(shop, chance))}", "quantity": {chance.randint(1, 4)}}}'
    return Visit("cart", "POST", "/carts", 201, wish.encode())


def _product_id(shop: Shop, chance: random.Random) -> int:
    return chance.randint(1, shop.size.products)


MIX: Final[dict[Callable[[Shop, random.Random], Visit], int]] = {
    _product: 38,
    _missing_product: 1,
    _order: 24,
    _search: 14,
    _customer: 13,
    _some_quote: 7,
    _cart: 3,
}
"""Weights, in per cent of what the planted requests leave."""
