"""What a web app takes on by importing the hook."""

from __future__ import annotations

import subprocess
import sys

FOREIGN = "httpx aiohttp pydantic psycopg click rich tenacity anyio uvloop starlette fastapi flask django"


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_hook_loads_redis_and_orjson_and_nothing_else() -> None:
    loaded = run(f"import sys, darklaunch, darklaunch.testing; print(*set({FOREIGN.split()}) & set(sys.modules))")
    assert loaded == ""


def test_importing_and_installing_the_hook_starts_no_thread() -> None:
    program = """
import threading, darklaunch
darklaunch.CaptureMiddleware(lambda *_: None, redis_url="redis://127.0.0.1:1")
darklaunch.WSGICaptureMiddleware(lambda *_: None, redis_url="redis://127.0.0.1:1")
print(threading.active_count())
"""
    assert run(program) == "1"


def test_the_version_is_that_of_the_distribution() -> None:
    assert (
        run("import darklaunch, importlib.metadata as m; print(darklaunch.__version__ == m.version('darklaunch'))")
        == "True"
    )
