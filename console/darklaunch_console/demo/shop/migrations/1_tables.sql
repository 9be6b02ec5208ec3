-- The shop's tables. Money is in cents, times are ISO 8601 in UTC.
CREATE TABLE products (
    id          INTEGER PRIMARY KEY,
    sku         TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    tags        TEXT NOT NULL,              -- separated by one space
    price_cents INTEGER NOT NULL,
    stock       INTEGER NOT NULL
);

-- What a product is found by: its SKU, "material thing", its tags.
CREATE TABLE product_terms (
    term       TEXT NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    PRIMARY KEY (term, product_id)
) WITHOUT ROWID;

CREATE TABLE customers (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    city         TEXT NOT NULL,
    member_since TEXT NOT NULL
);

CREATE TABLE orders (
    id          INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    status      TEXT NOT NULL,
    placed_at   TEXT NOT NULL,
    total_cents INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE order_lines (
    id         INTEGER PRIMARY KEY,
    order_id   INTEGER NOT NULL REFERENCES orders (id),
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity   INTEGER NOT NULL,
    unit_cents INTEGER NOT NULL
);

CREATE TABLE reviews (
    id         INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES products (id),
    stars      INTEGER NOT NULL,
    title      TEXT NOT NULL,
    written_at TEXT NOT NULL
);

CREATE TABLE carts (
    id         TEXT PRIMARY KEY,
    sku        TEXT NOT NULL,
    quantity   INTEGER NOT NULL,
    created_at TEXT NOT NULL
);
