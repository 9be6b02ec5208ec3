import importlib
import json

import psycopg
import pytest
from darklaunch_comparator.rules import load_rules
from darklaunch_comparator.store.launches import LaunchAct, get_launch, list_events, update_launch
from darklaunch_console.launches.change import find_launch
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus, parse_state
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import Cli, closed_port, fields, http_server, redis_client, unwrap

RAMP = importlib.import_module("darklaunch_console.commands.ramp")


def copy(redis, name):
    """Give what hooks and workers see."""
    return parse_state(name, pair_fields(redis.execute_command("HGETALL", keys.launch(name))))


def recorded(cli, name):
    """Give the recorded state, and the acts, the first first."""
    with psycopg.connect(cli.postgres_dsn) as connection:
        return get_launch(connection, name).state, list_events(connection, name)[::-1]


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
    seen = copy(redis, launch_name)
    assert (seen.status, seen.percent, seen.hold) == (LaunchStatus.ACTIVE, 10.0, False)
    assert (seen.spec.compare, seen.spec.max_latency_diff_ms, seen.spec.max_age_s) == (True, 2000.0, 300.0)
    state, (event,) = recorded(cli, launch_name)
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
        spec = copy(redis, launch_name).spec
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
    state = copy(redis, launch_name)
    spec = state.spec
    assert (state.percent, spec.allow, spec.only, spec.skip) == (0.5, ("POST /search",), ("/api/**",), ("/api/health",))
    assert (spec.max_latency_diff_ms, spec.sticky, spec.compare) == (1500.0, "header:x-user", False)
    assert (spec.max_rps, spec.max_age_s) == (20.0, 300.0)
    assert [(rule.path, rule.reason) for rule in load_rules(spec.rules).ignore] == [
        ("$.at", "because"),
        ("header:etag", "because"),
    ]
    assert (spec.host, spec.shards, spec.build_header) == ("preserve", 3, "x-version")
    assert recorded(cli, launch_name)[1][0].reason == "because"


def test_start_warns_of_a_shadow_that_does_not_answer(cli, launch_name, nowhere):
    result = cli.run("start", launch_name, "--shadow", nowhere)
    assert result.exit_code == 0
    assert f"Warning: the shadow {nowhere} refuses the connection." in result.stderr
    assert result.stdout.startswith(f"{launch_name} is active, but its shadow refuses the connection: ")


def test_a_launch_is_for_the_only_app_that_is_seen(cli, own_valkey, own_postgres_dsn, launch_name, nowhere):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    with redis_client(own_valkey.url) as redis:
        call_script(redis, heartbeat(keys.HOOKS, "one", {"app": "shop"}))
        call_script(redis, heartbeat(keys.HOOKS, "two", {"app": "shop"}))
        said = alone.run("start", launch_name, "--shadow", nowhere)
        assert "10 % of the GET, HEAD and OPTIONS requests of shop are mirrored" in unwrap(said.stdout)
        assert "2 app processes with the hook are listening." in unwrap(said.stdout)
        assert "no process of the app" not in said.stderr
        assert copy(redis, launch_name).spec.app == "shop"
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
        assert copy(redis, launch_name).spec.app == "shop"
    unseen = alone.run("start", f"{launch_name}-2", "--shadow", nowhere, "--app", "shpo")
    assert unseen.exit_code == 0
    assert "Warning: no process of the app shpo has been seen with the hook, only of " in unseen.stderr
    assert "--app" in alone.error("start", f"{launch_name}-3", "--shadow", nowhere, "--app", " x", code=2)


def test_start_says_when_no_app_listens(cli, own_valkey, own_postgres_dsn, launch_name, nowhere):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    said = unwrap(alone.ok("start", launch_name, "--shadow", nowhere))
    assert "No app with the hook is running on this Redis. Add it: app.add_middleware(" in said
    assert "requests of the first app that is seen are mirrored" in said


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
    assert copy(redis, launch_name).spec.allow_metadata


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
    state = copy(redis, launch_name)
    assert (state.revision, state.status, state.hold) == (9_000_001, LaunchStatus.ACTIVE, False)


