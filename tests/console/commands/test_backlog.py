from darklaunch_console.launches.backlog_text import render_consumers
from darklaunch_console.stores.consumers import StreamConsumer, read_consumers
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord, heartbeat
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_workers import settings as worker_settings
from darklaunch_workers.run import _describe as describe_worker

from tests.support.cli import Cli, closed_port, fields, redis_client


def test_what_waits_is_shown(cli, launch_name):
    cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    with redis_client(cli.redis_url) as redis:
        for number in range(3):
            redis.execute_command("XADD", keys.captures(launch_name), "*", *fields(launch_name, number))
        redis.execute_command("XGROUP", "CREATE", keys.captures(launch_name), "workers", "0")
        taken = ("XREADGROUP", "GROUP", "workers", "c", "COUNT", 1, "STREAMS", keys.captures(launch_name), ">")
        redis.execute_command(*taken)
    (row,) = cli.json("backlog", launch_name)["launches"]
    assert (row["launch"], row["waiting"], row["in_flight"], row["status"]) == (launch_name, 2, 1, "active")
    assert row["oldest_s"] >= 1.0
    said = cli.ok("backlog", launch_name).splitlines()
    assert said[0].startswith("2 exchanges wait for a worker, 1 in flight, 0 to compare; the oldest ")
    assert said[2].split()[:3] == ["waiting", "in", "flight"]
    assert said[3] == launch_name
    assert said[4].split()[:4] == ["2", "1", "0", "0"]


def test_who_holds_what_is_shown_the_dead_too(own_valkey, own_postgres_dsn, cli):
    """One worker is alive and holds two, one is gone and holds one, one has read nothing yet."""
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    alone.ok("start", "shop", "--shadow", f"http://127.0.0.1:{closed_port()}")
    stream = keys.captures("shop")
    with redis_client(own_valkey.url) as redis:
        redis.execute_command("XGROUP", "CREATE", stream, "workers", "0", "MKSTREAM")
        for number in range(3):
            redis.execute_command("XADD", stream, "*", *fields("shop", number))
        for name, number in (("alive", 2), ("gone\x1b", 1)):
            redis.execute_command("XREADGROUP", "GROUP", "workers", name, "COUNT", number, "STREAMS", stream, ">")
        about = {"breaker": "open", "failing_endpoints": ["GET /hang", "GET /\x1b"]}
        call_script(redis, heartbeat(keys.WORKERS, "alive", {"launches": {"shop": about}}))
        call_script(redis, heartbeat(keys.WORKERS, "new", {"launches": "?"}))
    result = alone.run("backlog")
    said = result.stdout.splitlines()
    assert said[0].startswith("0 exchanges wait for a worker, 3 in flight, 0 to compare")
    assert [line.split() for line in said[5:9]] == [
        ["process", "in", "flight", "idle"],
        ["alive", "worker", "2", *said[6].split()[3:]],
        ["gone\\x1b", "worker", "1", *said[7].split()[3:5], "gone"],
        ["new", "worker", "0", "–"],
    ]
    assert said[9:] == ["What a gone process had in flight, others take over when its lease ends."]
    assert all(len(line) <= 80 for line in said)
    assert "the shadow of shop does not answer" in result.stderr
    assert "2 endpoints of shop got no response from the shadow, again and again" in result.stderr
    assert "GET /\\x1b, GET /hang" in result.stderr
    told = alone.json("backlog", "shop")["consumers"]
    assert [(one["name"], one["in_flight"], one["alive"], one["breaker"]) for one in told] == [
        ("alive", 2, True, "open"), ("gone\x1b", 1, False, ""), ("new", 0, True, ""),
    ]  # fmt: skip


def test_nothing_on_its_way_is_said(own_valkey, own_postgres_dsn, cli):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    alone.ok("start", "off", "--shadow", f"http://127.0.0.1:{closed_port()}")
    alone.ok("pause", "off")
    said = alone.ok("backlog").splitlines()
    assert said[0] == "Nothing is in progress."
    assert said[3].split() == ["off", "(paused)", "0", "0", "0", "0", "–", "0", "0"]


def test_without_launches_it_says_how_to_begin(own_valkey, cli):
    alone = Cli(own_valkey.url, None, cli.home)
    assert alone.ok("backlog").startswith("There is no launch yet: start one with")
    assert alone.json("backlog")["launches"] == []


def test_an_unknown_launch_is_named(cli):
    assert 'there is no launch "nobodys"' in cli.error("backlog", "nobodys", code=1)


def test_a_process_is_shown_by_the_name_it_was_given():
    named = StreamConsumer("shop", "worker", "pod-7-1-0a1b2c", 1, 2.0, True, "closed", label="replayer-a (7)")
    (line,) = [line for line in render_consumers([named]) if "worker" in line]
    assert line.split()[:2] == ["replayer-a", "(7)"]


def test_the_name_of_a_worker_reaches_its_heartbeat_and_that_of_its_children(redis_url):
    settings = worker_settings.read_settings({"DARKLAUNCH_WORKER_NAME": "replayer-a", "REDIS_URL": redis_url})
    assert worker_settings.read_settings(worker_settings.as_environment(settings)).name == "replayer-a"
    assert describe_worker(settings, {})["name"] == "replayer-a"
    process = ProcessRecord("pod-7-1-0a", 0, {"pid": 7, **describe_worker(settings, {})})
    with redis_client(redis_url) as redis:
        state = LaunchState("named", LaunchStatus.ACTIVE, 10, False, 1, LaunchSpec("http://h"))
        (consumer,) = read_consumers(redis, [state], [process], [])
    assert consumer.label == "replayer-a (7)"
