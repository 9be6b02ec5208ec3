"""Signed entries: without a key, somebody who can write to the stream cannot make workers send anything.

The signature is the first member of an entry's `meta`, `{"sig":"NAME.HEX",…}`. It covers the exchange id, the rest of
`meta` byte for byte, and both bodies, each preceded by its length (HMAC-SHA256, RFC 2104). Readers that know nothing of
signatures skip the member.
"""

import hmac
import re
from hashlib import sha256
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.fields import Fields

from .keyring import KeyRing

_DOMAIN: Final = b"darklaunch entry 1"
_SIGNED: Final = re.compile(rb'\{"sig":"([A-Za-z0-9_-]{1,32})\.([0-9a-f]{64})",')


def sign(meta: bytes, identity: str, request: bytes, response: bytes, ring: KeyRing) -> bytes:
    """Return `meta`, a JSON object that is not empty, with its signature by the newest key."""
    name, key = ring.newest
    signature = _compute_mac(key, identity.encode(), meta, request, response).hexdigest()
    return b'{"sig":"%b.%b",%b' % (name.encode(), signature.encode(), meta[1:])


def check_signature(fields: Fields, ring: KeyRing) -> None:
    """Raise BadEntry unless the entry is signed by a key of the ring and was not altered since."""
    meta = fields.get(keys.META, b"")
    signed = _SIGNED.match(meta)
    if signed is None:
        raise BadEntry("the entry is not signed")
    key = ring.find(signed[1].decode())
    if key is None:
        raise BadEntry(f"the entry is signed with the key {signed[1].decode()}, which is not known here")
    plain = b"{" + meta[signed.end() :]
    parts = (fields.get(keys.ID, b""), plain, fields.get(keys.REQUEST, b""), fields.get(keys.RESPONSE, b""))
    if not hmac.compare_digest(_compute_mac(key, *parts).hexdigest().encode(), signed[2]):
        raise BadEntry("the entry was altered, or its signature forged")


def _compute_mac(key: bytes, *parts: bytes) -> "hmac.HMAC":
    mac = hmac.new(key, _DOMAIN, sha256)
    for part in parts:
        mac.update(len(part).to_bytes(8))
        mac.update(part)
    return mac
