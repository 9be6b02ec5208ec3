"""The extra that a command lacks is named with what to type."""

import pytest
from darklaunch_console.cli.extras import explain_missing_extra


@pytest.mark.parametrize(
    ("command", "name", "extra"),
    [
        ("worker", "darklaunch worker", "workers"),
        ("report", "darklaunch report", "console"),
        ("", "darklaunch", "console"),
    ],
)
def test_the_message_names_command_module_and_extra(command: str, name: str, extra: str) -> None:
    assert explain_missing_extra(command, "redis") == (
        f"`{name}` needs redis, which is not installed. Install it: pip install 'darklaunch[{extra}]'"
    )
