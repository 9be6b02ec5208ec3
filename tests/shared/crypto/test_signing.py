"""Signed entries verify as they stand, and no others do."""

from base64 import b64encode

import orjson
import pytest
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.crypto.sealing import SEALED
from darklaunch_shared.crypto.signing import check_signature, sign
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.exchange import Exchange, Request, Response, unpack_exchange

from tests.support.pack_exchange import pack_exchange

OLD, NEW = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))


BOTH = parse_keys(f"new:{NEW}, old:{OLD}")


REQUEST = Request("GET", "/me", "http://shop", (("accept", "*/*"), ("cookie", SEALED), ("x-api-key", SEALED)), b"")


def entry(sealed: str = "") -> dict[bytes, bytes]:
    answer = Response(200, (), b"hi", 1.5)
    return pack_exchange(Exchange("abcd1234:7", "checkout", 1_763_900_000_000, "GET /me", REQUEST, answer, sealed))


def signed(fields: dict[bytes, bytes]) -> dict[bytes, bytes]:
    identity = fields[keys.ID].decode()
    return {**fields, keys.META: sign(fields[keys.META], identity, fields[keys.REQUEST], fields[keys.RESPONSE], BOTH)}


def test_a_signed_entry_reads_as_before_and_verifies() -> None:
    fields = signed(entry())
    check_signature(fields, BOTH)
    assert unpack_exchange(fields) == unpack_exchange(entry())
    assert orjson.loads(fields[keys.META])["sig"].startswith("new.")


def test_a_key_that_was_replaced_still_verifies() -> None:
    check_signature(signed(entry()), parse_keys(f"newest:{OLD},new:{NEW}"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({keys.META: entry()[keys.META]}, "is not signed"),
        ({keys.META: b""}, "is not signed"),
        ({keys.META: signed(entry())[keys.META].replace(b"/me", b"/you")}, "altered"),
        ({keys.META: signed(entry())[keys.META].replace(b"new.", b"old.")}, "altered"),
        ({keys.META: signed(entry())[keys.META].replace(b"new.", b"who.")}, "with the key who"),
        ({keys.ID: b"abcd1234:8"}, "altered"),
        ({keys.REQUEST: b"x"}, "altered"),
        ({keys.REQUEST: b"h", keys.RESPONSE: b"i"}, "altered"),
        ({keys.RESPONSE: b""}, "altered"),
    ],
)
def test_what_was_not_signed_as_it_stands_is_refused(changes: dict[bytes, bytes], said: str) -> None:
    with pytest.raises(BadEntry, match=said):
        check_signature({**signed(entry()), **changes}, BOTH)


def test_a_strangers_entry_is_not_signed() -> None:
    with pytest.raises(BadEntry, match="not signed"):
        check_signature({b"hello": b"world"}, BOTH)
