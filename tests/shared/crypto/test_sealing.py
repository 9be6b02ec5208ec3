"""Keys, sealed credentials and signatures: what opens, what does not, and that no key is shown."""

from base64 import b64encode
from dataclasses import replace

import pytest
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import NO_KEYS, parse_keys
from darklaunch_shared.crypto.sealing import SEALED, Sealer
from darklaunch_shared.crypto.signing import sign
from darklaunch_shared.errors import BadKey, BadSeal
from darklaunch_shared.wire.exchange import Exchange, Request, Response, strip_secrets, unpack_exchange
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pack_exchange import pack_exchange

OLD, NEW = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))


BOTH = parse_keys(f"new:{NEW}, old:{OLD}")


REQUEST = Request("GET", "/me", "http://shop", (("accept", "*/*"), ("cookie", SEALED), ("x-api-key", SEALED)), b"")


SECRETS = [(1, "sid=s3cr3t"), (2, "\xe9")]


def entry(sealed: str = "") -> dict[bytes, bytes]:
    answer = Response(200, (), b"hi", 1.5)
    return pack_exchange(Exchange("abcd1234:7", "checkout", 1_763_900_000_000, "GET /me", REQUEST, answer, sealed))


def test_sealed_credentials_come_back_in_their_places() -> None:
    box = Sealer(BOTH).seal(SECRETS, REQUEST, "checkout", "abcd1234:7")
    opened = Sealer(BOTH).unseal(REQUEST, box, "checkout", "abcd1234:7")
    assert opened.headers == (("accept", "*/*"), ("cookie", "sid=s3cr3t"), ("x-api-key", "\xe9"))
    assert "s3cr3t" not in box


def test_an_older_key_still_opens_and_a_stranger_does_not() -> None:
    box = Sealer(parse_keys(f"old:{OLD}")).seal(SECRETS, REQUEST, "checkout", "abcd1234:7")
    assert Sealer(BOTH).unseal(REQUEST, box, "checkout", "abcd1234:7").headers[1][1] == "sid=s3cr3t"
    with pytest.raises(BadSeal, match="key 'old', which is not known"):
        Sealer(parse_keys(f"new:{NEW}")).unseal(REQUEST, box, "checkout", "abcd1234:7")
    with pytest.raises(BadSeal, match="altered"):
        Sealer(parse_keys(f"old:{NEW}")).unseal(REQUEST, box, "checkout", "abcd1234:7")


@pytest.mark.parametrize(
    ("request_", "launch", "identity"),
    [
        (REQUEST, "checkout", "abcd1234:8"),
        (REQUEST, "checkout", "abcd1235:7"),
        (REQUEST, "checkout-2", "abcd1234:7"),
        (replace(REQUEST, target="/log?"), "checkout", "abcd1234:7"),
        (replace(REQUEST, method="HEAD"), "checkout", "abcd1234:7"),
        (replace(REQUEST, body=b"x"), "checkout", "abcd1234:7"),
        (
            replace(REQUEST, headers=(("accept", "*/*"), ("x-show", SEALED), REQUEST.headers[2])),
            "checkout",
            "abcd1234:7",
        ),
    ],
)
def test_a_box_opens_for_its_own_request_alone(request_: Request, launch: str, identity: str) -> None:
    box = Sealer(BOTH).seal(SECRETS, REQUEST, "checkout", "abcd1234:7")
    with pytest.raises(BadSeal, match="altered, or belong to another exchange"):
        Sealer(BOTH).unseal(request_, box, launch, identity)


@pytest.mark.parametrize("at", [-1, 0, 3])
def test_a_box_fills_sealed_places_alone(at: int) -> None:
    box = Sealer(BOTH).seal([(at, "sid=s3cr3t")], REQUEST, "checkout", "abcd1234:7")
    with pytest.raises(BadSeal, match="not those that were sealed"):
        Sealer(BOTH).unseal(REQUEST, box, "checkout", "abcd1234:7")


def test_what_another_release_sealed_and_signed_is_read() -> None:
    """Apps and workers are not upgraded at one moment, and exchanges wait in between."""
    box = "new.8dfQ6wDeBXcmasrTWJYvmJq7fypACEIlbz7lqcPBQfI8InIR0kAUndVjMmgeahA0mwoBbcf/yw=="
    assert Sealer(BOTH).unseal(REQUEST, box, "checkout", "abcd1234:7").headers[1:] == (
        ("cookie", "sid=s3cr3t"),
        ("x-api-key", "\xe9"),
    )
    assert signed(entry())[keys.META].startswith(
        b'{"sig":"new.05957716eb31ca5f5d199de8f5e2f482ef18a84994d22c027d1743856cc72ab1",'
    )


@given(st.text(max_size=80))
def test_any_box_opens_or_is_unsealable(box: str) -> None:
    with pytest.raises(BadSeal):
        Sealer(BOTH).unseal(REQUEST, f"new.{box}", "checkout", "abcd1234:7")


def test_a_box_travels_and_is_taken_out_again() -> None:
    packed = entry("new.AAAA")
    assert unpack_exchange(packed).sealed == "new.AAAA"
    onward = {**packed, keys.META: strip_secrets(packed[keys.META])}
    assert onward == entry()


def test_sealing_without_cryptography_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography.exceptions", None)
    with pytest.raises(BadKey, match=r"pip install 'darklaunch\[seal\]'"):
        Sealer(BOTH)
    monkeypatch.undo()
    with pytest.raises(BadKey, match="needs a key"):
        Sealer(NO_KEYS)


def signed(fields: dict[bytes, bytes]) -> dict[bytes, bytes]:
    identity = fields[keys.ID].decode()
    return {**fields, keys.META: sign(fields[keys.META], identity, fields[keys.REQUEST], fields[keys.RESPONSE], BOTH)}
