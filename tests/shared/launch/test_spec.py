"""Launch names, percentages, specifications and states: what is accepted and what is refused."""

import math

import pytest
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import (
    LaunchSpec,
    LaunchStatus,
    check_name,
    check_percent,
    pack_spec,
    parse_state,
    unpack_spec,
)

SPEC = LaunchSpec(shadow="http://10.0.3.7:8000", allow=("POST /search",), max_rps=2.5, shards=3)


def stored(**changes: bytes) -> dict[bytes, bytes]:
    fields = {"status": b"active", "percent": b"10", "revision": b"7", "spec": pack_spec(SPEC), **changes}
    return {name.encode(): value for name, value in fields.items()}


@pytest.mark.parametrize("name", ["a", "checkout-v2", "9" * 63])
def test_names_that_may_be(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a" * 64, "a\n", "ä", "a:b", "a{b}"])
def test_names_that_may_not(name: str) -> None:
    with pytest.raises(BadLaunch, match="cannot name a launch"):
        check_name(name)


@pytest.mark.parametrize("percent", [-1, 100.01, math.nan, math.inf])
def test_percentages_that_may_not(percent: float) -> None:
    with pytest.raises(BadLaunch, match="between 0 and 100"):
        check_percent(percent)


def test_a_specification_survives_json_and_forgets_what_it_does_not_know() -> None:
    assert unpack_spec(pack_spec(SPEC)) == SPEC
    assert unpack_spec(pack_spec(SPEC)[:-1] + b',"from_the_future":[1]}') == SPEC


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"shadow":5}',
        b'{"shadow":"http://a","shards":"many"}',
        b'{"shadow":"http://a","compare":1}',
        b'{"shadow":"http://a","max_rps":true}',
        b'{"shadow":"http://a","allow":"POST /"}',
        b'{"shadow":"http://a","only":[1]}',
    ],
)
def test_a_damaged_specification_is_refused(raw: bytes) -> None:
    with pytest.raises(BadLaunch, match="specification"):
        unpack_spec(raw)


@pytest.mark.parametrize("hold", [b"1", b"yes", b"0.0"])
def test_anything_but_zero_holds(hold: bytes) -> None:
    assert parse_state("checkout", stored()).fraction == 0.1
    assert parse_state("checkout", stored(hold=hold)).fraction == 0
    assert parse_state("checkout", stored(hold=b"0")).fraction == 0.1


@pytest.mark.parametrize("status", [LaunchStatus.PAUSED, LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK])
def test_only_an_active_launch_samples(status: LaunchStatus) -> None:
    assert parse_state("checkout", stored(status=status.encode())).fraction == 0


@pytest.mark.parametrize("changes", [{"status": b"on"}, {"percent": b"lots"}, {"percent": b"101"}, {"spec": b"{"}])
def test_a_damaged_state_is_refused(changes: dict[str, bytes]) -> None:
    with pytest.raises(BadLaunch):
        parse_state("checkout", stored(**changes))
