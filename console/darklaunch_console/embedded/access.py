"""What a kept server remembers between runs: its password and its last port, so that its URL stays the same."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import EmbeddedError


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """How to reach a server: password and port; port 0 means that none was chosen yet."""

    password: str
    port: int = 0


def read_access(path: Path) -> ServerAccess:
    """Return what was remembered in `path`, or a new random password. Raises EmbeddedError when it is not readable."""
    try:
        remembered = json.loads(path.read_bytes())
        return ServerAccess(str(remembered["password"]), int(remembered["port"]))
    except FileNotFoundError:
        return ServerAccess(secrets.token_urlsafe(24))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddedError(
            f"Cannot read the password of the embedded server in {path}: {error!r}. Repair the file, "
            f"or move {path.parent} away to start with empty servers."
        ) from error


def write_access(path: Path, access: ServerAccess) -> None:
    """Write to `path`, for our eyes only, all or nothing."""
    write_private(path, json.dumps(asdict(access)).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, all or nothing."""
    staging = path.with_name(f"{path.name}.new")
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    staging.rename(path)
