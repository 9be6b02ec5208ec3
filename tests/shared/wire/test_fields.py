"""Fields of entries and hashes, as clients of either protocol return them."""

import pytest
from darklaunch_shared.wire.fields import pair_fields


def test_a_flat_reply_is_paired_and_a_paired_one_stays() -> None:
    assert pair_fields([b"a", b"1", b"b", b"2"]) == pair_fields({b"a": b"1", b"b": b"2"}) == {b"a": b"1", b"b": b"2"}
    assert pair_fields([]) == {}


def test_a_name_without_a_value_is_no_reply() -> None:
    with pytest.raises(ValueError, match="shorter"):
        pair_fields([b"a", b"1", b"b"])