def test_ramp_changes_the_share(cli, redis, launched, nowhere):
    before = revision(redis)
    said = cli.ok("ramp", launched, "25%", "--reason", "looks good").splitlines()
    assert said[0].startswith(f"{launched} is at 25 %, was 10 %: 25 % of the GET, HEAD and OPTIONS requests")
    assert copy(redis, launched).percent == 25.0
    assert revision(redis) > before
    state, events = recorded(cli, launched)
    assert state.percent == 25.0
    assert (events[-1].act, events[-1].reason) == ("ramped", "looks good")
    assert events[-1].data == {"percent": {"from": 10.0, "to": 25.0}}


def test_ramping_to_the_same_share_changes_nothing(cli, launched):
    assert cli.ok("ramp", launched, "10") == f"{launched} is at 10 % already.\n"
    assert cli.json("ramp", launched, "10")["changed"] is False
    assert len(recorded(cli, launched)[1]) == 1


def test_ramping_a_paused_launch_says_that_nothing_is_mirrored(cli, launched):
    cli.ok("pause", launched)
    said = unwrap(cli.ok("ramp", launched, "50"))
    assert "is at 50 %, was 10 %. It is paused: nothing is mirrored until it is resumed." in said


@pytest.mark.parametrize("percent", ["150", "-3"])
def test_a_percentage_out_of_range_is_refused(cli, launched, percent):
    line = cli.error("ramp", "--", launched, percent, code=2)
    assert line.startswith(f"Error: the percentage must be between 0 and 100, got {percent}.")


def test_pause_and_resume(cli, redis, launched):
    assert cli.ok("pause", launched).startswith(f"{launched} is paused: within a second nothing is mirrored")
    assert copy(redis, launched).status is LaunchStatus.PAUSED
    assert copy(redis, launched).fraction == 0
    assert cli.ok("pause", launched) == f"{launched} is paused already: nothing is mirrored.\n"
    assert cli.ok("resume", launched).startswith(f"{launched} is active again: 10 % of")
    assert copy(redis, launched).fraction == 0.1
    assert cli.ok("resume", launched).startswith(f"{launched} is active already: 10 % of")
    assert [event.act for event in recorded(cli, launched)[1]] == ["started", "paused", "resumed"]


def test_pausing_without_postgres_says_what_stops_without_it(cli, launched):
    without = Cli(cli.redis_url, f"postgresql://127.0.0.1:{closed_port()}/gone", cli.home)
    line = without.error("pause", launched, code=3)
    assert line.startswith("Error: Postgres at 127.0.0.1:")
    assert line.endswith(f"Without it, `darklaunch rollback {launched}` stops mirroring.")


def test_a_change_meanwhile_is_not_overwritten(cli, launched, monkeypatch):
    def find_and_be_overtaken(redis, connection, name):
        before = find_launch(redis, connection, name)
        with psycopg.connect(cli.postgres_dsn) as another:
            update_launch(another, name, LaunchAct("judge", "ramped"), percent=50)
        return before

    monkeypatch.setattr(RAMP, "find_launch", find_and_be_overtaken)
    line = cli.error("ramp", launched, "5", code=1)
    assert line.startswith(f"Error: somebody else changed {launched} at the same moment. Look with")
    assert recorded(cli, launched)[0].percent == 50


def test_resume_lifts_a_hold_that_was_set_with_redis_cli(cli, redis, launched):
    redis.execute_command("HSET", keys.launch(launched), "hold", 1)
    said = cli.ok("resume", launched)
    assert "It was held." in said
    assert not copy(redis, launched).hold


def test_promote_ends_a_launch(cli, redis, launched, nowhere):
    assert "nothing of it has been judged yet" in cli.error("promote", launched, code=1)
    said = cli.ok("promote", launched, "--anyway", "--reason", "tried by hand")
    assert said.startswith(f"{launched} is promoted: within a second nothing is mirrored any more.")
    assert f"Now send users to {nowhere}" in unwrap(said)
    assert copy(redis, launched).status is LaunchStatus.PROMOTED
    assert cli.ok("promote", launched) == f"{launched} is promoted already: nothing is mirrored.\n"


