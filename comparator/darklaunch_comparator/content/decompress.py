"""Undo Content-Encoding (RFC 9110 8.4): gzip, deflate, br and zstd, never past a cap on the inflated size."""

import zlib
from importlib import import_module
from typing import Any, Final

from .errors import CorruptBody, InflatedTooLarge, UnsupportedCoding

INFLATED_CAP_BYTES: Final = 8 * 1024 * 1024
"""Largest inflated body that is compared; a hundred kilobytes of gzip can stand for a hundred megabytes."""
BESIDE_SMALL_BYTES: Final = 1024 * 1024
"""Least cap for a body that is compared with another, however small that is."""
BESIDE_TIMES: Final = 64
"""How many times as large as the other a body may inflate."""

_CODINGS_CAP: Final = 4
_MEMBERS_CAP: Final = 256  # a body of ten thousand empty members would cost seconds
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024  # what RFC 9659 asks every decoder to support, and no more
_ZSTD_BITE_BYTES: Final = 256
_ALIASES: Final = {"x-gzip": "gzip", "brotli": "br", "zstandard": "zstd"}


def inflate(content: bytes, encoding: str, cap_bytes: int = INFLATED_CAP_BYTES) -> bytes:
    """Undo the codings of a Content-Encoding value, the last applied first.

    Memory stays within a few times the cap. Raises CorruptBody, InflatedTooLarge or UnsupportedCoding.
    """
    codings = [part.strip().lower() for part in encoding.split(",")]
    codings = [_ALIASES.get(coding, coding) for coding in codings if coding not in ("", "identity")]
    if len(codings) > _CODINGS_CAP:
        raise UnsupportedCoding(f"more than {_CODINGS_CAP} content codings one on top of another are not undone")
    for coding in reversed(codings):
        if not content:
            return b""
        if coding == "gzip":
            content = _inflate_gzip(content, cap_bytes)
        elif coding == "deflate":
            content = _inflate_deflate(content, cap_bytes)
        elif coding == "br":
            content = _inflate_brotli(content, cap_bytes)
        elif coding == "zstd":
            content = _inflate_zstd(content, cap_bytes)
        else:
            raise UnsupportedCoding(f"content coding {coding[:40]!a} is not one of gzip, deflate, br, zstd")
    return content


def compute_cap_beside(size_bytes: int) -> int:
    """Return the cap, in bytes, for a body that is compared with one of `size_bytes`.

    A body of more than 1 MiB that is 64 times as large as the other differs, whatever is in it; that it need not be
    inflated to the end makes a bomb eight times cheaper.
    """
    return min(INFLATED_CAP_BYTES, max(BESIDE_SMALL_BYTES, BESIDE_TIMES * size_bytes))


def _inflate_gzip(content: bytes, cap_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while content:  # a gzip body may be several members one after another (RFC 1952 2.2)
        _check_members("gzip", len(pieces))
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        piece = _inflate_zlib("gzip", member, content, cap_bytes - size)
        pieces.append(piece)
        size += len(piece)
        content = member.unused_data.lstrip(b"\0")  # some writers pad with zeros
    return b"".join(pieces)


def _inflate_deflate(content: bytes, cap_bytes: int) -> bytes:
    # "deflate" means zlib (RFC 9110 8.4.1.2), but servers that send the bare stream are as old as the header
    zlib_header = len(content) > 1 and content[0] & 0x0F == 8 and (content[0] << 8 | content[1]) % 31 == 0
    stream = zlib.decompressobj() if zlib_header else zlib.decompressobj(-zlib.MAX_WBITS)
    return _inflate_zlib("deflate", stream, content, cap_bytes)


def _inflate_zlib(coding: str, stream: Any, content: bytes, cap_bytes: int) -> bytes:
    try:
        out: bytes = stream.decompress(content, cap_bytes + 1)
    except zlib.error as error:
        raise CorruptBody(f"not {coding}: {error}") from None
    if len(out) > cap_bytes:
        raise InflatedTooLarge(_describe_cap(cap_bytes))
    if not stream.eof:
        raise CorruptBody(f"{coding} that ends too early")
    return out


def _inflate_brotli(content: bytes, cap_bytes: int) -> bytes:
    library = _import_library("brotli", "br")
    if not hasattr(library.Decompressor, "can_accept_more_data"):  # before 1.2 its output could not be bounded
        raise UnsupportedCoding("br is undone with brotli 1.2 or newer: pip install -U brotli")
    stream = library.Decompressor()
    pieces: list[bytes] = []
    size = 0
    try:
        piece: bytes = stream.process(content, output_buffer_limit=cap_bytes + 1)
        while piece:
            pieces.append(piece)
            size += len(piece)
            if size > cap_bytes:
                raise InflatedTooLarge(_describe_cap(cap_bytes))
            piece = b"" if stream.is_finished() else stream.process(b"", output_buffer_limit=cap_bytes + 1 - size)
    except library.error:
        raise CorruptBody("not br") from None
    if not stream.is_finished():
        raise CorruptBody("br that ends too early")
    return b"".join(pieces)


def _inflate_zstd(content: bytes, cap_bytes: int) -> bytes:
    library = _import_library("zstandard", "zstd")
    pieces: list[bytes] = []
    size = position = frames = 0
    try:
        while position < len(content):  # several frames may follow one another (RFC 8878 3.1)
            _check_members("zstd", frames)
            frames += 1
            frame = library.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
            while position < len(content) and not frame.eof:
                # A block of 4 bytes stands for up to 128 KiB, and this interface has no bound: feed it small bites.
                piece: bytes = frame.decompress(content[position : position + _ZSTD_BITE_BYTES])
                position = min(len(content), position + _ZSTD_BITE_BYTES)
                pieces.append(piece)
                size += len(piece)
                if size > cap_bytes:
                    raise InflatedTooLarge(_describe_cap(cap_bytes))
            if not frame.eof:
                raise CorruptBody("zstd that ends too early")
            position -= len(frame.unused_data)
    except library.ZstdError as error:
        raise CorruptBody(f"not zstd: {error}") from None
    return b"".join(pieces)


def _describe_cap(cap_bytes: int) -> str:
    return f"inflates past {cap_bytes:,} bytes"


def _check_members(coding: str, member_count: int) -> None:
    if member_count >= _MEMBERS_CAP:
        raise UnsupportedCoding(f"more than {_MEMBERS_CAP} {coding} members one after another are not undone")


def _import_library(name: str, coding: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise UnsupportedCoding(f"{coding} needs a library: pip install 'darklaunch[comparator]' (or {name})") from None
