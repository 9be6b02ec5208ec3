"""What servers make of a request's path: one path, many readings.

Proxies, frameworks and file systems decode, clean and cut a path, each in its own way and order. A check of the bytes
alone can be evaded: `/x/%2e%2e/private` is `/private` to most servers. What counts therefore is every path that follows
from the one sent by these steps, in any order and number:

    decode      %70 → p, once or again; of dots alone (WHATWG URL); %u0070 (IIS); overlong UTF-8 (%c0%af → /)
    backslash   \\ → / (WHATWG URL, IIS)
    parameters  /a;x=1/b → /a/b (RFC 3986 section 3.3; Java servers)
    clean       // → /, and dot segments resolved (RFC 3986 section 5.2.4)
    cut         at a ? or #, which decoding may have brought to light
"""

import re
from typing import Final
from urllib.parse import unquote

READINGS_CAP: Final = 32
"""A path with more readings than this was made to have them."""

UNUSUAL_PATH_CAP: Final = 2_048
"""Longer paths, in characters, are not read when they hold anything unusual: that would take too long."""

_PLAIN: Final = r"A-Za-z0-9_\-~:@!$&'()*+,=|{}<>^\[\]\"` \x80-\xbf\xc2-\U0010ffff"
_ORDINARY: Final = re.compile(rf"(?:/[{_PLAIN}][{_PLAIN}.]*+)*+/?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ENCODED_DOT: Final = re.compile("%2e", re.IGNORECASE)
_ENCODED_BY_IIS: Final = re.compile(r"%u([0-9A-Fa-f]{4})")
_OVERLONG: Final = re.compile("([\xc0\xc1])([\x80-\xbf])")
_PARAMETERS: Final = re.compile(r";[^/]*")
_CUT: Final = re.compile(r"[?#]")
_SLASHES: Final = re.compile(r"/{2,}")


def is_ordinary(path: str) -> bool:
    """True if every server reads a path as it stands. Fast."""
    return _ORDINARY.fullmatch(path) is not None


def read_path(path: str) -> frozenset[str] | None:
    """Return every path that a server could make of this one (latin-1, without its query), itself among them.

    None where nobody can tell: there are too many readings, one has a control character, or the path is too long.
    """
    if is_ordinary(path):
        return frozenset((path,))
    if len(path) > UNUSUAL_PATH_CAP:
        return None
    readings = {path}
    unread = [path]
    while unread:
        reading = unread.pop()
        if _CONTROL.search(reading):
            return None
        for step in _STEPS:
            next_reading = step(reading)
            if next_reading not in readings:
                readings.add(next_reading)
                unread.append(next_reading)
        if len(readings) > READINGS_CAP:
            return None
    return frozenset(readings)


def decode_path(path: str) -> str:
    """Return a path with each percent-encoding decoded once, to latin-1 like the path itself."""
    return unquote(path, encoding="latin-1")


def _decode_dots(path: str) -> str:
    return _ENCODED_DOT.sub(".", path)


def _decode_iis(path: str) -> str:
    return _ENCODED_BY_IIS.sub(lambda code: chr(int(code[1], 16)), path)


def _decode_overlong(path: str) -> str:
    return _OVERLONG.sub(lambda pair: chr((ord(pair[1]) & 1) << 6 | ord(pair[2]) & 0x3F), path)


def _replace_backslashes(path: str) -> str:
    return path.replace("\\", "/")


def _remove_parameters(path: str) -> str:
    return _PARAMETERS.sub("", path)


def _clean(path: str) -> str:
    """Return a path with slashes merged and dot segments resolved; none leads above the root."""
    return _resolve_dots(_SLASHES.sub("/", path))


def _resolve_dots(path: str) -> str:
    """Return a path with dot segments resolved, where an empty segment is a segment like any other."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    ending = "/" if kept and segments[-1] in (".", "..") else ""
    return "/" + "/".join(kept) + ending


def _cut(path: str) -> str:
    return _CUT.split(path, maxsplit=1)[0]


_STEPS: Final = (
    decode_path,
    _decode_dots,
    _decode_iis,
    _decode_overlong,
    _replace_backslashes,
    _remove_parameters,
    _clean,
    _resolve_dots,
    _cut,
)