def test_every_act_answers_in_json(cli, launched, nowhere):
    for command, status in (
        (["pause"], "paused"),
        (["resume"], "active"),
        (["promote", "--anyway", "--reason", "tried by hand"], "promoted"),
        (["rollback"], "rolled_back"),
    ):
        told = cli.json(command[0], launched, *command[1:])
        assert told["launch"] == launched
        assert (told["status"], told["changed"], told["shadow"]) == (status, True, nowhere)


@pytest.mark.parametrize("command", [["pause"], ["resume"], ["promote"], ["rollback"], ["drain"], ["audit"]])
def test_a_launch_that_is_not_there_is_named_with_the_one_that_was_meant(cli, launched, command):
    line = cli.error(*command, launched[:-1], code=1)
    assert line == f'Error: there is no launch "{launched[:-1]}". Did you mean "{launched}"?'


def test_a_launch_that_only_redis_has_is_not_changed(cli, redis, launch_name):
    spec = json.dumps({"shadow": "http://old"})
    values = ("revision", 3, "status", "active", "percent", 5, "spec", spec)
    redis.execute_command("HSET", keys.launch(launch_name), *values)
    line = cli.error("pause", launch_name, code=1)
    assert "is on this Redis, but not in this Postgres" in line
    assert f"`darklaunch rollback {launch_name}` stops it." in line


def test_build_names_the_shadows_version_and_keeps_the_event(cli, redis, launched):
    said = cli.ok("build", launched, "v41", "--reason", "a configuration changed").splitlines()
    assert said[0] == f"{launched}'s shadow is called v41 from now on."
    assert cli.json("build", launched, "v42")["build"] == "v42"
    assert copy(redis, launched).spec.build == "v42"
    assert "already" in cli.ok("build", launched, "v42")
    *_, first, second = recorded(cli, launched)[1]
    assert (first.act, first.reason, first.data["build"]) == (
        "build_named",
        "a configuration changed",
        {"from": "", "to": "v41"},
    )
    assert second.data["build"] == {"from": "v41", "to": "v42"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("build", "NAME", 'v"42'), "cannot name a build: use 1 to 100 printable ASCII characters"),
        (("build", "NAME", ""), "cannot name a build"),
        (("start", "other", "--shadow", "http://a", "--build-header", "X-Version:"), "is no header's name"),
    ],
)
def test_a_build_that_cannot_be_one_is_refused(cli, launched, arguments, named):
    result = cli.run(*(launched if each == "NAME" else each for each in arguments))
    assert result.exit_code == 2
    assert named in result.stderr


def test_what_the_shadow_gets_is_declared_and_shown(cli, redis, launch_name, nowhere):
    changes = ("--set-header", "Authorization=Bearer @env:SHADOW_TOKEN", "--remove-header", "X-Internal")
    cli.ok("start", launch_name, "--shadow", nowhere, *changes, "--path-prefix", "/v2", "--host", "api.internal")
    spec = copy(redis, launch_name).spec
    assert (spec.set_headers, spec.remove_headers) == (("Authorization=Bearer @env:SHADOW_TOKEN",), ("X-Internal",))
    shown = unwrap(cli.ok("show", launch_name))
    for setting in (
        "set headers: Authorization=Bearer @env:SHADOW_TOKEN",
        "remove headers: X-Internal",
        "path prefix: /v2",
        "host: api.internal",
    ):
        assert setting in shown


def test_a_credential_is_refused_by_value(cli, launch_name, nowhere):
    result = cli.run("start", launch_name, "--shadow", nowhere, "--set-header", "Authorization=Bearer s3cret")
    assert result.exit_code != 0
    assert "a credential is not stored with the launch" in result.stderr
    assert "s3cret" not in result.output
