"""Which app a launch mirrors: the only one that is seen, or the one that is named."""

from darklaunch_shared import keys
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import call_script

from tests.support.cli import Cli, redis_client, unwrap
from tests.support.recorded import read_published


def test_a_launch_is_for_the_only_app_that_is_seen(cli, own_valkey, own_postgres_dsn, launch_name, nowhere):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    with redis_client(own_valkey.url) as redis:
        call_script(redis, heartbeat(keys.HOOKS, "one", {"app": "shop"}))
        call_script(redis, heartbeat(keys.HOOKS, "two", {"app": "shop"}))
        said = alone.run("start", launch_name, "--shadow", nowhere)
        assert "10 % of the GET, HEAD and OPTIONS requests of shop are mirrored" in unwrap(said.stdout)
        assert "2 app processes with the hook are listening." in unwrap(said.stdout)
        assert "no process of the app" not in said.stderr
        assert read_published(redis, launch_name).spec.app == "shop"
    found = alone.json("start", f"{launch_name}-2", "--shadow", nowhere)
    assert (found["hooks"], found["app"], found["apps"], found["shadow_answers"]) == (2, "shop", ["shop"], False)
    assert "app: shop" in alone.ok("show", launch_name)


def test_start_asks_for_the_app_by_name_where_several_are_seen(cli, own_valkey, own_postgres_dsn, launch_name, nowhere):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    with redis_client(own_valkey.url) as redis:
        for identity, app, framework in (
            ("a", "shop", "fastapi"),
            ("b", "shop", "fastapi"),
            ("c", "desk\x1b", "django"),
        ):
            call_script(redis, heartbeat(keys.HOOKS, identity, {"app": app, "framework": framework}))
        line = alone.error("start", launch_name, "--shadow", nowhere, code=1)
        assert "2 apps with the hook are on this Redis, and a launch mirrors one: " in line
        assert "shop (fastapi, 2 processes)" in line and "(django, 1 process)" in line and "\x1b" not in line
        assert line.endswith("Name the one that the shadow is a version of: --app NAME.")
        assert not redis.execute_command("EXISTS", keys.launch(launch_name))
        assert "of shop are mirrored" in alone.ok("start", launch_name, "--shadow", nowhere, "--app", "shop")
        assert read_published(redis, launch_name).spec.app == "shop"
    unseen = alone.run("start", f"{launch_name}-2", "--shadow", nowhere, "--app", "shpo")
    assert unseen.exit_code == 0
    assert "Warning: no process of the app shpo has been seen with the hook, only of " in unseen.stderr
    assert "--app" in alone.error("start", f"{launch_name}-3", "--shadow", nowhere, "--app", " x", code=2)


def test_start_says_when_no_app_listens(cli, own_valkey, own_postgres_dsn, launch_name, nowhere):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    said = unwrap(alone.ok("start", launch_name, "--shadow", nowhere))
    assert "No app with the hook is running on this Redis. Add it: app.add_middleware(" in said
    assert "requests of the first app that is seen are mirrored" in said
