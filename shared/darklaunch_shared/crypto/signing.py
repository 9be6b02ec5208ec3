"""Signed entries: whoever can write to the stream, but has no key, cannot make workers send anything.

The signature stands in front of the other members of an entry's `meta`, `{"sig":"NAME.HEX",…}`, and covers the exchange
id, the rest of `meta` as it stands, and both bodies, each with its length before it (HMAC-SHA256, RFC 2104). A reader
that knows nothing of signatures skips the member.
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
    """Return `meta`, a JSON object with members, with its signature by the newest key."""
    name, key = ring.newest
    signature = _mac(key, identity.encode(), meta, request, response).hexdigest()
    return b'{"sig":"%b.%b",%b' % (name.encode(), signature.encode(), meta[1:])


def check_signature(fields: Fields, ring: KeyRing) -> None:
    """Raise BadEntry unless the entry is signed by a key of the ring and reads as it was signed."""
    meta = fields.get(keys.META, b"")
    signed = _SIGNED.match(meta)
    if signed is None:
        raise BadEntry("the entry is not signed")
    key = ring.find(signed[1].decode())
    if key is None:
        raise BadEntry(f"the entry is signed with the key {signed[1].decode()}, which is not known here")
    plain = b"{" + meta[signed.end() :]
    parts = (fields.get(keys.ID, b""), plain, fields.get(keys.REQUEST, b""), fields.get(keys.RESPONSE, b""))
    if not hmac.compare_digest(_mac(key, *parts).hexdigest().encode(), signed[2]):
        raise BadEntry("the entry was altered, or its signature forged")


def _mac(key: bytes, *parts: bytes) -> "hmac.HMAC":
    mac = hmac.new(key, _DOMAIN, sha256)
    for part in parts:
        mac.update(len(part).to_bytes(8))
        mac.update(part)
    return mac
