import json

import pytest
from darklaunch_comparator.rules import load_rules
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.cli import closed_port, fields, http_server, unwrap
from tests.support.recorded import read_published, read_recorded


def revision(redis):
    return int(redis.execute_command("GET", keys.REVISION))


def test_start_records_publishes_and_says_what_is_mirrored(cli, redis, launch_name):
    with http_server() as shadow:
        printed = cli.ok("start", launch_name, "--shadow", shadow.url)
    assert all(len(line) <= 80 for line in printed.splitlines())
    said = unwrap(printed)
    methods = "the GET, HEAD and OPTIONS requests of the first app that is seen"
    assert said.startswith(f"{launch_name} is active: 10 % of {methods} are mirrored to {shadow.url} ")
    assert "Shadow responds (HTTP 200 in " in said
    assert "Writes are not mirrored (allow one with --allow 'POST /path')." in said
    assert said.endswith(f"Next: darklaunch watch {launch_name}")
    assert "x-darklaunch-exchange" in shadow.seen[0]
    seen = read_published(redis, launch_name)
    assert (seen.status, seen.percent, seen.hold) == (LaunchStatus.ACTIVE, 10.0, False)
    assert (seen.spec.compare, seen.spec.max_latency_diff_ms, seen.spec.max_age_s) == (True, 2000.0, 300.0)
    state, (event,) = read_recorded(cli, launch_name)
    assert state == seen
    assert event.act == "started"
    assert "@" in event.actor


def test_start_says_who_is_asked_a_second_time(cli, redis, launch_name, nowhere):
    with http_server() as control:
        told = ("--shadow", nowhere, "--control", control.url)
        said = unwrap(cli.run("start", launch_name, *told, "--noise", "25").stdout)
        assert "Control responds (HTTP 200 in " in said
        assert f"To learn what is noise, 25 % of the reads go to the control {control.url} as well." in said
        assert "x-darklaunch-exchange" in control.seen[0]
        spec = read_published(redis, launch_name).spec
        assert (spec.control, spec.noise_percent) == (control.url, 25.0)
        assert cli.json("start", f"{launch_name}-j", *told)["control_answers"] is True
    away = cli.run("start", f"{launch_name}-2", *told)
    assert f"Warning: the control {control.url} refuses the connection." in away.stderr
    assert away.exit_code == 0
    alone = cli.ok("start", f"{launch_name}-3", "--shadow", nowhere)
    assert "To learn what is noise, 10 % of the reads go to the shadow a second time." in alone
    assert "noise" not in cli.ok("start", f"{launch_name}-4", "--shadow", nowhere, "--noise", "0")
    assert "noise" not in cli.ok("start", f"{launch_name}-5", "--shadow", nowhere, "--no-compare")


def test_start_takes_everything_it_is_told(cli, redis, launch_name, nowhere):
    options = (
        "--percent 0.5 --allow POST\0/search --only /api/** --skip /api/health --max-latency-diff 1500ms "
        "--sticky header:X-User --ignore $.at --ignore header:etag --no-compare --max-rps 20 --max-age 5m "
        "--host preserve --shards 3 --build-header X-Version --reason because"
    )
    arguments = [word.replace("\0", " ") for word in options.split()]
    said = cli.ok("start", launch_name, "--shadow", nowhere, *arguments)
    assert "Writes are not mirrored" not in said
    state = read_published(redis, launch_name)
    spec = state.spec
    assert (state.percent, spec.allow, spec.only, spec.skip) == (0.5, ("POST /search",), ("/api/**",), ("/api/health",))
    assert (spec.max_latency_diff_ms, spec.sticky, spec.compare) == (1500.0, "header:x-user", False)
    assert (spec.max_rps, spec.max_age_s) == (20.0, 300.0)
    assert [(rule.path, rule.reason) for rule in load_rules(spec.rules).ignore] == [
        ("$.at", "because"),
        ("header:etag", "because"),
    ]
    assert (spec.host, spec.shards, spec.build_header) == ("preserve", 3, "x-version")
    assert read_recorded(cli, launch_name)[1][0].reason == "because"


