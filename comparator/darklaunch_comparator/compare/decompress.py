"""Undo Content-Encoding (RFC 9110 8.4): gzip, deflate, br and zstd, never past a cap on the inflated size."""

import zlib
from importlib import import_module
from typing import Any, Final

INFLATED_CAP_BYTES: Final = 8 * 1024 * 1024
"""Largest inflated body that is compared; a hundred kilobytes of gzip can stand for a hundred megabytes."""
BESIDE_SMALL_BYTES: Final = 1024 * 1024
BESIDE_TIMES: Final = 64

_CODINGS_CAP: Final = 4
_MEMBERS_CAP: Final = 256  # a body of ten thousand empty members would cost seconds
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024  # what RFC 9659 asks every decoder to support, and no more
_ZSTD_BITE_BYTES: Final = 256
_ALIASES: Final = {"x-gzip": "gzip", "brotli": "br", "zstandard": "zstd"}


class CorruptBody(Exception):
    """The bytes are not what their headers say; the message says what was wrong."""


class InflatedTooLarge(Exception):
    """The body inflates past the cap; the message says which."""


class UnsupportedCoding(Exception):
    """The coding is one that this installation cannot undo; the message says which, and what would help."""


def inflate(content: bytes, encoding: str, cap_bytes: int = INFLATED_CAP_BYTES) -> bytes:
    """Undo the codings of a Content-Encoding value, the last applied first.

    Memory stays within a few times the cap. Raises Corrupt, TooLarge or Unsupported.
    """
    codings = [part.strip().lower() for part in encoding.split(",")]
    codings = [_ALIASES.get(coding, coding) for coding in codings if coding not in ("", "identity")]
    if len(codings) > _CODINGS_CAP:
        raise UnsupportedCoding(f"more than {_CODINGS_CAP} content codings one on top of another are not undone")
    for coding in reversed(codings):
        if not content:
            return b""
        if coding == "gzip":
            content = _gzip(content, cap_bytes)
        elif coding == "deflate":
            content = _deflate(content, cap_bytes)
        elif coding == "br":
            content = _brotli(content, cap_bytes)
        elif coding == "zstd":
            content = _zstd(content, cap_bytes)
        else:
            raise UnsupportedCoding(f"content coding {coding[:40]!a} is not one of gzip, deflate, br, zstd")
    return content


def cap_beside(size_bytes: int) -> int:
    """Say how far a body is inflated that is compared with one of `size_bytes`.

    What is 64 times as large, and more than 1 MiB, differs, whatever else is in it: a bomb costs an eighth.
    """
    return min(INFLATED_CAP_BYTES, max(BESIDE_SMALL_BYTES, BESIDE_TIMES * size_bytes))


def _gzip(content: bytes, cap_bytes: int) -> bytes:
    out: list[bytes] = []
    size = 0
    while content:  # a gzip body may be several members one after another (RFC 1952 2.2)
        _check_members("gzip", len(out))
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        piece = _zlib("gzip", member, content, cap_bytes - size)
        out.append(piece)
        size += len(piece)
        content = member.unused_data.lstrip(b"\0")  # some writers pad with zeros
    return b"".join(out)


def _deflate(content: bytes, cap_bytes: int) -> bytes:
    # "deflate" means zlib (RFC 9110 8.4.1.2), but servers that send the bare stream are as old as the header
    zlib_header = len(content) > 1 and content[0] & 0x0F == 8 and (content[0] << 8 | content[1]) % 31 == 0
    stream = zlib.decompressobj() if zlib_header else zlib.decompressobj(-zlib.MAX_WBITS)
    return _zlib("deflate", stream, content, cap_bytes)


def _zlib(coding: str, stream: Any, content: bytes, cap_bytes: int) -> bytes:
    try:
        out: bytes = stream.decompress(content, cap_bytes + 1)
    except zlib.error as wrong:
        raise CorruptBody(f"not {coding}: {wrong}") from None
    if len(out) > cap_bytes:
        raise InflatedTooLarge(_past(cap_bytes))
    if not stream.eof:
        raise CorruptBody(f"{coding} that ends too early")
    return out


def _brotli(content: bytes, cap_bytes: int) -> bytes:
    library = _library("brotli", "br")
    if not hasattr(library.Decompressor, "can_accept_more_data"):  # before 1.2 its output could not be bounded
        raise UnsupportedCoding("br is undone with brotli 1.2 or newer: pip install -U brotli")
    stream = library.Decompressor()
    out: list[bytes] = []
    size = 0
    try:
        piece: bytes = stream.process(content, output_buffer_limit=cap_bytes + 1)
        while piece:
            out.append(piece)
            size += len(piece)
            if size > cap_bytes:
                raise InflatedTooLarge(_past(cap_bytes))
            piece = b"" if stream.is_finished() else stream.process(b"", output_buffer_limit=cap_bytes + 1 - size)
    except library.error:
        raise CorruptBody("not br") from None
    if not stream.is_finished():
        raise CorruptBody("br that ends too early")
    return b"".join(out)


def _zstd(content: bytes, cap_bytes: int) -> bytes:
    library = _library("zstandard", "zstd")
    out: list[bytes] = []
    size = at = frames = 0
    try:
        while at < len(content):  # several frames may follow one another (RFC 8878 3.1)
            _check_members("zstd", frames)
            frames += 1
            frame = library.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
            while at < len(content) and not frame.eof:
                # A block of 4 bytes stands for up to 128 KiB, and this interface has no bound: feed it small bites.
                piece: bytes = frame.decompress(content[at : at + _ZSTD_BITE_BYTES])
                at = min(len(content), at + _ZSTD_BITE_BYTES)
                out.append(piece)
                size += len(piece)
                if size > cap_bytes:
                    raise InflatedTooLarge(_past(cap_bytes))
            if not frame.eof:
                raise CorruptBody("zstd that ends too early")
            at -= len(frame.unused_data)
    except library.ZstdError as wrong:
        raise CorruptBody(f"not zstd: {wrong}") from None
    return b"".join(out)


def _past(cap_bytes: int) -> str:
    return f"inflates past {cap_bytes:,} bytes"


def _check_members(coding: str, done: int) -> None:
    if done >= _MEMBERS_CAP:
        raise UnsupportedCoding(f"more than {_MEMBERS_CAP} {coding} members one after another are not undone")


def _library(name: str, coding: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise UnsupportedCoding(f"{coding} needs a library: pip install 'darklaunch[comparator]' (or {name})") from None
