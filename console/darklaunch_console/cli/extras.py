"""Which extra brings what a command needs. Nothing is imported here that an extra brings."""

from typing import Final

EXTRAS: Final = {
    "worker": "workers",
    "comparator": "comparator",
    "migrate": "comparator",
    "up": "all",
    "demo": "all",
    "bench": "all",
}
"""Every other command needs `console`."""


def explain_missing_extra(command: str, module: str | None) -> str:
    """Say which extra to install for a command ("" for none) that lacks a module."""
    extra = EXTRAS.get(command, "console")
    who = f"`darklaunch {command}`" if command else "`darklaunch`"
    return f"{who} needs {module}, which is not installed. Install it: pip install 'darklaunch[{extra}]'"
