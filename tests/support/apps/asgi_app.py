"""A FastAPI app for real servers; a request with the header X-Bare gets its twin without the hook."""

import asyncio

from darklaunch import CaptureMiddleware
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask

routes = APIRouter()
gate = asyncio.Event()


@routes.get("/orders/{id}")
def order(id: int, response: Response):
    response.set_cookie("session", "s3cr3t", httponly=True)
    return {"id": id, "lines": ["é"]}


@routes.post("/quote")
async def quote(request: Request):
    return Response(await request.body(), headers={"X-Echo": "1"})


@routes.get("/large")
def large():
    return Response(bytes(300_000))


@routes.get("/file")
def file():
    return FileResponse(__file__, headers={"last-modified": "x", "etag": "x"})


@routes.get("/fails")
def fails():
    raise RuntimeError("planted")


@routes.get("/fails-late")
def fails_late():
    def chunks():
        yield b"half"
        raise RuntimeError("planted")

    return StreamingResponse(chunks())


@routes.get("/empty", status_code=204)
def empty():
    return None


@routes.get("/drip")
@routes.get("/events")
async def drip(request: Request):
    """Send one chunk, then wait for a request to /open before the next."""
    gate.clear()

    async def chunks():
        yield b"one "
        await gate.wait()
        yield b"two"

    return StreamingResponse(
        chunks(), media_type="text/event-stream" if request.url.path == "/events" else "text/plain"
    )


@routes.get("/steps")
async def steps():
    """Return four pieces, and pause after each."""

    async def chunks():
        for _ in range(4):
            yield b"*"
            await asyncio.sleep(0.1)

    return StreamingResponse(chunks(), media_type="text/plain")


async def give_headers_once(scope, receive, send):
    """Respond as Sanic does: the header fields come from an iterator."""
    fields = [(b"content-type", b"text/plain"), (b"x-once", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": iter(fields)})
    await send({"type": "http.response.body", "body": b"once"})


@routes.get("/open")
async def open_gate():
    return Response(background=BackgroundTask(gate.set))


bare, hooked = FastAPI(), FastAPI()
bare.include_router(routes)
hooked.include_router(routes)
bare.mount("/iterator", give_headers_once)
hooked.mount("/iterator", give_headers_once)
hooked.add_middleware(CaptureMiddleware)


async def app(scope, receive, send):
    twin = any(name == b"x-bare" for name, _ in scope.get("headers", ()))
    await (bare if twin else hooked)(scope, receive, send)
