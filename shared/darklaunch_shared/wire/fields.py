"""The fields of one stream entry or one hash, as Redis carries them."""

from typing import Any, cast

Fields = dict[bytes, bytes]
"""Field names and values."""


def pair_fields(reply: Any) -> Fields:
    """Return a reply of alternating names and values as a dict, whether or not the client has already paired them."""
    if isinstance(reply, dict):
        return cast(Fields, reply)
    return dict(zip(reply[::2], reply[1::2], strict=True))
