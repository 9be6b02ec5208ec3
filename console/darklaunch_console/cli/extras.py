"""The extra that installs what a command needs. This module must not import anything that an extra installs."""

from importlib.util import find_spec
from typing import Final

DASHBOARD_PORT: Final = 8787

EXTRAS: Final = {
    "worker": "workers",
    "comparator": "comparator",
    "migrate": "comparator",
    "up": "all",
    "demo": "all",
    "bench": "all",
    "dashboard": "dashboard",
}
"""Every other command needs `console`."""


def explain_missing_extra(command: str, module: str | None) -> str:
    """Return the message that names the extra to install for a command ("": none yet) that lacks a module."""
    extra = EXTRAS.get(command, "console")
    name = f"darklaunch {command}".rstrip()
    return f"`{name}` needs {module}, which is not installed. Install it: pip install 'darklaunch[{extra}]'"


def is_dashboard_installed() -> bool:
    """True if the packages are there that the dashboard needs."""
    return all(find_spec(module) for module in ("starlette", "uvicorn", "jinja2"))
