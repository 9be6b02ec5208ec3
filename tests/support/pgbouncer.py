"""The real PgBouncer before a test's Postgres."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.cli import closed_port

START_S = 20.0


def find_pgbouncer() -> str:
    """Return its path. Skips the test where there is none; fails it in CI, where it has to be installed."""
    path = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None and os.environ.get("CI"):
        pytest.fail("PgBouncer is not installed: apt-get install pgbouncer")
    if path is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    return path


@contextlib.contextmanager
def running_pgbouncer(dsn: str, *, pool_mode: str, pool_size: int = 5) -> Generator[str]:
    """Run a pooler before the database at `dsn`, and yield the URL of the same database behind it."""
    program, server, port = find_pgbouncer(), urlsplit(dsn), closed_port()
    name = server.path.strip("/")
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        config = Path(directory, "pgbouncer.ini")
        config.write_text(
            f"[databases]\n{name} = host={server.hostname} port={server.port} dbname={name} user={server.username} "
            f"password={unquote(server.password or '')}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n"
            f"pool_mode = {pool_mode}\ndefault_pool_size = {pool_size}\nquery_wait_timeout = 120\n"
        )
        Path(directory).chmod(0o755)
        config.chmod(0o644)
        user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
        process = subprocess.Popen([program, "-q", str(config)], user=user, stderr=subprocess.PIPE)
        try:
            _wait_until_ready(process, port)
            yield f"postgresql://{server.username}@127.0.0.1:{port}/{name}"
        finally:
            process.terminate()
            process.communicate(timeout=START_S)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_S
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
