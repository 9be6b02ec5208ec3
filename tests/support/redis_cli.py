"""A stand-in for redis-cli where there is none: sends its arguments as one command, prints the reply line by line.

Like redis-cli whose output is not a terminal: text as it is, numbers as they are, arrays one element a line.
REDIS_CLI_URL says where the server is.
"""

import os
import socket
import sys
from typing import Any, BinaryIO
from urllib.parse import urlsplit


def request(arguments: list[str]) -> bytes:
    """Write a command in the Redis protocol (RESP2)."""
    words = [argument.encode() for argument in arguments]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def read(stream: BinaryIO) -> Any:
    """Read a reply: bytes, an int, a list, None, or an error as RuntimeError."""
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        return RuntimeError(rest.decode())
    if kind == b"*":
        return [read(stream) for _ in range(int(rest))] if rest != b"-1" else None
    if kind == b"$":
        return stream.read(int(rest) + 2)[:-2] if rest != b"-1" else None
    return int(rest) if kind == b":" else rest


def lines(reply: Any) -> list[bytes]:
    """Flatten a reply into lines."""
    if isinstance(reply, list):
        return [line for part in reply for line in lines(part)]
    return [reply if isinstance(reply, bytes) else b"" if reply is None else str(reply).encode()]


def main() -> int:
    url = urlsplit(os.environ["REDIS_CLI_URL"])
    with socket.create_connection((url.hostname, url.port), 10) as connection, connection.makefile("rb") as stream:
        connection.sendall(request(["AUTH", url.password or ""]) + request(sys.argv[1:]))
        read(stream)
        reply = read(stream)
    sys.stdout.buffer.write(b"".join(line + b"\n" for line in lines(reply)))
    return 1 if isinstance(reply, RuntimeError) else 0


if __name__ == "__main__":
    sys.exit(main())
