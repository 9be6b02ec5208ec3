"""Which routes were judged, from what hooks publish to what is recorded of it."""

import json
from typing import Any

from darklaunch_comparator.coverage import RouteStanding, classify_routes
from darklaunch_comparator.evidence import OutcomeCounts
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.leader.route_tables import RouteTableSync
from darklaunch_comparator.store.route_tables import read_routes
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.route_registry import register_route_table
from darklaunch_shared.wire.route_table import RouteTable, pack_route_table, registry_field
from psycopg import Connection

SPEC = LaunchSpec("http://shadow", allow=("POST /search",), skip=("/admin/**",))
ROUTES = [
    ("GET", "/orders/{id}"),
    ("GET", "/items/{id}"),
    ("GET", "/bad"),
    ("*", "/pages/{path}"),
    ("GET", "/dead"),
    ("GET", "/new"),
    ("POST", "/search"),
    ("POST", "/orders"),
    ("GET", "/admin/users/{id}"),
]


def test_each_route_says_how_far_it_got_and_why_no_further() -> None:
    counts = {
        "GET /orders/{id}": OutcomeCounts(0, 0, 300),
        "HEAD /orders/{id}": OutcomeCounts(0, 0, 200),
        "GET /items/{id}": OutcomeCounts(0, 0, 100),
        "GET /bad": OutcomeCounts(40, 0, 60),
        "POST /pages/{path}": OutcomeCounts(0, 0, 300),
        "GET /pages/{path}": OutcomeCounts(0, 0, 300),
        "GET /dead": OutcomeCounts(),
        "GET {unmatched}": OutcomeCounts(0, 0, 9),
    }
    coverage = classify_routes(ROUTES, counts, SPEC, JudgePolicy(), omitted=2)
    assert {route.name: (route.standing, route.n) for route in coverage.routes} == {
        "GET /orders/{id}": (RouteStanding.JUDGED, 500),
        "GET /bad": (RouteStanding.JUDGED, 60),
        "/pages/{path}": (RouteStanding.JUDGED, 600),
        "GET /items/{id}": (RouteStanding.MIRRORED, 100),
        "GET /dead": (RouteStanding.UNCOMPARED, 0),
        "GET /new": (RouteStanding.UNSEEN, 0),
        "POST /search": (RouteStanding.UNSEEN, 0),
        "POST /orders": (RouteStanding.WRITE, 0),
        "GET /admin/users/{id}": (RouteStanding.LEFT_OUT, 0),
    }
    assert (coverage.judged, coverage.total, len(coverage.rest)) == (3, 11, 6)
    assert next(route.needed for route in coverage.rest if route.template == "/items/{id}") == 339
    assert not classify_routes([], {}, SPEC, JudgePolicy()).routes


def publish(redis: RedisClient, table: RouteTable) -> None:
    register_route_table(redis, table)


def test_published_tables_are_recorded_and_the_latest_count(connection: Connection[Any], redis: RedisClient) -> None:
    redis.execute_command("DEL", keys.ROUTES)
    copier = RouteTableSync(14)
    publish(
        redis,
        RouteTable.build(
            "shop",
            "flask",
            [("GET", "/a"), ("GET", "/b")],
        ),
    )
    publish(redis, RouteTable.build("desk", "django", [("*", "/a")]))
    copier.copy_tables(connection, redis)
    copier.copy_tables(connection, redis)
    assert read_routes(connection) == ([("*", "/a"), ("GET", "/a"), ("GET", "/b")], 0)
    assert read_routes(connection, "shop") == ([("GET", "/a"), ("GET", "/b")], 0)
    assert read_routes(connection, "desk") == ([("*", "/a")], 0)
    old = {"app": "shop", "framework": "flask"}
    connection.execute("UPDATE darklaunch.route_table SET seen_at = now() - interval '1 hour' WHERE app = %(app)s", old)
    publish(redis, RouteTable("shop", "flask", (("GET", "/c"),), omitted=3))
    RouteTableSync(14).copy_tables(connection, redis)
    connection.execute(
        "UPDATE darklaunch.route_table SET seen_at = now() - interval '1 hour' WHERE app = %(app)s AND omitted = 0", old
    )
    assert read_routes(connection) == ([("*", "/a"), ("GET", "/c")], 3), "its former version is gone"
    connection.execute("UPDATE darklaunch.route_table SET seen_at = now() - interval '15 days'")
    redis.execute_command("DEL", keys.ROUTES)
    copier.copy_tables(connection, redis)
    assert read_routes(connection) == ([], 0)


def test_damaged_tables_stop_no_other(connection: Connection[Any], redis: RedisClient) -> None:
    redis.execute_command("DEL", keys.ROUTES)
    strange = RouteTable("shop", "flask", (("GET", "/\x00\ud800"[:2]), ("G" * 500, "/" + "x" * 900)))
    publish(redis, strange)
    good = RouteTable.build("desk", "django", [("*", "/a")])
    for field, raw in (
        ("a", "not even seen"),
        ("b:1", b"1 {}"),
        ("other:field", b"1700000000000 " + pack_route_table(good)),
        (registry_field(good) + "x", b"1700000000000 " + pack_route_table(good)),
        ("c", json.dumps({"app": 1})),
    ):
        redis.execute_command("HSET", keys.ROUTES, field, raw)
    publish(redis, good)
    RouteTableSync(14).copy_tables(connection, redis)
    found, _ = read_routes(connection)
    assert ("*", "/a") in found and len(found) == 3
    redis.execute_command("HSET", keys.ROUTES, *(text for number in range(200) for text in (f"x:{number}", "1 {}")))
    RouteTableSync(14).copy_tables(connection, redis)
    redis.execute_command("DEL", keys.ROUTES)
