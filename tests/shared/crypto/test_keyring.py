"""Key rings: the newest key first, and no key shown."""

from base64 import b64encode

import pytest
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.errors import BadKey

OLD, NEW = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))


BOTH = parse_keys(f"new:{NEW}, old:{OLD}")


def test_the_first_key_is_the_newest() -> None:
    assert (BOTH.names, BOTH.newest[0], BOTH.find("old"), BOTH.find("none")) == (
        ("new", "old"),
        "new",
        b"\1" * 32,
        None,
    )
    assert not parse_keys(" ")


@pytest.mark.parametrize(
    "text", [NEW, f":{NEW}", f"a b:{NEW}", "a:c2hvcnQ=", f"a:{NEW[:-2]}!=", f"a:{NEW},a:{OLD}", "a:"]
)
def test_a_key_that_cannot_be_used_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadKey) as caught:
        parse_keys(text)
    assert NEW[:-2] not in str(caught.value)
    assert "c2hvcnQ" not in str(caught.value)


def test_no_key_is_in_what_python_prints_of_a_ring() -> None:
    assert repr(BOTH) == "KeyRing()"
