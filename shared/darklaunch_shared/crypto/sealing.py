"""Sealed credentials: they travel encrypted, and only the workers that send the request can read them.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits. The key is derived from the named one for each launch and
producer (HMAC-SHA256), so that no key is used for more than one process's exchanges. What is bound to a box without
being in it: the launch, the exchange's id and the whole request. A box that is moved to another exchange, or whose
request was altered, does not open.

`cryptography` is imported when a Sealer is made, not before.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, Final, cast

import orjson

from darklaunch_shared.errors import BadKey, BadSeal
from darklaunch_shared.wire.exchange import Headers, Request

from .keyring import KeyRing

SEALED: Final = "[sealed]"
"""What stands in the place of a sealed value."""

Secrets = list[tuple[int, str]]
"""(which header field, counted from 0; its value)"""

_DOMAIN: Final = b"darklaunch seal 1"
_NONCE_BYTES: Final = 12
_CIPHERS_KEPT: Final = 256


class Sealer:
    """Seals and opens with the keys of a ring."""

    def __init__(self, ring: KeyRing) -> None:
        """Raises BadKey when `cryptography` is not installed or the ring is empty."""
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise BadKey("sealing needs cryptography: pip install 'darklaunch[seal]'") from None
        if not ring:
            raise BadKey("sealing needs a key")
        self._ring = ring
        self._make, self._invalid = AESGCM, InvalidTag
        self._ciphers: dict[tuple[str, str, str], Any] = {}

    def seal(self, secrets: Secrets, request: Request, launch: str, identity: str) -> str:
        """Seal the values that stand as `[sealed]` in a launch's request with the newest key: `NAME.BASE64`."""
        name, key = self._ring.newest
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._cipher(name, key, launch, identity)
        box = nonce + cipher.encrypt(nonce, orjson.dumps(secrets), _bound(request, launch, identity))
        return f"{name}.{b64encode(box).decode()}"

    def unseal(self, request: Request, box: str, launch: str, identity: str) -> Request:
        """Give the request with its credentials in their places. Raises Unsealable."""
        name, _, encoded = box.partition(".")
        key = self._ring.find(name)
        if key is None:
            raise BadSeal(f"the credentials are sealed with the key {name[:32]!r}, which is not known here")
        try:
            sealed = b64decode(encoded, validate=True)
            cipher = self._cipher(name, key, launch, identity)
            opened = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(request, launch, identity))
        except (Base64Error, ValueError, self._invalid):
            raise BadSeal("the sealed credentials were altered, or belong to another exchange") from None
        headers = _put_back(request.headers, cast(Secrets, orjson.loads(opened)))
        return Request(request.method, request.target, request.origin, headers, request.body)

    def _cipher(self, name: str, key: bytes, launch: str, identity: str) -> Any:
        producer = identity.partition(":")[0]
        place = (name, launch, producer)
        cipher = self._ciphers.get(place)
        if cipher is None:
            if len(self._ciphers) >= _CIPHERS_KEPT:
                self._ciphers.clear()
            derived = hmac.digest(key, b"\0".join((_DOMAIN, launch.encode(), producer.encode())), "sha256")
            cipher = self._ciphers[place] = self._make(derived)
        return cipher


def _bound(request: Request, launch: str, identity: str) -> bytes:
    head = orjson.dumps((launch, identity, request.method, request.target, request.headers))
    return hashlib.sha256(b"%b %d %b%b" % (_DOMAIN, len(head), head, request.body)).digest()


def _put_back(headers: Headers, secrets: Secrets) -> Headers:
    fields = list(headers)
    for at, value in secrets:
        if not 0 <= at < len(fields) or fields[at][1] != SEALED:
            raise BadSeal("the entry's header fields are not those that were sealed")
        fields[at] = (fields[at][0], value)
    return tuple(fields)
