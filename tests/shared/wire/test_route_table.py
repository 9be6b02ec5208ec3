"""Route tables travel whole, bounded, and damaged ones are refused."""

import orjson
import pytest
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.route_table import MAX_ROUTES, RouteTable, pack_route_table, unpack_route_table


def test_a_table_survives_the_way() -> None:
    table = RouteTable.build("shop", "flask", [("POST", "/b"), ("GET", "/a"), ("GET", "/a")])
    assert table.routes == (("GET", "/a"), ("POST", "/b"))
    assert unpack_route_table(pack_route_table(table)) == table
    assert table.fingerprint == RouteTable.build("other", "flask", [("GET", "/a"), ("POST", "/b")]).fingerprint
    assert table.fingerprint != RouteTable.build("shop", "flask", [("GET", "/a")]).fingerprint


def test_a_table_is_bounded() -> None:
    table = RouteTable.build("x" * 500, "f" * 500, [("M" * 99, f"/{number:05}{'é' * 500}") for number in range(1500)])
    assert (len(table.routes), table.omitted) == (MAX_ROUTES, 500)
    assert (
        unpack_route_table(
            pack_route_table(RouteTable.build("shop", "", [("GET", f"/{n}") for n in range(2000)]))
        ).omitted
        == 1000
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"app": "a"}',
        orjson.dumps({"app": 1, "framework": "", "routes": [], "omitted": 0}),
        orjson.dumps({"app": "a", "framework": "", "routes": [["GET"]], "omitted": 0}),
        orjson.dumps({"app": "a", "framework": "", "routes": [["GET", 7]], "omitted": 0}),
        orjson.dumps({"app": "a", "framework": "", "routes": [], "omitted": -1}),
        orjson.dumps({"app": "a", "framework": "", "routes": [["GET", "/"]] * 1001, "omitted": 0}),
        b" " * 300_000,
    ],
)
def test_damaged_tables_are_refused(raw: bytes) -> None:
    with pytest.raises(BadEntry):
        unpack_route_table(raw)
