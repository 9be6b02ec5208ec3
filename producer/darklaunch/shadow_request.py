"""Whether the request being served is a replay, so that code of the app can leave out what has effects elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_SHADOW_REQUEST: ContextVar[bool] = ContextVar("darklaunch_is_shadow_request", default=False)


def is_shadow_request() -> bool:
    """Return True while a replay is served, in an app whose hook captures nothing.

    In an app that captures, the primary, it is always False: what a client sends must not switch anything off there.
    It is known in the tasks that the request starts and in the threads that asyncio or anyio start for it; in others
    after `contextvars.copy_context()`.
    """
    return _IS_SHADOW_REQUEST.get()


@contextmanager
def marking_shadow_request(is_shadow: bool) -> Generator[None]:
    """Make `is_shadow_request` return `is_shadow` in this context until the block ends."""
    token = _IS_SHADOW_REQUEST.set(is_shadow)
    try:
        yield
    finally:
        _IS_SHADOW_REQUEST.reset(token)


def mark_shadow_request(is_shadow: bool) -> None:
    """Make `is_shadow_request` return `is_shadow` in this context, until the next request that it serves is marked."""
    _IS_SHADOW_REQUEST.set(is_shadow)


def iterate_marked(chunks: Iterator[bytes], is_shadow: bool) -> Iterator[bytes]:
    """Yield chunks; only while the app makes one does `is_shadow_request` return `is_shadow`."""
    while True:
        with marking_shadow_request(is_shadow):
            try:
                chunk = next(chunks)
            except StopIteration:
                return
        yield chunk
