"""The servers that benchmarks load, each a process of its own that prints its port on a line.

    python -m bench.servers KIND

`bare` serves 2 kB of JSON from Starlette under uvicorn; `hook`, `opentelemetry` and `sentry` are the same behind one
middleware. `instant` answers at once with the same bytes, whatever it is asked; `almost` too, but every hundredth
answer differs in one leaf.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any, Final, cast

import orjson

from .hook_call import BODY
from .load import HOST

SERVE: Final = (sys.executable, "-W", "ignore", "-m", "bench.servers")
"""The command that serves; a kind follows."""

_FIRST_CORE: Final = str(min(os.sched_getaffinity(0)))


@contextmanager
def child(command: Sequence[str], environ: dict[str, str], log: Path | None = None) -> Generator[subprocess.Popen[str]]:
    """Run a process of the bench; what it says of trouble goes to `log`, or where the bench says its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DARKLAUNCH_")}
    with log.open("w") if log else nullcontext() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=inherited | environ, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def installed(module: str) -> bool:
    """Return whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def pinned(program: str) -> list[str]:
    """Return the command that runs a program on the first core, wherever this process was moved since it began."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", _FIRST_CORE, program] if taskset else [program]


def serve(kind: str) -> None:
    """Serve one kind of app on a free port, and print the port."""
    if kind in ("instant", "almost"):
        _serve_instantly(differing_every=100 if kind == "almost" else 0)
        return
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    answer = orjson.loads(BODY)

    async def order(_request: object) -> JSONResponse:
        return JSONResponse(answer)

    app: Any = Starlette(routes=[Route("/orders/{id}", order)])
    if kind == "hook":
        from darklaunch import CaptureMiddleware

        app = CaptureMiddleware(app)
    elif kind == "opentelemetry":
        app = _with_opentelemetry(app)
    elif kind == "sentry":
        app = _with_sentry(app)
    listener = socket.create_server((HOST, 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run([listener])


def _with_opentelemetry(app: Any) -> Any:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return OpenTelemetryMiddleware(app, tracer_provider=provider)


def _with_sentry(app: Any) -> Any:
    import sentry_sdk
    from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            pass

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:1/1", traces_sample_rate=1.0, transport=Nowhere, default_integrations=False
    )
    return SentryAsgiMiddleware(app)


def _serve_instantly(differing_every: int) -> None:
    """Answer at once; every so many answers differ in one leaf from the app's."""
    import asyncio

    import uvloop

    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
    answer = head.encode() + BODY
    other = answer.replace(b"1999", b"1998", 1)
    answers = cycle([answer] * (differing_every - 1) + [other]) if differing_every else repeat(answer)

    class Instant(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = cast(asyncio.Transport, transport)
            self._tail = b""

        def data_received(self, data: bytes) -> None:
            data = self._tail + data
            self._tail = data.rpartition(b"\r\n\r\n")[2]
            self._transport.write(b"".join(islice(answers, data.count(b"\r\n\r\n"))))

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Instant, HOST, 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(run())


if __name__ == "__main__":
    serve(sys.argv[1])
