"""Which routes a launch has judged, and what the others lack."""

from typing import Any

import orjson
from darklaunch_comparator.store.connect import connect_store
from darklaunch_console.errors import BadUsage


def test_coverage_says_which_routes_were_judged_and_what_others_lack(run: Any, shop: str, postgres_dsn: str) -> None:
    assert "is not known" in run("report", shop, "--coverage").output
    assert "mirrored and judged" not in run("report", shop).output
    routes = [["GET", "/orders/{id}"], ["GET", "/quote"], ["GET", "/new\x1b[31m"], ["POST", "/orders"]]
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        connection.execute(
            "INSERT INTO darklaunch.route_table VALUES ('shop', 'f', 'flask', %s::jsonb, 0, now())",
            [orjson.dumps(routes).decode()],
        )
    lines = run("report", shop, "--coverage").output.splitlines()
    assert lines[0].startswith(f"{shop}: 2 of 4 routes mirrored and judged; no request yet:")
    assert all(len(line) <= 80 and "\x1b" not in line for line in lines)
    assert [line.split("   ")[-1].strip() for line in lines[-2:]] == [
        "no request was sampled yet",
        "a write that is not allowed (--allow)",
    ]
    told = orjson.loads(run("report", shop, "--coverage", "--json").output)["coverage"]
    assert (told["routes"], told["judged"]) == (4, 2)
    assert orjson.loads(run("report", shop, "--json").output)["coverage"] == told
    assert "2 of 4 routes mirrored and judged; no request yet: " in " ".join(run("report", shop).output.split())
    assert "2 of 4 routes" in run("report", shop, "--markdown").output
    assert run("report", shop, "--coverage", "--markdown").exit_code == BadUsage.exit_code
