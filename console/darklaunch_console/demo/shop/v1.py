"""Release v1: the one that serves users."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

PAGE_ROWS: Final = 20

SEARCH: Final = """
SELECT p.id, p.sku, p.name, p.price_cents,
       (SELECT count(*) FROM order_lines AS l WHERE l.product_id = p.id) AS times_ordered
FROM product_terms AS t JOIN products AS p ON p.id = t.product_id
WHERE t.term = :term
ORDER BY times_ordered DESC, p.id
LIMIT :rows OFFSET :skipped
"""


@dataclass(frozen=True, slots=True)
class Release:
    """One release: functions of a connection and the request's values that return JSON, or None for "not found"."""

    name: str
    product: Callable[[sqlite3.Connection, int], Json | None]
    customer: Callable[[sqlite3.Connection, int], Json | None]
    order: Callable[[sqlite3.Connection, int], Json | None]
    search: Callable[[sqlite3.Connection, str, int], Json]
    quote: Callable[[sqlite3.Connection, str, int], Json | None]


def product(db: sqlite3.Connection, product_id: int) -> Json | None:
    """Read a product with its rating and newest reviews."""
    row = db.execute("SELECT * FROM products WHERE id = ?", (product_id,)).fetchone()
    if row is None:
        return None
    stars = db.execute("SELECT count(*), avg(stars) FROM reviews WHERE product_id = ?", (product_id,)).fetchone()
    reviews = db.execute(
        "SELECT id, stars, title, written_at FROM reviews WHERE product_id = ? ORDER BY written_at DESC, id LIMIT 3",
        (product_id,),
    )
    return {
        "id": row["id"],
        "sku": row["sku"],
        "name": row["name"],
        "tags": row["tags"].split(),
        "price_cents": row["price_cents"],
        "in_stock": row["stock"] > 0,
        "rating": {"count": stars[0], "average": None if stars[1] is None else round(stars[1], 2)},
        "reviews": [dict(review) for review in reviews],
    }


def customer(db: sqlite3.Connection, customer_id: int) -> Json | None:
    """Read a customer with the newest five orders."""
    row = db.execute("SELECT * FROM customers WHERE id = ?", (customer_id,)).fetchone()
    if row is None:
        return None
    orders = db.execute(
        "SELECT id, status, placed_at FROM orders WHERE customer_id = ? ORDER BY placed_at DESC, id LIMIT 5",
        (customer_id,),
    )
    return {**dict(row), "latest_orders": [dict(order) for order in orders]}


def order(db: sqlite3.Connection, order_id: int) -> Json | None:
    """Read an order with its lines."""
    row = db.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        return None
    return {
        "id": row["id"],
        "customer_id": row["customer_id"],
        "status": row["status"],
        "placed_at": row["placed_at"],
        "total_cents": row["total_cents"],
        "currency": "EUR",
        "lines": order_lines(db, order_id),
    }


def order_lines(db: sqlite3.Connection, order_id: int) -> list[Json]:
    """Read the lines of an order, as they were entered."""
    rows = db.execute(
        "SELECT p.sku, p.name, l.quantity, l.unit_cents FROM order_lines AS l JOIN products AS p ON p.id = l.product_id"
        " WHERE l.order_id = ? ORDER BY l.id",
        (order_id,),
    )
    return [dict(row) for row in rows]


def search(db: sqlite3.Connection, term: str, page: int) -> Json:
    """Find products by a term, the most ordered first, a page of 20 at a time."""
    total = db.execute("SELECT count(*) FROM product_terms WHERE term = ?", (term,)).fetchone()[0]
    rows = db.execute(SEARCH, {"term": term, "rows": PAGE_ROWS, "skipped": (page - 1) * PAGE_ROWS})
    return {"term": term, "page": page, "found": total, "products": [dict(row) for row in rows]}


def quote(db: sqlite3.Connection, sku: str, quantity: int) -> Json | None:
    """Quote the price of so many pieces."""
    row = db.execute("SELECT sku, price_cents FROM products WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return None
    return priced(row["sku"], row["price_cents"], quantity, discount_percent(quantity))


def priced(sku: str, list_cents: int, quantity: int, percent: int) -> Json:
    """Return a quote; the discount is rounded down per piece."""
    unit_cents = list_cents * (100 - percent) // 100
    return {
        "sku": sku,
        "quantity": quantity,
        "discount_percent": percent,
        "unit_cents": unit_cents,
        "total_cents": unit_cents * quantity,
        "currency": "EUR",
    }


def discount_percent(quantity: int) -> int:
    """Return what is taken off the list price when so many are bought."""
    if quantity >= 50:
        return 10
    if quantity >= 10:
        return 5
    return 0


RELEASE: Final = Release("v1", product, customer, order, search, quote)
