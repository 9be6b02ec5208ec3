"""Who is sampled: one random number per request, or a hash of a key that the request carries.

Both are positions between 0 and 1 that are compared with the launch's fraction, so raising the percentage keeps
everyone in who was in. All random launches compare the same number: their samples nest. A sticky launch hashes its own
name with the key: two launches at 10 % pick different users.
"""

from dataclasses import dataclass
from hashlib import blake2b

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.wire.exchange import Headers


@dataclass(frozen=True, slots=True)
class StickyKey:
    """Where the key is: `kind` is header, cookie or client; `name` is that of the header or cookie."""

    kind: str
    name: str


def parse_sticky(text: str) -> StickyKey | None:
    """Read `header:NAME`, `cookie:NAME` or `client`; "" is None. Raises BadLaunch for anything else."""
    if not text:
        return None
    kind, _, name = text.partition(":")
    if kind == "client" and not name:
        return StickyKey(kind, "")
    if kind in ("header", "cookie") and name.strip():
        return StickyKey(kind, name.strip().lower() if kind == "header" else name.strip())
    raise BadLaunch(f"sticky {text!r} names no key: write header:NAME, cookie:NAME or client")


def sticky_key(sticky: StickyKey, headers: Headers, client: str) -> str:
    """Find the request's key; "" when it has none.

    `client` is the peer's address as the server knows it, which behind a proxy is the proxy's unless the server reads
    its forwarding headers.
    """
    if sticky.kind == "client":
        return client
    if sticky.kind == "header":
        return next((value for name, value in headers if name == sticky.name and value), "")
    for name, value in headers:
        if name == "cookie":
            for pair in value.split(";"):
                cookie, _, content = pair.partition("=")
                if cookie.strip() == sticky.name and content.strip():
                    return content.strip()
    return ""


def position(launch: str, key: str) -> float:
    """Give a key's place between 0 (included) and 1 (excluded) for a launch: 53 bits of BLAKE2b."""
    digest = blake2b(f"{launch}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 9_007_199_254_740_992
