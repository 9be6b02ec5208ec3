"""Sealed credentials: they travel encrypted, and only workers that have the key can read them.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits. The key is derived from the named one for each launch and
producer (HMAC-SHA256), so that no key is used for more than one process's exchanges. The associated data are the
launch, the exchange's id and the whole request: a box that is moved to another exchange, or whose request was altered,
does not open.

`cryptography` is imported when a Sealer is created, because it is an optional dependency.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, Final

import orjson

from darklaunch_shared.errors import BadKey, BadSeal
from darklaunch_shared.wire.exchange import Headers, Request

from .keyring import KeyRing

SEALED: Final = "[sealed]"
"""Replaces a sealed value in the request."""

Secrets = list[tuple[int, str]]
"""Index of a header field in the request, and its value."""

_DOMAIN: Final = b"darklaunch seal 1"
_NONCE_BYTES: Final = 12
_MAX_CIPHERS: Final = 256


class Sealer:
    """Encrypts and decrypts credentials with the keys of a ring."""

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
        self._cipher_class = AESGCM
        self._invalid_tag = InvalidTag
        self._ciphers: dict[tuple[str, str, str], Any] = {}

    def seal(self, secrets: Secrets, request: Request, launch: str, identity: str) -> str:
        """Return the values that a request shows as `[sealed]`, encrypted with the newest key, as `NAME.BASE64`."""
        name, key = self._ring.newest
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._derive_cipher(name, key, launch, identity)
        box = nonce + cipher.encrypt(nonce, orjson.dumps(secrets), _hash_associated_data(request, launch, identity))
        return f"{name}.{b64encode(box).decode()}"

    def unseal(self, request: Request, box: str, launch: str, identity: str) -> Request:
        """Return the request with its credentials in their places. Raises BadSeal."""
        name, _, encoded = box.partition(".")
        key = self._ring.find(name)
        if key is None:
            raise BadSeal(f"the credentials are sealed with the key {name[:32]!r}, which is not known here")
        try:
            sealed = b64decode(encoded, validate=True)
            cipher = self._derive_cipher(name, key, launch, identity)
            opened = cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _hash_associated_data(request, launch, identity)
            )
        except (Base64Error, ValueError, self._invalid_tag):
            raise BadSeal("the sealed credentials were altered, or belong to another exchange") from None
        secrets = [(int(index), str(value)) for index, value in orjson.loads(opened)]
        headers = _insert_secrets(request.headers, secrets)
        return Request(request.method, request.target, request.origin, headers, request.body)

    def _derive_cipher(self, name: str, key: bytes, launch: str, identity: str) -> Any:
        producer = identity.partition(":")[0]
        key_of_cipher = (name, launch, producer)
        cipher = self._ciphers.get(key_of_cipher)
        if cipher is None:
            if len(self._ciphers) >= _MAX_CIPHERS:
                self._ciphers.clear()
            derived = hmac.digest(key, b"\0".join((_DOMAIN, launch.encode(), producer.encode())), "sha256")
            cipher = self._ciphers[key_of_cipher] = self._cipher_class(derived)
        return cipher


def _hash_associated_data(request: Request, launch: str, identity: str) -> bytes:
    head = orjson.dumps((launch, identity, request.method, request.target, request.headers))
    return hashlib.sha256(b"%b %d %b%b" % (_DOMAIN, len(head), head, request.body)).digest()


def _insert_secrets(headers: Headers, secrets: Secrets) -> Headers:
    fields = list(headers)
    for index, value in secrets:
        if not 0 <= index < len(fields) or fields[index][1] != SEALED:
            raise BadSeal("the entry's header fields are not those that were sealed")
        fields[index] = (fields[index][0], value)
    return tuple(fields)
