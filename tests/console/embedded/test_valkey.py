"""An embedded Valkey is ready once it takes commands, however much it has to load first."""

from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared.redis.client import connect

from tests.support.embedded import reachable_directory

COMMANDS = 15_000  # it replies to clients after each 1,024 commands that it has loaded
SLOW_TO_LOAD = ("key-load-delay 100",)  # µs a command


def test_a_kept_valkey_is_ready_only_when_its_data_is_loaded() -> None:
    with reachable_directory() as home:
        with embedded_valkey(keep=True, home=home) as valkey:
            client = connect(valkey.url, client_name="darklaunch-test")
            pipeline = client.pipeline(transaction=False)
            for number in range(COMMANDS):
                pipeline.execute_command("SET", f"key:{number}", number)
            pipeline.execute()
            client.close()
        with embedded_valkey(keep=True, home=home, extra=SLOW_TO_LOAD) as valkey:
            client = connect(valkey.url, client_name="darklaunch-test")
            assert client.execute_command("DBSIZE") == COMMANDS
            client.close()
