"""Which requests are sampled: a random number for each request, or a hash of a key that the request carries.

Both are positions between 0 and 1, compared with the launch's fraction: raising the percentage keeps every request that
was sampled before. All random launches compare the same number, so their samples nest. A sticky launch hashes its own
name together with the key, so two launches at 10 % pick different users.
"""

from hashlib import blake2b

from darklaunch_shared.launch.sticky import StickyKey
from darklaunch_shared.wire.exchange import Headers


def find_sticky_key(sticky: StickyKey, headers: Headers, client: str) -> str:
    """Return the value of the request's key; "" when it has none.

    `client` is the peer's address as the server knows it. Behind a proxy that is the proxy's address, unless the server
    reads forwarding headers.
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


def compute_position(launch: str, key: str) -> float:
    """Return a key's position for a launch, in [0, 1): 53 bits of BLAKE2b over both."""
    digest = blake2b(f"{launch}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 9_007_199_254_740_992
