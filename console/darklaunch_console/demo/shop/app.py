"""The shop's HTTP API: its routes, the envelope of every response, and a release behind them.

Every response contains values that differ between two calls and mean nothing: when it was generated and the request's
id. A comparison that reports those is of no use.
"""

import hashlib
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import v1, v2, v3
from .connections import Connections
from .database import database_path

RELEASES: Final = {release.name: release for release in (v1.RELEASE, v2.RELEASE, v3.RELEASE)}
MAX_QUANTITY: Final = 10_000
MAX_NUMBER: Final = 2**31 - 1


def make_app(version: str, database_dir: Path) -> Starlette:
    """Create the app of a release (`v1`, `v2`, `v3`) over its database, built before with `build_shop`.

    Raises KeyError for a release that does not exist, FileNotFoundError when the database is not there.
    """
    release = RELEASES[version]
    path = database_path(database_dir, version)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: build the shop's databases first")
    connections = Connections(path)

    def health(_: Request) -> Response:
        with connections.borrow() as db:
            products = db.execute("SELECT count(*) FROM products").fetchone()[0]
        return respond({"status": "ok", "release": release.name, "products": products})

    def product(request: Request) -> Response:
        with connections.borrow() as db:
            return respond_by_number(request, "product", lambda number: release.product(db, number))

    def customer(request: Request) -> Response:
        with connections.borrow() as db:
            return respond_by_number(request, "customer", lambda number: release.customer(db, number))

    def order(request: Request) -> Response:
        with connections.borrow() as db:
            return respond_by_number(request, "order", lambda number: release.order(db, number))

    def search(request: Request) -> Response:
        term = " ".join(request.query_params.get("q", "").lower().split())
        page = parse_number(request.query_params.get("page", "1"))
        if not term or not page:
            return refuse(400, "search needs a term, q=..., and a page that is 1 or more")
        with connections.borrow() as db:
            return respond(release.search(db, term, page))

    def quote(request: Request) -> Response:
        sku = request.query_params.get("sku", "")
        quantity = parse_number(request.query_params.get("qty", "1"))
        if quantity is None or quantity > MAX_QUANTITY:
            return refuse(400, f"qty must be a whole number from 0 to {MAX_QUANTITY}")
        with connections.borrow() as db:
            quoted = release.quote(db, sku, quantity)
        return refuse(404, f"there is no product {sku!r}") if quoted is None else respond(quoted)

    async def add_to_cart(request: Request) -> Response:
        try:
            item = orjson.loads(await request.body())
            sku, quantity = str(item["sku"]), parse_number(str(item["quantity"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return refuse(400, 'a cart needs {"sku": ..., "quantity": ...}')
        if not quantity or quantity > MAX_QUANTITY:
            return refuse(400, f"quantity must be a whole number from 1 to {MAX_QUANTITY}")
        return await run_in_threadpool(put_in_cart, sku, quantity)

    def put_in_cart(sku: str, quantity: int) -> Response:
        cart_id = str(uuid.uuid4())
        with connections.borrow() as db:
            db.execute("INSERT INTO carts VALUES (?, ?, ?, ?)", (cart_id, sku, quantity, format_now()))
        return respond({"id": cart_id, "sku": sku, "quantity": quantity}, 201, {"location": f"/carts/{cart_id}"})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        connections.close()

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/products/{id}", product),
            Route("/customers/{id}", customer),
            Route("/orders/{id}", order),
            Route("/search", search),
            Route("/quote", quote),
            Route("/carts", add_to_cart, methods=["POST"]),
        ],
        exception_handlers={Exception: respond_to_failure},
        lifespan=lifespan,
    )


def respond_by_number(request: Request, thing: str, find: Callable[[int], v1.Json | None]) -> Response:
    """Return a response with the thing whose number is in the path, or 404."""
    number = parse_number(request.path_params["id"])
    content = None if number is None else find(number)
    if content is None:
        return refuse(404, f"there is no {thing} {request.path_params['id']!r}")
    return respond(content)


def parse_number(text: str) -> int | None:
    """Parse a whole number from 0 to 2^31 - 1 in ASCII digits; return None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text)
    return number if number <= MAX_NUMBER else None


def respond(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response in the envelope: the content, when it was generated and the request's id."""
    digest = hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]
    request_id = str(uuid.uuid4())
    return Response(
        orjson.dumps({**content, "generated_at": format_now(), "request_id": request_id}),
        status,
        {
            "x-request-id": request_id,
            "etag": f'W/"{digest}"',
            "cache-control": "private, max-age=15",
            **(headers or {}),
        },
        "application/json",
    )


def refuse(status: int, message: str) -> Response:
    """Return a response that says what is wrong with a request."""
    return respond({"error": message}, status)


async def respond_to_failure(_request: Request, _error: Exception) -> Response:
    """Return the response when a handler raised; the server logs the traceback."""
    return respond({"error": "internal error"}, 500)


def format_now() -> str:
    """Return the present time, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
