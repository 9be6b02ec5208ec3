"""The shop's HTTP API: routes, the envelope every answer travels in, and a release behind them.

Every answer carries what differs from one call to the next and means nothing: when it was generated, the request's
id, an ETag over the content. A comparison that reports those is of no use.
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
        return answer({"status": "ok", "release": release.name, "products": products})

    def product(request: Request) -> Response:
        with connections.borrow() as db:
            return by_number(request, "product", lambda number: release.product(db, number))

    def customer(request: Request) -> Response:
        with connections.borrow() as db:
            return by_number(request, "customer", lambda number: release.customer(db, number))

    def order(request: Request) -> Response:
        with connections.borrow() as db:
            return by_number(request, "order", lambda number: release.order(db, number))

    def search(request: Request) -> Response:
        term = " ".join(request.query_params.get("q", "").lower().split())
        page = number_in(request.query_params.get("page", "1"))
        if not term or not page:
            return refusal(400, "search needs a term, q=..., and a page that is 1 or more")
        with connections.borrow() as db:
            return answer(release.search(db, term, page))

    def quote(request: Request) -> Response:
        sku = request.query_params.get("sku", "")
        quantity = number_in(request.query_params.get("qty", "1"))
        if quantity is None or quantity > MAX_QUANTITY:
            return refusal(400, f"qty must be a whole number from 0 to {MAX_QUANTITY}")
        with connections.borrow() as db:
            quoted = release.quote(db, sku, quantity)
        return refusal(404, f"there is no product {sku!r}") if quoted is None else answer(quoted)

    async def add_to_cart(request: Request) -> Response:
        try:
            wish = orjson.loads(await request.body())
            sku, quantity = str(wish["sku"]), number_in(str(wish["quantity"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return refusal(400, 'a cart needs {"sku": ..., "quantity": ...}')
        if not quantity or quantity > MAX_QUANTITY:
            return refusal(400, f"quantity must be a whole number from 1 to {MAX_QUANTITY}")
        return await run_in_threadpool(put_in_cart, sku, quantity)

    def put_in_cart(sku: str, quantity: int) -> Response:
        cart_id = str(uuid.uuid4())
        with connections.borrow() as db:
            db.execute("INSERT INTO carts VALUES (?, ?, ?, ?)", (cart_id, sku, quantity, now()))
        return answer({"id": cart_id, "sku": sku, "quantity": quantity}, 201, {"location": f"/carts/{cart_id}"})

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
        exception_handlers={Exception: failed},
        lifespan=lifespan,
    )


def by_number(request: Request, thing: str, find: Callable[[int], v1.Json | None]) -> Response:
    """Answer with the thing whose number is in the path, or 404."""
    number = number_in(request.path_params["id"])
    found = None if number is None else find(number)
    return refusal(404, f"there is no {thing} {request.path_params['id']!r}") if found is None else answer(found)


def number_in(text: str) -> int | None:
    """Read a whole number from 0 to 2^31 - 1 written in ASCII digits, None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text)
    return number if number <= MAX_NUMBER else None


def answer(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response in the envelope: the content, when it was generated and the request's id."""
    digest = hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]
    request_id = str(uuid.uuid4())
    return Response(
        orjson.dumps({**content, "generated_at": now(), "request_id": request_id}),
        status,
        {
            "x-request-id": request_id,
            "etag": f'W/"{digest}"',
            "cache-control": "private, max-age=15",
            **(headers or {}),
        },
        "application/json",
    )


def refusal(status: int, message: str) -> Response:
    """Return a response that says what is wrong with a request."""
    return answer({"error": message}, status)


async def failed(_request: Request, _error: Exception) -> Response:
    """Answer when a handler raised; the server logs the traceback."""
    return answer({"error": "internal error"}, 500)


def now() -> str:
    """Return the time, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
