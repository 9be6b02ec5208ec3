"""Split a multipart body into its parts (RFC 2046 5.1), whatever its boundary, in linear time."""

import re
from dataclasses import dataclass
from typing import Final

PARTS_CAP: Final = 1_000
_HEADER_BYTES: Final = 16_384

_BOUNDARY: Final = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s";,]{1,200}))', re.IGNORECASE)
_FIRST_LINE: Final = re.compile(rb"(?:\r?\n)?--([^\r\n]{1,200}?)[ \t]*\r?\n")
_PARAMETER: Final = re.compile(r';\s*(name|filename)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name and file name, "" for none, its content type and coding, and its content."""

    name: str
    filename: str
    content_type: str
    encoding: str
    content: bytes


def split_multipart(content: bytes, content_type: str) -> list[Part] | None:
    """Split a body into its parts; None if it is not one of parts, or of more than PARTS_CAP.

    The boundary is the header's, or else what the body starts with.
    """
    named = _BOUNDARY.search(content_type)
    first = _FIRST_LINE.match(content)
    if named is not None:
        boundary = (named[1] or named[2]).encode("latin-1", "replace")
    elif first is not None:
        boundary = first[1]
    else:
        return None
    sections = (b"\n" + content).split(b"\n--" + boundary, PARTS_CAP + 2)
    if len(sections) < 2 or len(sections) > PARTS_CAP + 2 or not sections[-1].startswith(b"--"):
        return None
    return [_read_part(section) for section in sections[1:-1]]


def _read_part(section: bytes) -> Part:
    section = section.lstrip(b" \t").removeprefix(b"\r").removeprefix(b"\n").removesuffix(b"\r")
    head, content = b"", section
    if section.startswith((b"\r\n", b"\n")):  # a part without header fields
        content = section.removeprefix(b"\r").removeprefix(b"\n")
    else:
        for mark in (b"\r\n\r\n", b"\n\n"):
            before, found, after = section.partition(mark)
            if found and len(before) <= _HEADER_BYTES:
                head, content = before, after
                break
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    parameters: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(fields.get("content-disposition", "")):
        parameters[name.lower()] = quoted or bare
    return Part(
        parameters.get("name", ""),
        parameters.get("filename", ""),
        fields.get("content-type", ""),
        fields.get("content-transfer-encoding", "").lower(),
        content,
    )
