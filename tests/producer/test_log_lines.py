"""What the hook writes to the app's log says whose line it is, also where a format leaves the logger's name out."""

import ast
from pathlib import Path

import darklaunch
import pytest

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def find_messages(path: Path) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        ast.literal_eval(call.args[0])
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in LEVELS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
    ]


MESSAGES = [
    message for path in sorted(Path(darklaunch.__file__).parent.rglob("*.py")) for message in find_messages(path)
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_log_line_of_the_hook_names_darklaunch(message: str) -> None:
    assert message.startswith("darklaunch ")


def test_the_messages_were_found() -> None:
    assert len(MESSAGES) > 10
