"""`darklaunch redis-cli` sends one command and prints the reply."""

from tests.support.cli import Cli


def test_a_command_is_sent_with_its_arguments_as_they_are(cli: Cli, launch_name: str) -> None:
    key = f"dl:test:{launch_name}"
    assert cli.ok("redis-cli", "RPUSH", key, "-1", "a b", "{x}") == "3\n"
    assert cli.ok("redis-cli", "LRANGE", key, "0", "-1") == "-1\na b\n{x}\n"
    assert cli.ok("redis-cli", "DEL", key) == "1\n"


def test_what_redis_refuses_is_printed_with_exit_code_1(cli: Cli) -> None:
    result = cli.run("redis-cli", "NOSUCHCOMMAND")
    assert result.exit_code == 1
    assert "unknown command" in result.stdout


def test_without_a_command_it_says_how_to_use_it(cli: Cli) -> None:
    assert "Missing argument 'COMMAND [ARGUMENT]...'" in cli.error("redis-cli", code=2)
