"""The rows of the shop, made up from a seed: the same products, customers and orders on every machine."""

import itertools
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SEED: Final = 20
SKEW: Final = 2.0
"""How much more often a few products are bought than the rest: a product is drawn at `random() ** SKEW`."""

_MATERIALS = """
    amber bamboo birch brass cedar ceramic copper cotton enamel felt flax glass hemp iron jute leather linen marble oak
    olive paper pewter porcelain rattan silk slate steel tin walnut wool
"""
_THINGS = """
    apron basket blanket board bottle bowl box brush candle carafe chair clock coaster cup cushion desk dish drawer
    frame hook jar jug kettle knife ladle lamp mat mirror mug pan pitcher plate pot rack rug shelf spoon stool tray
    vase whisk
"""
_TAGS = """
    limited signed heirloom antique outdoor foldable travel refill stackable vegan nordic rustic washable studio garden
    recycled minimal vintage festive winter summer picnic kitchen organic cosy handmade modern sale everyday classic
    bestseller home new gift
"""
MATERIALS: Final = tuple(_MATERIALS.split())
THINGS: Final = tuple(_THINGS.split())
TAGS: Final = tuple(_TAGS.split())
"""From the rarest to the one that is on two products of five; each is on an eighth more than the one before."""
RAREST_TAG_SHARE, COMMONEST_TAG_SHARE = 0.01, 0.40

CITIES: Final = ("Aarhus", "Bergen", "Bilbao", "Brno", "Ghent", "Graz", "Leipzig", "Lyon", "Porto", "Turku")
FIRST_NAMES: Final = ("Ada", "Barbara", "Edith", "Grace", "Hedy", "Jean", "Karen", "Lynn", "Mary", "Radia", "Sophie")
LAST_NAMES: Final = (
    "Almeida",
    "Berg",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Jansen",
    "Novak",
    "Peeters",
    "Virtanen",
)
STATUSES: Final = ("delivered", "delivered", "delivered", "delivered", "shipped", "packed", "returned")
TITLES: Final = ("Does what it should", "Lovely", "Smaller than it looks", "Would buy again", "Arrived late, but fine")


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows the shop has. With these an unindexed count of a product's sales reads 120,000 index entries."""

    products: int = 6_000
    customers: int = 2_000
    orders: int = 24_000
    lines_per_order: int = 5
    reviews: int = 12_000


def sku(product_id: int) -> str:
    """Return the stock-keeping unit of a product: `DL-00042`."""
    return f"DL-{product_id:05d}"


def phrase(product_id: int) -> str:
    """Return what a product is, `copper kettle`: 30 materials and 41 things share no divisor, so few are alike."""
    return f"{MATERIALS[product_id % len(MATERIALS)]} {THINGS[product_id % len(THINGS)]}"


def tag_matches(products: int) -> dict[str, int]:
    """Return how many of that many products carry each tag, rarest first: a geometric ladder."""
    ratio = (COMMONEST_TAG_SHARE / RAREST_TAG_SHARE) ** (1 / (len(TAGS) - 1))
    return {tag: max(1, round(products * RAREST_TAG_SHARE * ratio**step)) for step, tag in enumerate(TAGS)}


def fill(db: sqlite3.Connection, size: Size) -> None:
    """Insert every row and commit. The tables are there and empty."""
    chance = random.Random(SEED)
    ids = range(1, size.products + 1)
    tags: dict[int, list[str]] = {product: [] for product in ids}
    for tag, matches in tag_matches(size.products).items():
        for product in chance.sample(ids, matches):
            tags[product].append(tag)
    prices = {product: chance.randrange(250, 25_000, 5) for product in ids}
    db.executemany(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                product,
                sku(product),
                phrase(product).title(),
                " ".join(tags[product]),
                prices[product],
                chance.randrange(400),
            )
            for product in ids
        ),
    )
    db.executemany(
        "INSERT INTO product_terms VALUES (?, ?)",
        ((term, product) for product in ids for term in (sku(product).lower(), phrase(product), *tags[product])),
    )
    db.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", _customers(chance, size))
    db.executemany(
        "INSERT INTO orders (id, customer_id, status, placed_at) VALUES (?, ?, ?, ?)",
        (
            (order, chance.randrange(size.customers) + 1, chance.choice(STATUSES), _moment(chance))
            for order in range(1, size.orders + 1)
        ),
    )
    db.executemany("INSERT INTO order_lines VALUES (?, ?, ?, ?, ?)", _lines(chance, size, prices))
    db.execute(
        "UPDATE orders SET total_cents = sums.cents FROM"
        " (SELECT order_id, sum(quantity * unit_cents) AS cents FROM order_lines GROUP BY order_id) AS sums"
        " WHERE sums.order_id = orders.id"
    )
    db.executemany(
        "INSERT INTO reviews VALUES (?, ?, ?, ?, ?)",
        (
            (review, _popular(chance, size), chance.randint(1, 5), chance.choice(TITLES), _moment(chance))
            for review in range(1, size.reviews + 1)
        ),
    )
    db.commit()


def _customers(chance: random.Random, size: Size) -> Iterator[tuple[int, str, str, str]]:
    for customer in range(1, size.customers + 1):
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
        yield customer, name, chance.choice(CITIES), _moment(chance)[:10]


def _lines(chance: random.Random, size: Size, prices: dict[int, int]) -> Iterator[tuple[int, int, int, int, int]]:
    numbers = itertools.count(1)
    for order in range(1, size.orders + 1):
        for _ in range(size.lines_per_order):
            product = _popular(chance, size)
            yield next(numbers), order, product, chance.randint(1, 3), prices[product]


def _popular(chance: random.Random, size: Size) -> int:
    return int(size.products * chance.random() ** SKEW) + 1


def _moment(chance: random.Random) -> str:
    """A stored time, which must not be taken for one that moves with the clock."""
    return (
        f"20{chance.randint(21, 23)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        f"T{chance.randrange(24):02d}:{chance.randrange(60):02d}:{chance.randrange(60):02d}Z"
    )
