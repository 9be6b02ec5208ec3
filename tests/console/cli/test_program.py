import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from darklaunch_console.cli.command_table import COMMANDS
from darklaunch_console.cli.extras import explain_missing_extra
from darklaunch_console.cli.program import program
from darklaunch_shared import keys

from tests.support.cli import Cli, closed_port, fields, redis_client

WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["darklaunch", *{arguments}]
from darklaunch_console.cli.main import main
main()
"""


@pytest.fixture
def offline(tmp_path):
    """The command line, with no server named."""
    return Cli(None, None, str(tmp_path))


def run_without(*missing: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the console script in an interpreter where these modules cannot be imported."""
    code = WITHOUT.format(missing=set(missing), arguments=arguments)
    environment = {name: value for name, value in os.environ.items() if name != "DARKLAUNCH_DEBUG"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)


def test_help_groups_the_commands(offline):
    said = offline.ok("--help")
    assert [line for line in said.splitlines() if line.endswith(":") and not line.startswith(" ")][1:] == [
        "Run it:", "Act on a launch:", "Look at the evidence:", "Look after the pipeline:",
    ]  # fmt: skip
    assert all(f"  {entry.name} " in said for entry in COMMANDS)
    assert "Exit codes: 0 done or yes, 1 failed or no, 2 wrong usage" in said


def test_without_a_command_help_is_shown(offline):
    assert offline.ok() == offline.ok("--help")
    assert "purge" in offline.ok("dead")


def test_version(offline):
    assert offline.ok("--version").startswith("darklaunch, version ")


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_is_there_with_its_help(entry, offline):
    command = program.get_command(click.Context(program), entry.name)
    assert command is not None and command.name == entry.name
    assert offline.ok(entry.name, "--help").startswith(f"Usage: darklaunch {entry.name} ")


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Return a command's help and that of each below it."""
    said = CliRunner().invoke(command, ["--help"], prog_name=f"darklaunch {name}")
    yield name, said.output
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from helps(each, f"{name} {below}")


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_help_fits_a_terminal_of_80_columns_and_breaks_nothing_off(entry):
    command = program.get_command(click.Context(program), entry.name)
    assert command is not None
    for name, said in helps(command, entry.name):
        usage, *lines = said.splitlines()
        assert len(usage) <= 80
        assert [line for line in lines if len(line) > 80 or line.endswith("...")] == [], name


def test_a_command_that_is_not_there_is_named_with_the_one_that_was_meant(offline):
    line = offline.error("strat", code=2)
    assert line == 'Error: there is no command "strat". Did you mean "start"? See darklaunch --help.'
    assert offline.error("xyzzy", code=2) == 'Error: there is no command "xyzzy". See darklaunch --help.'


def test_an_option_in_the_wrong_place_is_told_where_it_goes(offline):
    line = offline.error("backlog", "--redis", "redis://h", code=2)
    assert line.startswith("Error: No such option")
    assert line.endswith("Write it before the command: darklaunch --redis URL …")


def test_options_name_the_servers(cli, offline, launch_name):
    servers = ("--redis", cli.redis_url, "--database", cli.postgres_dsn)
    offline.ok(*servers, "start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    assert launch_name in offline.ok(*servers, "list")


@pytest.mark.parametrize(
    ("command", "extra"),
    [("worker", "workers"), ("comparator", "comparator"), ("demo", "all"), ("list", "console"), ("", "console")],
)
def test_each_command_names_its_extra(command, extra):
    said = explain_missing_extra(command, "click")
    assert said.endswith(f"which is not installed. Install it: pip install 'darklaunch[{extra}]'")


def test_the_base_installation_says_what_to_install():
    base = run_without("click", "rich", "psycopg", "httpx", "pydantic", "anyio", arguments=["list"])
    assert base.returncode == 1
    assert base.stderr == (
        "Error: `darklaunch list` needs click, which is not installed. Install it: pip install 'darklaunch[console]'\n"
    )


def test_a_worker_needs_no_database_driver():
    helped = run_without("psycopg", "rich", arguments=["worker", "--help"])
    assert helped.returncode == 0, helped.stderr


def test_one_command_whose_extra_is_missing_says_so_and_the_others_work():
    missing = run_without("httpx", "httpcore", "httptools", "anyio", arguments=["worker"])
    assert missing.returncode == 1
    (line,) = missing.stderr.splitlines()
    assert line.startswith("Error: `darklaunch worker` needs ")
    assert line.endswith("Install it: pip install 'darklaunch[workers]'.")
    assert run_without("httpx", "httpcore", "httptools", "anyio", arguments=["--help"]).returncode == 0


def test_a_real_command_fails_with_one_line_and_its_code(offline):
    done = subprocess.run(**offline.process("ramp", "checkout", "150"), timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("Error: the percentage must be between 0 and 100, got 150. See darklaunch ramp --help.\n")


def test_a_reader_that_leaves_is_no_failure_of_ours(cli, launch_name):
    cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    with subprocess.Popen(**cli.process("backlog")) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 141


def test_a_terminal_that_cannot_show_a_character_gets_its_escape(cli, launch_name):
    cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    options = cli.process("backlog", launch_name, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    done = subprocess.run(**options, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "\\u2013" in done.stdout


def test_colours_are_for_terminals_that_want_them(cli, launch_name):
    assert "\x1b" not in cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")


def test_ctrl_c_ends_with_130(cli, own_valkey, own_postgres_dsn, launch_name):
    alone = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    alone.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    with redis_client(own_valkey.url) as redis:
        redis.execute_command("XADD", keys.captures(launch_name), "*", *fields(launch_name, 1))
    with subprocess.Popen(**alone.process("drain", launch_name)) as process:
        assert process.stderr
        assert process.stderr.readline() == "Warning: no worker is running: start one with `darklaunch worker`.\n"
        assert process.stderr.readline().startswith("Warning: no comparator is running")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().splitlines()[-1] == "Interrupted."
