"""Start releases of the demo's shop as real servers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

SHOP = [sys.executable, "-m", "darklaunch_console.demo.shop"]
STOP_LIMIT_S = 60


@contextlib.contextmanager
def shop_server(version: str, directory: Path) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """Serve a release on a free port; yield its origin and its process. Its log is `<version>.log` in the directory."""
    options = ["--version", version, "--database", str(directory), "--log-file", str(directory / f"{version}.log")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKLAUNCH_")}
    process = subprocess.Popen(
        [*SHOP, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        assert line.startswith(f"shop {version} listens on http://127.0.0.1:"), process.stderr.read()
        yield line.split()[-1], process
    finally:
        process.terminate()
        try:
            _, errors = process.communicate(timeout=STOP_LIMIT_S)
            print(errors, file=sys.stderr)  # shown when the test fails
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
