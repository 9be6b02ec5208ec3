"""The options of `bench` that make up the request which it sends."""

from __future__ import annotations

from darklaunch_console.errors import BadUsage


def check_target(text: str) -> str:
    """Return a path and query as given. Raises BadUsage unless it is one."""
    if not text.startswith("/") or any(character <= " " for character in text) or not text.isascii():
        raise BadUsage(f"--url {text!r} is not a path: begin with / and percent-encode what is not ASCII")
    return text


def build_headers(options: tuple[str, ...], data: str) -> list[list[str]]:
    """Return the header fields to send, with those of `NAME: VALUE` options. Raises BadUsage."""
    headers = [["host", "127.0.0.1:8000"], ["accept", "*/*"], ["user-agent", "darklaunch-bench"]]
    if data:
        headers.append(["content-length", str(len(data.encode()))])
    for text in options:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise BadUsage(f"--header {text!r} is no header field: write 'NAME: VALUE'")
        headers.append([name.strip().lower(), value.strip()])
    return headers
