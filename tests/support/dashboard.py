"""A dashboard that is really served, on a port of its own, and a client that asks it."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import uvicorn
from darklaunch_console.dashboard.application import create_application
from darklaunch_console.dashboard.visitors import SignIn
from darklaunch_console.settings import ConsoleSettings, ServerAddress

START_S = 30.0


@contextlib.contextmanager
def serve_dashboard(database_url: str, redis_url: str | None = None, *, token: str = "") -> Iterator[str]:
    """Serve the dashboard of a database and a Redis from a thread, and yield its address; with a token people act."""
    redis = ServerAddress(redis_url, "REDIS_URL") if redis_url else None
    settings = ConsoleSettings(redis, ServerAddress(database_url, "DATABASE_URL"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            create_application(settings, SignIn(token)), log_level="error", lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_S
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_S)


@contextlib.contextmanager
def browse_dashboard(database_url: str, redis_url: str | None = None) -> Iterator[httpx.Client]:
    """Serve the dashboard of a database and a Redis, and yield a client of it."""
    with serve_dashboard(database_url, redis_url) as address, httpx.Client(base_url=address, timeout=START_S) as client:
        yield client
