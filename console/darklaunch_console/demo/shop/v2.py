"""Release v2: one index instead of two (migration 3), an order laid out like an invoice, and prices from a table.

Its three regressions: `total_cents` of an order became `total`; migration 3 left counting a product's sales without
an index; and PRICE_BREAKS has no row for a quantity of 0, which a shop page asks for when the last piece leaves a cart.
"""

import sqlite3
from dataclasses import replace
from typing import Final

from . import v1

PRICE_BREAKS: Final = ((1, 0), (10, 5), (50, 10))
"""(from this many pieces, per cent off)"""


def order(db: sqlite3.Connection, order_id: int) -> v1.Json | None:
    """Read an order with its lines, in the words of the invoice."""
    row = db.execute(
        "SELECT id, customer_id, status, placed_at, total_cents AS total, 'EUR' AS currency FROM orders WHERE id = ?",
        (order_id,),
    ).fetchone()
    return None if row is None else {**dict(row), "lines": v1.order_lines(db, order_id)}


def quote(db: sqlite3.Connection, sku: str, quantity: int) -> v1.Json | None:
    """Quote the price of so many pieces."""
    row = db.execute("SELECT sku, price_cents FROM products WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return None
    percent = max(percent for pieces, percent in PRICE_BREAKS if quantity >= pieces)
    return v1.priced(row["sku"], row["price_cents"], quantity, percent)


RELEASE: Final = replace(v1.RELEASE, name="v2", order=order, quote=quote)
