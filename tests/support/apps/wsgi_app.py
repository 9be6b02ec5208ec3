"""A plain WSGI app that uses all that a server gives it; a request with the header X-Bare gets it without the hook."""

import io
import time
from collections.abc import Iterable, Iterator
from typing import Any

from darklaunch import WSGICaptureMiddleware

FILE = bytes(range(250)) * 600
PIECES, PAUSE_S = 4, 0.1


class Reader:
    """A file of which only `read` and `close` are known, as an object store's client gives it."""

    def __init__(self) -> None:
        self._file = io.BytesIO(FILE)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()


def read_next(given: Any) -> Any:
    return [next(given), *given]


def read_with(given: Any) -> Any:
    with given as entered:
        return entered.read()


def read_into(given: Any) -> Any:
    buffer = bytearray(1000)
    return bytes(buffer[: given.readinto(buffer)]), given.read()


def read_twice(given: Any) -> Any:
    first = given.read()
    return first, given.seek(0), given.read()


def read_back_and_forth(given: Any) -> Any:
    first = given.read(5)
    given.seek(2)
    return first, given.read(2), given.read(), given.tell(), given.read()


READS = {
    "/read": lambda given: given.read(),
    "/next": read_next,
    "/with": read_with,
    "/isinstance": lambda given: (isinstance(given, io.IOBase), given.read()),
    "/text": lambda given: io.TextIOWrapper(given).read(),
    "/into": read_into,
    "/twice": read_twice,
    "/back-and-forth": read_back_and_forth,
    "/lines": lambda given: [given.readline(), given.readlines()],
    "/attribute": lambda given: (hasattr(given, "seek"), hasattr(given, "read1"), given.read()),
}


def bare(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/steps":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return give_steps()
    if path == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        for piece in give_steps():
            write(piece)
        return []
    if path == "/file":
        start_response("200 OK", [("Content-Type", "application/x-y"), ("Content-Length", str(len(FILE)))])
        return environ["wsgi.file_wrapper"](Reader(), 8192)
    try:
        text = repr(READS[path](environ["wsgi.input"]))
    except (AttributeError, TypeError) as error:
        text = type(error).__name__  # this server's object cannot do that
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


def give_steps() -> Iterator[bytes]:
    for _ in range(PIECES):
        yield b"*"
        time.sleep(PAUSE_S)


hooked = WSGICaptureMiddleware(bare)


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return (bare if "HTTP_X_BARE" in environ else hooked)(environ, start_response)
