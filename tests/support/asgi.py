"""Calling an ASGI app the way a server does, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, MutableMapping
from typing import Any

Headers = Iterable[tuple[bytes, bytes]]


def scope_of(target: str = "/", method: str = "GET", headers: Headers = (), **more: Any) -> dict[str, Any]:
    """Return the scope of a request as uvicorn would build it; `more` replaces its members."""
    raw, _, query = target.encode("latin-1").partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"shop.example"), *headers],
        "client": ("192.0.2.7", 40000),
        "server": ("127.0.0.1", 8000),
        **more,
    }


class Server:
    """The server's side of one request: the app receives the `incoming` messages, `sent` are those it sends."""

    def __init__(self, incoming: Iterable[dict[str, Any]] = ()) -> None:
        self._incoming = list(incoming) or [{"type": "http.request", "body": b"", "more_body": False}]
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if not self._incoming:
            await asyncio.Event().wait()  # the client stays connected and sends nothing more
        return self._incoming.pop(0)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(dict(message))

    def run(self, app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
        asyncio.run(app(scope, self.receive, self.send))
        return self.sent


def get(app: Any, target: str = "/", **scope: Any) -> list[dict[str, Any]]:
    return Server().run(app, scope_of(target, **scope))


def start(status: int = 200, *headers: tuple[bytes, bytes], **more: Any) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers), **more}


def body(chunk: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": more}


def answering(*messages: dict[str, Any], read: bool = True) -> Any:
    """Return an app that reads the request, then sends these messages."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while read and (await receive()).get("more_body"):
            pass
        for message in messages:
            await send(dict(message))

    return app
