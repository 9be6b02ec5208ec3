"""Named secret keys, so that they can be rotated: the newest one seals and signs, all of them open and verify."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from typing import Final

from darklaunch_shared.errors import BadKey

KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys of 32 bytes by name, the newest first."""

    keys: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.keys)

    @property
    def newest(self) -> tuple[str, bytes]:
        """The key that seals and signs. Raises IndexError when there is none."""
        return self.keys[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys, the newest first."""
        return tuple(name for name, _ in self.keys)

    def find(self, name: str) -> bytes | None:
        """Return the key of that name; None when there is none."""
        return next((key for known, key in self.keys if known == name), None)


NO_KEYS: Final = KeyRing()


def parse_keys(text: str) -> KeyRing:
    """Parse `NAME:BASE64`, or several separated by commas, the newest first; "" is an empty ring.

    Raises BadKey, whose text shows no part of a key.
    """
    keys: dict[str, bytes] = {}
    for number, part in enumerate((part.strip() for part in text.split(",") if part.strip()), 1):
        name, colon, encoded = part.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise BadKey(
                f"key {number} has no name of 1 to 32 letters, digits, - and _: write NAME:KEY, with a KEY as "
                "`openssl rand -base64 32` prints it"
            )
        try:
            key = b64decode(encoded, validate=True)
        except (Base64Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise BadKey(f"the key {name} is not 32 bytes in base64: `openssl rand -base64 32` prints one")
        if name in keys:
            raise BadKey(f"two keys are named {name}")
        keys[name] = key
    return KeyRing(tuple(keys.items()))
