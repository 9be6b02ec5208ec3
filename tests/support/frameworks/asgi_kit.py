"""The adapter kit's app in ASGI frameworks, and uvicorn on a thread of this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import fastapi
import fastapi.responses
import litestar
import litestar.response
from darklaunch import CaptureMiddleware


def create_starlette_app() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    async def order(request: Request) -> Response:
        return JSONResponse({"id": int(request.path_params["id"])}, headers={"X-Kit": "1"})

    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type="application/octet-stream")

    async def fails(_request: Request) -> Response:
        raise RuntimeError("planted")

    async def answer(request: Request) -> Response:
        if request.url.path == "/stream":
            return StreamingResponse(iter([b"one ", b"two"]), media_type="text/plain")
        return Response(status_code={"/empty": 204, "/not-modified": 304}.get(request.url.path, 200))

    paths = ["/stream", "/empty", "/not-modified"]
    app = Starlette(
        routes=[
            Route("/orders/{id:int}", order),
            Route("/echo", echo, methods=["POST"]),
            Route("/ignore", answer, methods=["POST"]),
            Route("/fails", fails),
            *(Route(path, answer) for path in paths),
        ]
    )
    app.add_middleware(CaptureMiddleware)
    return app


def create_fastapi_app() -> Any:
    app = fastapi.FastAPI()

    @app.head("/orders/{id}")
    @app.get("/orders/{id}")
    def order(id: int, response: fastapi.Response) -> dict[str, int]:
        response.headers["X-Kit"] = "1"
        return {"id": id}

    @app.post("/echo")
    async def echo(request: fastapi.Request) -> fastapi.Response:
        return fastapi.Response(await request.body(), media_type="application/octet-stream")

    @app.post("/ignore")
    def ignore() -> fastapi.Response:
        return fastapi.Response()

    @app.get("/stream")
    def stream() -> fastapi.Response:
        return fastapi.responses.StreamingResponse(iter([b"one ", b"two"]), media_type="text/plain")

    @app.get("/empty", status_code=204)
    def empty() -> None:
        return None

    @app.get("/not-modified")
    def not_modified() -> fastapi.Response:
        return fastapi.Response(status_code=304)

    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError("planted")

    app.add_middleware(CaptureMiddleware)
    return app


def create_litestar_app() -> Any:
    @litestar.get("/orders/{id:int}")
    async def order(id: int) -> litestar.Response[dict[str, int]]:
        return litestar.Response({"id": id}, headers={"X-Kit": "1"})

    @litestar.head("/orders/{id:int}")
    async def order_head(id: int) -> litestar.Response[None]:
        return litestar.Response(None, headers={"X-Kit": "1", "content-length": "8"}, media_type="application/json")

    @litestar.post("/echo", status_code=200)
    async def echo(request: litestar.Request[Any, Any, Any]) -> litestar.Response[bytes]:
        return litestar.Response(await request.body(), media_type="application/octet-stream")

    @litestar.post("/ignore", status_code=200)
    async def ignore() -> litestar.Response[str]:
        return litestar.Response("ignored", media_type=litestar.MediaType.TEXT)

    @litestar.get("/stream")
    async def stream() -> litestar.response.Stream:
        return litestar.response.Stream(iter([b"one ", b"two"]), media_type="text/plain")

    @litestar.get("/empty", status_code=204)
    async def empty() -> None:
        return None

    @litestar.get("/not-modified", status_code=304)
    async def not_modified() -> None:
        return None

    @litestar.get("/fails")
    async def fails() -> None:
        raise RuntimeError("planted")

    handlers = [order, order_head, echo, ignore, stream, empty, not_modified, fails]
    return CaptureMiddleware(litestar.Litestar(handlers, openapi_config=None, logging_config=None))


def create_quart_app() -> Any:
    from quart import Quart, Response, request

    app = Quart(__name__)

    @app.get("/orders/<int:id>")
    async def order(id: int) -> Any:
        return {"id": id}, {"X-Kit": "1"}

    @app.post("/echo")
    async def echo() -> Any:
        return Response(await request.get_data(), content_type="application/octet-stream")

    @app.post("/ignore")
    async def ignore() -> Any:
        return "ignored"

    @app.get("/stream")
    async def stream() -> Any:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one "
            yield b"two"

        return Response(pieces(), content_type="text/plain")

    @app.get("/empty")
    async def empty() -> Any:
        return Response(status=204)

    @app.get("/not-modified")
    async def not_modified() -> Any:
        return Response(status=304)

    @app.get("/fails")
    async def fails() -> Any:
        raise RuntimeError("planted")

    app.asgi_app = CaptureMiddleware(app.asgi_app)  # type: ignore[method-assign, assignment]
    return app


def create_falcon_app() -> Any:
    import falcon
    import falcon.asgi

    class Order:
        async def on_get(self, _request: Any, response: Any, id: int) -> None:
            response.media = {"id": id}
            response.set_header("X-Kit", "1")

        on_head = on_get

    class Echo:
        async def on_post(self, request: Any, response: Any) -> None:
            response.data = await request.stream.read()
            response.content_type = "application/octet-stream"

    class Answer:
        async def on_get(self, request: Any, response: Any) -> None:
            if request.path == "/fails":
                raise RuntimeError("planted")
            response.status = {"/empty": 204, "/not-modified": 304}.get(request.path, 200)
            if request.path == "/stream":
                response.content_type, response.stream = "text/plain", pieces()

        async def on_post(self, _request: Any, response: Any) -> None:
            response.text = "ignored"

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    app = falcon.asgi.App()
    app.add_route("/orders/{id:int}", Order())
    app.add_route("/echo", Echo())
    for path in ("/ignore", "/stream", "/empty", "/not-modified", "/fails"):
        app.add_route(path, Answer())
    return CaptureMiddleware(app)


ASGI: dict[str, Callable[[], Any]] = {
    "starlette": create_starlette_app,
    "fastapi": create_fastapi_app,
    "litestar": create_litestar_app,
    "quart": create_quart_app,
    "falcon-asgi": create_falcon_app,
}


@asynccontextmanager
async def listen_uvicorn(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    import uvicorn

    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 # uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
