"""The shop whose releases the launches compare. A response depends on its request alone, but for the release's noise.

noise of a release
  nonce      pages have a random nonce and the time they took to render
  ids        orders have a random identifier
  duration   two of three JSON responses have the milliseconds their query took, as a float
  sizes      a list in orders varies in length, in a third of the responses
  sometimes  orders have a field in half of the responses
  token      pages have a form with a signed token, and orders a token, as Flask-WTF makes them
"""

from __future__ import annotations

import asyncio
import math
import random
import secrets
import time
import uuid
import zlib
from statistics import NormalDist
from typing import Any

from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .release import Release

SIGMA = 0.4
_NORMAL = NormalDist()


def draw(*about: object) -> float:
    """Return a number from 0 to 1 that is always the same for the same thing."""
    return (zlib.crc32("|".join(map(str, about)).encode()) + 0.5) / 2**32


class Shop:
    """A release of the shop."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._tokens = URLSafeTimedSerializer("one key for all releases", salt="wtf-csrf-token")

    def make_app(self) -> Starlette:
        """Create the app."""
        return Starlette(
            routes=[
                Route("/orders/{number:int}", self.order),
                Route("/products/{number:int}", self.product),
                Route("/search", self.search),
                Route("/quotes/{number:int}", self.quote),
                Route("/account/{number:int}", self.account),
                Route("/orders", self.add_order, methods=["POST"]),
                *(Route(f"/pages/{name}/{{number:int}}", self.page) for name in PAGES),
            ]
        )

    async def order(self, request: Request) -> Response:
        """Respond with an order as JSON."""
        began_s = await self._wait(request)
        number = int(request.path_params["number"])
        total = round(draw("total", number) * 500, 2)
        values: dict[str, Any] = {
            "id": number,
            "total": round(total + 1, 2) if self._is_wrong("json", request) else total,
            "currency": "EUR",
            "customer": {"name": f"Customer {number % 977}", "city": CITIES[number % len(CITIES)]},
            "lines": [{"sku": f"sku-{number % 97}-{line}", "quantity": line + 1} for line in range(number % 4 + 1)],
        }
        values |= self._make_noise(number, began_s)
        headers = {"content-language": "en", "cache-control": "max-age=60"}
        if self._is_wrong("header", request):
            headers["cache-control"] = "no-store"
        return JSONResponse(values, 500 if self._is_wrong("status", request) else 200, headers)

    async def product(self, request: Request) -> Response:
        """Respond with a page."""
        began_s = await self._wait(request)
        number = int(request.path_params["number"])
        price = 0.0 if self._is_wrong("page", request) else draw("price", number) * 90 + 1
        noise = self._release.noise
        script = f'<script nonce="{secrets.token_urlsafe(9)}">track()</script>' if "nonce" in noise else ""
        rendered = f"<footer>rendered in {_elapsed_ms(began_s):.3f} ms</footer>" if "nonce" in noise else ""
        token = f'<input type="hidden" name="csrf_token" value="{self._sign(number)}">' if "token" in noise else ""
        return HTMLResponse(
            f"<!doctype html><html><head><title>Product {number}</title>{script}</head><body><h1>Product {number}</h1>"
            f"<p>Made in {CITIES[number % len(CITIES)]}.</p><p>Total: {price:.2f}</p>"
            f'<form method="post" action="/cart">{token}<input name="quantity" value="1"></form>'
            f"{rendered}</body></html>"
        )

    async def search(self, request: Request) -> Response:
        """Respond with a list as JSON."""
        await self._wait(request)
        term = request.query_params.get("q", "")
        found = [{"sku": f"{term}-{nth}", "rank": nth} for nth in range(int(draw("found", term) * 8))]
        return JSONResponse({"term": term, "found": found})

    async def quote(self, request: Request) -> Response:
        """Respond with a price as JSON; few ask for one."""
        await self._wait(request)
        number = int(request.path_params["number"])
        price = round(draw("quote", number) * 100, 2)
        return JSONResponse({"id": number, "price": -price if self._is_wrong("quote", request) else price})

    async def account(self, request: Request) -> Response:
        """Respond with an account, to those who say who they are."""
        await self._wait(request)
        if "authorization" not in request.headers:
            if self._release.login == "302":
                return RedirectResponse(f"/login?next={request.url.path}", 302)
            return JSONResponse({"detail": "who is there?"}, int(self._release.login))
        number = int(request.path_params["number"])
        return JSONResponse({"id": number, "name": f"Customer {number}", "points": number * 7 % 1000})

    async def add_order(self, request: Request) -> Response:
        """Respond to a write."""
        await self._wait(request)
        values = await request.json()
        return JSONResponse({"accepted": values}, 201)

    async def page(self, request: Request) -> Response:
        """Respond with JSON that has the query's own duration, a list that varies, or a page that says what it took."""
        began_s = await self._wait(request)
        number = int(request.path_params["number"])
        nth = PAGES.index(request.url.path.split("/")[2])
        values: dict[str, Any] = {"page": PAGES[nth], "id": number, "value": round(draw(nth, number) * 1000)}
        noise = self._release.noise
        if nth % 3 == 2:
            took = f"<p>took {_elapsed_ms(began_s):.3f}ms</p>" if "duration" in noise else ""
            rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in values.items())
            return HTMLResponse(f"<html><body><h1>{PAGES[nth]}</h1><table>{rows}</table>{took}</body></html>")
        if "duration" in noise:
            values["query_ms"] = _elapsed_ms(began_s) * random.uniform(0.5, 2)
        if "sizes" in noise and nth % 3 == 1:
            values["online"] = [f"user-{random.randrange(50)}" for _ in range(random.randrange(2, 9))]
        return JSONResponse(values)

    async def _wait(self, request: Request) -> float:
        """Take as long as this release takes for a request; return when it began (perf_counter)."""
        began_s = time.perf_counter()
        release = self._release
        level = draw("latency", request.url.path, request.url.query)
        took_ms = release.median_ms * math.exp(SIGMA * _NORMAL.inv_cdf(level)) * release.factor
        if request.url.path.startswith(release.added_at):
            took_ms += release.added_ms
        if level > 0.85:
            took_ms *= release.tail
        if random.random() < release.stalls:
            took_ms += 2_500
        await asyncio.sleep(took_ms / 1000)
        return began_s

    def _is_wrong(self, what: str, request: Request) -> bool:
        release = self._release
        return release.wrong == what and draw("wrong", request.url.path) < release.wrong_share

    def _make_noise(self, number: int, began_s: float) -> dict[str, Any]:
        noise = self._release.noise
        values: dict[str, Any] = {}
        if "ids" in noise:
            values["request_id"] = str(uuid.uuid4())
        if "duration" in noise and number % 3:
            values["query_ms"] = _elapsed_ms(began_s) * random.uniform(0.5, 2)
        if "sizes" in noise:
            often = random.random() < 1 / 3
            values["viewers"] = [f"user-{nth}" for nth in range(random.randrange(1, 6) if often else 3)]
        if "sometimes" in noise and random.random() < 0.5:
            values["hint"] = "others bought this too"
        if "token" in noise:
            values["csrf_token"] = self._sign(number)
        return values

    def _sign(self, number: int) -> str:
        signed = self._tokens.dumps(secrets.token_hex(20))
        assert isinstance(signed, str)
        return signed


CITIES = ("Basel", "Porto", "Lyon", "Turin", "Graz", "Gent", "Aarhus")
PAGES = (
    "stock", "viewers", "terms", "prices", "online", "about", "offers", "friends", "help", "rates", "crowd", "press",
    "taxes", "queue", "jobs", "routes", "guests", "legal",
)  # fmt: skip


def _elapsed_ms(began_s: float) -> float:
    return (time.perf_counter() - began_s) * 1000
