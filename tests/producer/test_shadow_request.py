"""`is_shadow_request`: True while the shadow serves a replay, wherever the app's code runs, and nowhere else."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware, is_shadow_request

REPLAY = ((b"x-darklaunch-exchange", b"a1b2c3d4:1"),)
NO_REDIS = "redis://127.0.0.1:1/0"


def in_thread() -> bool:
    """Return what a thread of the app's own sees, given a copy of the context."""
    seen: list[bool] = []
    thread = threading.Thread(target=contextvars.copy_context().run, args=(lambda: seen.append(is_shadow_request()),))
    thread.start()
    thread.join()
    return seen[0]


async def ask_asgi(headers: tuple[tuple[bytes, bytes], ...], **options: Any) -> list[bool]:
    """Return what the app sees in the request, in a task, in two kinds of threads, and behind the response."""
    seen: list[bool] = []

    async def look() -> bool:
        return is_shadow_request()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        seen.extend([is_shadow_request(), await asyncio.create_task(look())])
        seen.extend([await asyncio.to_thread(is_shadow_request), in_thread()])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        seen.append(is_shadow_request())

    async def ignore(*_: Any) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": headers}
    await CaptureMiddleware(app, **options)(scope, ignore, ignore)
    assert not is_shadow_request()
    return seen


def test_a_replay_is_known_in_asgi_with_its_tasks_and_threads() -> None:
    assert asyncio.run(ask_asgi(REPLAY)) == [True] * 5


def test_other_requests_are_none_in_asgi() -> None:
    assert asyncio.run(ask_asgi(())) == [False] * 5


def test_no_client_of_an_app_that_captures_switches_anything_off() -> None:
    assert asyncio.run(ask_asgi(REPLAY, redis_url=NO_REDIS)) == [False] * 5
    assert ask_wsgi(replay=True, redis_url=NO_REDIS) == [False] * 5


@pytest.mark.parametrize("replay", [True, False])
def test_a_replay_is_known_in_wsgi_while_the_app_runs(replay: bool) -> None:
    assert ask_wsgi(replay=replay) == [replay] * 5


def ask_wsgi(*, replay: bool, **options: Any) -> list[bool]:
    """Return what the app sees in the call, in a thread, in each chunk of its body, and when that is closed."""
    seen: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(2):
                seen.append(is_shadow_request())
                yield b"x"

        def close(self) -> None:
            seen.append(is_shadow_request())

    def app(_environ: Any, start_response: Any) -> Any:
        seen.extend([is_shadow_request(), in_thread()])
        start_response("200 OK", [])
        return Body()

    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "QUERY_STRING": "", "wsgi.input": None}
    if replay:
        environ["HTTP_X_DARKLAUNCH_EXCHANGE"] = "a1b2c3d4:1"
    body: Any = WSGICaptureMiddleware(app, **options)(environ, lambda *_: lambda _data: None)
    for _ in body:
        assert not is_shadow_request(), "the server's code between two chunks is not the app's"
    body.close()
    assert not is_shadow_request()
    return seen
