"""The primary: an app with the hook behind a real server, which answers each case as it says, and a client for it."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from darklaunch import CaptureMiddleware

from .corpus import Case
from .hostile import GOOD

PATIENCE_S = 60.0


@contextmanager
def served(redis_url: str, cases: dict[str, Case]) -> Generator[tuple[int, CaptureMiddleware]]:
    """Serve the app in a thread of this process; give its port and the hook."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        marks = [value.decode() for name, value in scope["headers"] if name == b"x-case"]
        case = cases.get(marks[0]) if marks else None
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        status, headers, body = 200, [(b"content-type", b"application/json")], GOOD
        if case is not None and case.kind == "answer":
            status, body = int(case.given.get("status", 200)), case.read_bytes("body")
            parts = (line.partition(b": ") for line in case.lines("headers"))
            headers = [(name, value) for name, _, value in parts]
        length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
        await send({"type": "http.response.body", "body": body})

    hook = CaptureMiddleware(app, redis_url=redis_url)
    config = uvicorn.Config(hook, port=0, http="httptools", lifespan="off", log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    try:
        give_up = time.monotonic() + PATIENCE_S
        while not server.started and time.monotonic() < give_up:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1], hook
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        hook._recorder.stop(for_good=True)


def request_of(case: Case, prefix: str = "") -> bytes:
    """Write the bytes of a case's request."""
    method = str(case.given.get("method", "POST" if case.kind == "write" else "GET")).encode()
    target = case.read_bytes("target", f"{prefix}/{case.mark}") or b"/"
    lines = [b"Host: shop.example", b"X-Case: " + case.mark.encode(), *case.lines("headers")]
    named = {line.partition(b":")[0].lower() for line in lines}
    body = case.read_bytes("body") if case.kind != "answer" else b""
    if body and not {b"content-length", b"transfer-encoding"} & named:
        lines.append(b"Content-Length: %d" % len(body))
    if case.kind != "answer" and b"connection" not in named:
        lines.append(b"Connection: close")
    if case.kind in ("answer", "shadow"):  # what it says is the answer's
        lines = [b"Host: shop.example", b"X-Case: " + case.mark.encode(), b"Connection: close"]
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", *lines, b"", b""]) + body


def ask(port: int, case: Case, prefix: str = "") -> int:
    """Send a case's request and give the status of the answer; 0 when there is none."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(request_of(case, prefix))
        if case.given.get("leaves"):
            return 0
        heard = b""
        try:
            while chunk := connection.recv(65536):
                heard += chunk
                if _complete(heard, head=case.given.get("method") == "HEAD"):
                    break
        except OSError:
            pass
    status = re.match(rb"HTTP/1.1 (\d{3})", heard)
    return int(status[1]) if status else 0


def _complete(heard: bytes, *, head: bool) -> bool:
    top, blank, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", top)
    return bool(blank) and (head or (length is not None and len(body) >= int(length[1])))
