"""Origins of shadow and baseline: what an operator may point workers at, and which addresses must never be called."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from darklaunch_shared.errors import BadOrigin

_FORBIDDEN: Final = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local, RFC 3927; 169.254.169.254 serves instance metadata on most clouds
        "fe80::/10",  # link-local, RFC 4291
        "fd00:ec2::/32",  # instance metadata over IPv6 on AWS
        "100.100.100.200/32",  # instance metadata on Alibaba Cloud
        "192.0.0.192/32",  # instance metadata on Oracle Cloud
        "168.63.129.16/32",  # the host agent on Azure
        "0.0.0.0/8",
        "::/128",
        "224.0.0.0/4",
        "ff00::/8",
        "64:ff9b:1::/48",  # local-use translation prefix, RFC 8215: what it leads to is unknown here
    )
)
_IPV4_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (IPv6 without brackets) and port of a server."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The value of a Host header: IPv6 in brackets, the port only if it is not the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


_PORTS: Final = {"http": 80, "https": 443}


def parse_origin(text: str, role: str = "shadow") -> Origin:
    """Parse `http://host:port`; `role` is what error messages call it.

    Raises BadOrigin if it has another scheme, a user name, a path, a query, no host, or an invalid port.
    """
    if any(character <= " " or character == "\x7f" for character in text):
        raise BadOrigin(f"the {role} URL {text!r} contains a space or a control character")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as broken:
        raise BadOrigin(f"the {role} URL {text!r} is not a URL: {broken}") from None
    if parts.scheme not in _PORTS:
        raise BadOrigin(f"the {role} URL {text!r} must start with http:// or https://")
    if "@" in parts.netloc:
        raise BadOrigin(f"the {role} URL must not contain a user name or password")
    if not host:
        raise BadOrigin(f"the {role} URL {text!r} names no host")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadOrigin(f"the {role} URL {text!r} must end after the host and port: each request brings its own path")
    if port == 0:
        raise BadOrigin(f"the {role} URL {text!r} has port 0")
    origin = Origin(parts.scheme, host, port or _PORTS[parts.scheme])
    try:
        literal = ip_address(host)
    except ValueError:
        return origin
    return Origin(origin.scheme, str(literal), origin.port)


def explain_forbidden_address(address: str) -> str | None:
    """Return why an IP address must not be called (link-local, metadata, multicast, unspecified); None if it may.

    Raises ValueError when `address` is not an IP address.
    """
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or _extract_ipv4(ip) or ip
    for network in _FORBIDDEN:
        if ip.version == network.version and ip in network:
            return f"{address} is in {network}, where link-local and cloud metadata services answer"
    return None


def _extract_ipv4(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address within a NAT64 (RFC 6052) or IPv4-compatible (RFC 4291) one."""
    if any(ip in network for network in _IPV4_EMBEDDING) and int(ip) > 1:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None
