"""Opening a traffic file: from a file or stdin, compressed or not, in the format that its first bytes show."""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from .access_log import read_access_log
from .gor import SEPARATOR, read_gor
from .har import read_har
from .json_lines import read_json_lines
from .recorded import BadTrafficFile, ReadTrafficFile, RecordedRequest

STDIN: Final = "-"
FORMATS: Final[dict[str, ReadTrafficFile]] = {
    "har": read_har,
    "jsonl": read_json_lines,
    "gor": read_gor,
    "log": read_access_log,
}
_GZIP: Final = b"\x1f\x8b"
_LOOK_BYTES: Final = 65_536
_HAR_START: Final = re.compile(rb'\s*\{\s*"log"\s*:\s*\{')
_GOR_START: Final = re.compile(rb"[123] [0-9a-f]{8,40} \d{10,20}")
_CADDY: Final = re.compile(rb'"logger"\s*:\s*"http\.log|"request"\s*:\s*\{')


def read_traffic_file(path: str, kind: str = "") -> Iterator[RecordedRequest]:
    """Yield the requests of a traffic file. `path` is a file or "-" for stdin, `kind` one of FORMATS, "" to look.

    Raises BadTrafficFile when it cannot be opened, its format is not known, or it cannot be read further.
    """
    name = "stdin" if path == STDIN else path
    try:
        with _open(path) as source:
            yield from FORMATS[kind or detect_format(source.peek(_LOOK_BYTES), name)](source, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadTrafficFile(f"{name}: its gzip data is cut off or damaged: {error}") from None
    except OSError as error:
        raise BadTrafficFile(f"{name}: {error.strerror or error}") from None


def detect_format(start: bytes, name: str) -> str:
    """Return the format of a file from its first bytes. Raises BadTrafficFile when it is none of FORMATS."""
    line = start.lstrip(b"\xef\xbb\xbf").lstrip()
    if not line:
        raise BadTrafficFile(f"{name} is empty")
    if _HAR_START.match(line):
        return "har"
    if _GOR_START.match(line) or SEPARATOR in start:
        return "gor"
    if line.startswith(b"{"):
        return "log" if _CADDY.search(line.partition(b"\n")[0]) else "jsonl"
    if b"[" in line and b'"' in line:
        return "log"
    raise BadTrafficFile(
        f"{name}: neither HAR, JSON Lines, GoReplay nor an access log by its first bytes; name it: --format har"
    )


def identify_file(path: str) -> str:
    """Return what tells a file from others, by its content: its size and a digest of its first MiB; "" for stdin.

    Raises BadTrafficFile when it cannot be read.
    """
    if path == STDIN:
        return ""
    try:
        with Path(path).open("rb") as file:
            digest = blake2b(file.read(1_048_576), digest_size=12).hexdigest()
            return f"{digest}-{file.seek(0, io.SEEK_END)}"
    except OSError as error:
        raise BadTrafficFile(f"{path}: {error.strerror or error}") from None


@contextmanager
def _open(path: str) -> Generator[io.BufferedReader[Any]]:
    with io.BufferedReader(
        io.FileIO(sys.stdin.fileno() if path == STDIN else path, closefd=path != STDIN), _LOOK_BYTES
    ) as source:
        if source.peek(2)[:2] == _GZIP:
            with io.BufferedReader(gzip.GzipFile(fileobj=source), _LOOK_BYTES) as unpacked:
                yield unpacked
        else:
            yield source
