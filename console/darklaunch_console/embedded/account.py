"""The user a server runs as: ourselves, or an unprivileged one when we are root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from .errors import EmbeddedError


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """A user and its group; `drop` says that we are root and the server must become this user."""

    uid: int
    gid: int
    drop: bool

    def may(self, want: int, path: Path) -> bool:
        """Return whether this user may `want` (os.R_OK, W_OK, X_OK, added up); by the mode bits if it is not us."""
        if not self.drop:
            return os.access(path, want)
        status = path.stat()
        if status.st_uid == self.uid:
            granted = status.st_mode >> 6
        elif status.st_gid == self.gid:
            granted = status.st_mode >> 3
        else:
            granted = status.st_mode
        return granted & want == want

    def obstacle(self, directory: Path) -> Path | None:
        """Return the topmost directory on the way that cannot be traversed, or None."""
        real = directory.resolve()
        return next((step for step in (*reversed(real.parents), real) if not self.may(os.X_OK, step)), None)

    def own(self, path: Path) -> None:
        """Change the owner of a file or directory to this user, if it is another than ours. Raises EmbeddedError."""
        if not self.drop:
            return
        try:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        except OSError as error:
            raise EmbeddedError(
                f"Postgres refuses to run as root, and this root cannot give {path} to uid {self.uid}: {error}. "
                "Run as an ordinary user, or set REDIS_URL and DATABASE_URL."
            ) from error


def server_account() -> ServerAccount:
    """Return the user the servers run as.

    initdb needs an entry in the user database and refuses root: root gives way to `nobody`, or to any other
    unprivileged user there is. Nothing is created or changed.
    """
    if os.geteuid() != 0:
        return ServerAccount(os.geteuid(), os.getegid(), drop=False)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        others = [entry for entry in pwd.getpwall() if entry.pw_uid > 0 and entry.pw_gid > 0]
        if not others:
            raise EmbeddedError(
                "Postgres refuses to run as root, and this machine knows no other user. "
                "Run as an ordinary user, or set REDIS_URL and DATABASE_URL."
            ) from None
        entry = max(others, key=lambda entry: entry.pw_uid)
    return ServerAccount(entry.pw_uid, entry.pw_gid, drop=True)
