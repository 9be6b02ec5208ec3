"""The adapter kit's app in aiohttp.web, Sanic and Tornado, and running each on a thread of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tests.support.hook import PATIENCE_S

Listen = Callable[[Any, socket.socket], AbstractAsyncContextManager[None]]


def create_aiohttp_app() -> Any:
    from aiohttp import web

    async def order(request: Any) -> Any:
        return web.json_response({"id": int(request.match_info["id"])}, headers={"X-Kit": "1"})

    async def echo(request: Any) -> Any:
        return web.Response(body=await request.read())

    async def echo_pieces(request: Any) -> Any:
        pieces = [piece async for piece in request.content.iter_chunked(7)]
        return web.Response(body=b"".join(pieces))

    async def upload(request: Any) -> Any:
        field = await (await request.multipart()).next()
        return web.Response(body=await field.read())

    async def ignore(_request: Any) -> Any:
        return web.Response(text="ignored")

    async def stream(request: Any) -> Any:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"one ")
        await asyncio.sleep(0.01)
        await response.write(b"two")
        await response.write_eof()
        return response

    async def empty(_request: Any) -> Any:
        return web.Response(status=204)

    async def not_modified(_request: Any) -> Any:
        return web.Response(status=304)

    async def fails(_request: Any) -> Any:
        raise RuntimeError("planted")

    async def waits(request: Any) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(2000):
            await response.write(b"." * 1000)
            await asyncio.sleep(0.01)
        return response

    async def file(_request: Any) -> Any:
        return web.FileResponse(__file__)

    async def packed(request: Any) -> Any:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_compression()
        await response.prepare(request)
        await response.write(b"packed " * 9)
        await response.write_eof()
        return response

    async def socket_echo(request: Any) -> Any:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        async for message in connection:
            await connection.send_str(f"echo {message.data}")
            break
        await connection.close()
        return connection

    app = web.Application()
    app.router.add_get(r"/orders/{id:\d+}", order)
    app.router.add_post("/echo", echo)
    app.router.add_post("/pieces", echo_pieces)
    app.router.add_post("/upload", upload)
    app.router.add_post("/ignore", ignore)
    app.router.add_get("/stream", stream)
    app.router.add_get("/empty", empty)
    app.router.add_get("/not-modified", not_modified)
    app.router.add_get("/fails", fails)
    app.router.add_get("/waits", waits)
    app.router.add_get("/file", file)
    app.router.add_get("/packed", packed)
    app.router.add_get("/socket", socket_echo)
    return app


@asynccontextmanager
async def listen_aiohttp(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()


def create_tornado_app() -> Any:
    from tornado import web, websocket

    class Order(web.RequestHandler):
        def get(self, id: str) -> None:
            self.set_header("X-Kit", "1")
            self.write({"id": int(id)})

        head = get

    class Echo(web.RequestHandler):
        def post(self) -> None:
            self.set_header("Content-Type", "application/octet-stream")
            self.write(self.request.body)

    @web.stream_request_body
    class Pieces(web.RequestHandler):
        def initialize(self) -> None:
            self.pieces: list[bytes] = []

        def data_received(self, chunk: bytes) -> None:
            self.pieces.append(chunk)

        def post(self) -> None:
            self.write(b"".join(self.pieces))

    class Stream(web.RequestHandler):
        async def get(self) -> None:
            self.set_header("Content-Type", "text/plain")
            self.write(b"one ")
            await self.flush()
            await asyncio.sleep(0.01)
            self.write(b"two")

    class Empty(web.RequestHandler):
        def get(self) -> None:
            self.set_status(204)

    class NotModified(web.RequestHandler):
        def get(self) -> None:
            self.set_status(304)

    class Fails(web.RequestHandler):
        def get(self) -> None:
            raise RuntimeError("planted")

    class Waits(web.RequestHandler):
        async def get(self) -> None:
            for _ in range(2000):
                self.write(b"." * 1000)
                await self.flush()
                await asyncio.sleep(0.01)

    class Socket(websocket.WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            self.write_message(f"echo {message!s}")

    return web.Application([
        (r"/orders/(?P<id>[0-9]+)", Order), ("/echo", Echo), ("/pieces", Pieces), ("/stream", Stream),
        ("/empty", Empty), ("/not-modified", NotModified), ("/fails", Fails), ("/waits", Waits), ("/socket", Socket),
    ], log_function=lambda handler: None)  # fmt: skip


@asynccontextmanager
async def listen_tornado(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    from tornado.httpserver import HTTPServer

    server = HTTPServer(app)
    listener.setblocking(False)
    server.add_sockets([listener])
    try:
        yield
    finally:
        server.stop()
        await server.close_all_connections()


def create_sanic_app() -> Any:
    from sanic import Sanic, response

    Sanic.test_mode = True  # several apps of one name in this process
    Sanic._app_registry.clear()
    app = Sanic("kit", configure_logging=False)

    @app.get("/orders/<id:int>")
    async def order(_request: Any, id: int) -> Any:
        return response.json({"id": id}, headers={"X-Kit": "1"})

    @app.head("/orders/<id:int>", name="head")
    async def order_head(_request: Any, id: int) -> Any:
        return response.json({"id": id}, headers={"X-Kit": "1"})

    @app.post("/echo")
    async def echo(request: Any) -> Any:
        return response.raw(request.body)

    @app.post("/pieces", stream=True)
    async def pieces(request: Any) -> Any:
        got = b""
        while (piece := await request.stream.read()) is not None:
            got += piece
        return response.raw(got)

    @app.post("/ignore", ignore_body=True)
    async def ignore(_request: Any) -> Any:
        return response.text("ignored")

    @app.get("/stream")
    async def stream(request: Any) -> None:
        streamed = await request.respond(content_type="text/plain")
        await streamed.send(b"one ")
        await asyncio.sleep(0.01)
        await streamed.send(b"two")
        await streamed.eof()

    @app.get("/empty")
    async def empty(_request: Any) -> Any:
        return response.empty()

    @app.get("/not-modified")
    async def not_modified(_request: Any) -> Any:
        return response.empty(status=304)

    @app.get("/fails")
    async def fails(_request: Any) -> Any:
        raise RuntimeError("planted")

    @app.get("/waits")
    async def waits(request: Any) -> None:
        streamed = await request.respond(content_type="text/plain")
        for _ in range(2000):
            await streamed.send(b"." * 1000)
            await asyncio.sleep(0.01)

    @app.websocket("/socket")
    async def socket_echo(_request: Any, connection: Any) -> None:
        await connection.send(f"echo {await connection.recv()}")

    return app


@asynccontextmanager
async def listen_sanic(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    await server.startup()
    await server.before_start()
    await server.after_start()
    await server.start_serving()
    try:
        yield
    finally:
        server.close()
        for connection in list(server.connections):
            connection.abort()
        await server.before_stop()
        await server.after_stop()


NATIVE: dict[str, tuple[Callable[[], Any], Listen]] = {
    "aiohttp": (create_aiohttp_app, listen_aiohttp),
    "sanic": (create_sanic_app, listen_sanic),
    "tornado": (create_tornado_app, listen_tornado),
}


@contextlib.contextmanager
def listening(name: str, app: Any) -> Generator[tuple[str, int]]:
    """Serve a framework's app on a thread of this process; yield its address."""
    with listening_with(NATIVE[name][1], app) as address:
        yield address


@contextlib.contextmanager
def listening_with(listen: Listen, app: Any) -> Generator[tuple[str, int]]:
    """Serve an app by an asynchronous server on a thread of this process; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with running(listen(app, listener)):
            yield address


@contextlib.contextmanager
def running(server: AbstractAsyncContextManager[None]) -> Generator[None]:
    """Run an asynchronous context manager in an event loop of its own, on a thread."""
    ready, failure = threading.Event(), list[BaseException]()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with server:
            ready.set()
            await over.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(_call(serve))
        except BaseException as error:
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        if failure:
            raise failure[0]
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    if failure:
        raise failure[0]


async def _call(serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await serve()
