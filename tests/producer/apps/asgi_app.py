"""A FastAPI app for real servers. HOOK=0 leaves the hook out."""

import asyncio
import os

from darklaunch import CaptureMiddleware
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask

app = FastAPI()
if os.environ["HOOK"] == "1":
    app.add_middleware(CaptureMiddleware)
gate = asyncio.Event()


@app.get("/orders/{id}")
def order(id: int, response: Response):
    response.set_cookie("session", "s3cr3t", httponly=True)
    return {"id": id, "lines": ["é"]}


@app.post("/quote")
async def quote(request: Request):
    return Response(await request.body(), headers={"X-Echo": "1"})


@app.get("/large")
def large():
    return Response(bytes(300_000))


@app.get("/file")
def file():
    return FileResponse(__file__, headers={"last-modified": "x", "etag": "x"})


@app.get("/fails")
def fails():
    raise RuntimeError("planted")


@app.get("/fails-late")
def fails_late():
    def chunks():
        yield b"half"
        raise RuntimeError("planted")

    return StreamingResponse(chunks())


@app.get("/empty", status_code=204)
def empty():
    return None


@app.get("/drip")
@app.get("/events")
async def drip(request: Request):
    """Say one thing, then wait until somebody asks for /open."""
    gate.clear()

    async def chunks():
        yield b"one "
        await gate.wait()
        yield b"two"

    return StreamingResponse(
        chunks(), media_type="text/event-stream" if request.url.path == "/events" else "text/plain"
    )


@app.get("/open")
async def open_gate():
    return Response(background=BackgroundTask(gate.set))