def test_start_warns_of_a_shadow_that_does_not_answer(cli, launch_name, nowhere):
    result = cli.run("start", launch_name, "--shadow", nowhere)
    assert result.exit_code == 0
    assert f"Warning: the shadow {nowhere} refuses the connection." in result.stderr
    assert result.stdout.startswith(f"{launch_name} is active, but its shadow refuses the connection: ")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--shadow", "10.0.0.1:80"], 2, "the shadow URL '10.0.0.1:80' must start with http:// or https://"),
        (["--shadow", "ftp://h"], 2, "the shadow URL 'ftp://h' must start with http:// or https://"),
        (["--shadow", "http://me:pw@h"], 2, "the shadow URL must not contain a user name or password"),
        (["--shadow", "http://h/path"], 2, "must end after the host and port"),
        (["--shadow", "http://169.254.169.254"], 1, "169.254.169.254 is in 169.254.0.0/16"),
        (["--shadow", "http://[fe80::1]"], 1, "must not be called: fe80::1 is in fe80::/10"),
        (["--shadow", "http://h", "--control", "h:1"], 2, "the control URL 'h:1' must start with http:// or https://"),
        (["--shadow", "http://h", "--control", "http://h/p"], 2, "the control URL 'http://h/p' must end after the"),
        (["--shadow", "http://127.0.0.1:9", "--control", "http://[fe80::1]"], 1, "the control http://[fe80::1] must"),
        (
            ["--shadow", "http://127.0.0.1:9", "--control", "http://127.0.0.1:9/"],
            1,
            "the control http://127.0.0.1:9 is",
        ),
        (["--shadow", "http://h", "--noise", "101"], 2, "the percentage must be between 0 and 100, got 101."),
        (["--shadow", "http://h", "--control", "http://c", "--noise", "0"], 2, "--noise 0 turns that off"),
        (["--shadow", "http://h", "--control", "http://c", "--no-compare"], 2, "--no-compare turns that off"),
        (["--shadow", "http://h", "--percent", "150"], 2, "the percentage must be between 0 and 100, got 150."),
        (["--shadow", "http://h", "--percent", "ten"], 2, "'ten' is not a percentage"),
        (["--shadow", "http://h", "--max-latency-diff", "2000"], 2, "'2000' has no unit: write 2000ms, 2s"),
        (["--shadow", "http://h", "--max-latency-diff", "2h"], 2, "2h is not between 1ms and 600s"),
        (["--shadow", "http://h", "--max-age", "soon"], 2, "'soon' is not a duration"),
        (["--shadow", "http://h", "--sticky", "user"], 2, "--sticky 'user' names no sampling key: write header:NAME"),
        (["--shadow", "http://h", "--allow", "POST"], 2, "'POST' does not allow anything"),
        (["--shadow", "http://h", "--only", "api"], 2, "'api' is not a path pattern: start with /"),
        (["--shadow", "http://h", "--ignore", "$..["], 2, "--ignore: "),
        (["--shadow", "http://h", "--max-rps", "-1"], 2, "--max-rps"),
        (["--shadow", "http://h", "--max-rps", "inf"], 2, "--max-rps must be a number"),
        (["--shadow", "http://h", "--shards", "0"], 2, "--shards"),
        (["--shadow", "http://h", "--host", "http://mine"], 2, "--host"),
        ([], 2, "Missing option '--shadow'. See darklaunch start --help."),
    ],
)
def test_start_refuses_what_cannot_be_meant(cli, redis, launch_name, arguments, code, said):
    line = cli.error("start", launch_name, *arguments, code=code)
    assert line.startswith("Error: ")
    assert said in line
    assert not redis.execute_command("EXISTS", keys.launch(launch_name))


def test_a_metadata_address_may_be_meant(cli, redis, launch_name):
    line = cli.error("start", launch_name, "--shadow", "http://169.254.10.10:9", code=1)
    assert "If it is meant, add --allow-private-metadata." in line
    cli.ok("start", launch_name, "--shadow", "http://127.0.0.1:9", "--allow-private-metadata")
    assert read_published(redis, launch_name).spec.allow_metadata


@pytest.mark.parametrize("name", ["Checkout", "-x", "a b", "x" * 64, "ä"])
def test_a_bad_name_says_what_a_name_is(cli, name, nowhere):
    line = cli.error("start", "--shadow", nowhere, "--", name, code=2)
    assert "cannot name a launch: use 1 to 63 lower-case letters, digits and hyphens" in line


def test_the_primary_itself_is_no_shadow(cli, redis, launched):
    port = closed_port()
    stream = keys.captures(launched)
    redis.execute_command("XADD", stream, "*", *fields(launched, 1, origin=f"http://localhost:{port}"))
    line = cli.error("start", f"{launched}-2", "--shadow", f"http://127.0.0.1:{port}", code=1)
    assert line == (
        f"Error: the shadow http://127.0.0.1:{port} is the primary itself: requests are captured at "
        f"http://localhost:{port}. Name the address of the version under test."
    )
    other = ("--shadow", f"http://127.0.0.1:{closed_port()}", "--control", f"http://127.0.0.1:{port}")
    line = cli.error("start", f"{launched}-2", *other, code=1)
    assert f"the control http://127.0.0.1:{port} is the primary itself" in line
    assert "Name the address of a second instance of the primary's version." in line


def test_starting_again_says_what_to_do_instead(cli, launched, nowhere):
    again = ("start", launched, "--shadow", nowhere)
    line = cli.error(*again, code=1)
    assert f'there is a launch "{launched}" already, active at 10 %' in line
    assert f"`darklaunch ramp {launched} PERCENT`" in line
    cli.ok("pause", launched)
    assert f"already, paused; it mirrors to {nowhere}. Go on with it: `darklaunch resume" in cli.error(*again, code=1)


def test_a_new_record_overtakes_what_redis_still_carries(cli, redis, launch_name, nowhere):
    spec = json.dumps({"shadow": "http://old"})
    values = ("revision", 9_000_000, "status", "rolled_back", "percent", 5, "spec", spec, "hold", 1)
    redis.execute_command("HSET", keys.launch(launch_name), *values)
    cli.ok("start", launch_name, "--shadow", nowhere)
    state = read_published(redis, launch_name)
    assert (state.revision, state.status, state.hold) == (9_000_001, LaunchStatus.ACTIVE, False)
