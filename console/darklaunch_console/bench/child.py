"""One contender in a process of its own: the user's app, bare or behind the hook.

    python -m darklaunch_console.bench.child JSON

Reads the number of calls from each line of stdin and writes a line of JSON with their times to stdout. What the app
itself prints goes to stderr.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.recorders import list_recorders

from darklaunch_console.errors import ConsoleError

from .app_driver import ASGI, AppDidNotRespond, AppDriver, RepeatedRequest, detect_interface, make_driver

READY_LIMIT_S: Final = 10.0

T = TypeVar("T")


class UnusableApp(ConsoleError):
    """The app cannot be loaded; the message says why and what to do."""


def load_app(path: str, directory: str) -> Any:
    """Import `module:attribute` from a directory. Raises UnusableApp."""
    name, _, attribute = path.partition(":")
    sys.path.insert(0, str(Path(directory).resolve()))
    try:
        found: Any = import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name and (name == missing.name or name.startswith(f"{missing.name}.")):
            raise UnusableApp(
                f"there is no module {missing.name!r} in {Path(directory).resolve()}; set --app-dir"
            ) from None
        raise UnusableApp(f"importing {name!r} failed: there is no module {missing.name!r}") from None
    except Exception as error:
        raise UnusableApp(f"importing {name!r} failed: {type(error).__name__}: {error}") from None
    for part in (attribute or "app").split("."):
        if not hasattr(found, part):
            raise UnusableApp(f"{name!r} has no {attribute or 'app'!r}; write MODULE:APP, as in shop.main:app")
        found = getattr(found, part)
    if not callable(found):
        raise UnusableApp(f"{path!r} is {found!r:.60}, not a web app")
    return found


def main(request: dict[str, Any]) -> None:
    """Serve calls until stdin ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.getLogger("darklaunch").setLevel(logging.ERROR)  # a hook that the app has already finds no Redis here
    try:
        driver, interface = _make_driver(request)
        response = _call_app(driver.request_once, request)
        _wait_for_launch(request)
        print(
            json.dumps({"interface": interface, "status": response.status, "bytes": response.body_bytes}), file=replies
        )
        replies.flush()
        for line in sys.stdin:
            _call_app(partial(_run, driver, int(line), replies), request)
        driver.close()
    except (UnusableApp, AppDidNotRespond) as why:
        print(json.dumps({"error": str(why)}), file=replies, flush=True)


def _call_app(call: Callable[[], T], request: dict[str, Any]) -> T:
    """Call the app. Raises AppDidNotRespond, with the place in its code, for an exception that it raises."""
    try:
        return call()
    except AppDidNotRespond:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise AppDidNotRespond(
            f"{request['method']} {request['target']} raised {type(error).__name__}: {error} "
            f"({Path(place.filename).name}:{place.lineno}). Name a request that the app can answer: --url PATH"
        ) from None


def _make_driver(request: dict[str, Any]) -> tuple[AppDriver, str]:
    app = load_app(request["app"], request["directory"])
    interface = request["interface"] if request["interface"] != "auto" else detect_interface(app)
    call = RepeatedRequest(
        request["method"], request["target"], tuple(map(tuple, request["headers"])), request["body"].encode("latin-1")
    )
    if request["redis_url"]:
        hook: Any = CaptureMiddleware if interface == ASGI else WSGICaptureMiddleware
        app = hook(app, redis_url=request["redis_url"], app_name="darklaunch bench")
    try:
        return make_driver(app, interface, call), interface
    except AppDidNotRespond:
        raise
    except Exception as error:
        raise AppDidNotRespond(f"the app's start-up failed: {type(error).__name__}: {error}") from None


def _run(driver: AppDriver, times: int, replies: Any) -> None:
    cpu_s = time.process_time()
    took_s = driver.call(times)
    time.sleep(0.2)  # the hook's background thread may start up to 50 ms late
    cpu_s = time.process_time() - cpu_s
    print(
        json.dumps({"took_us": [round(call_s * 1e6, 2) for call_s in took_s], "cpu_us": cpu_s / times * 1e6}),
        file=replies,
    )
    replies.flush()


def _wait_for_launch(request: dict[str, Any]) -> None:
    """Wait until the hook's background thread has read the launch, before anything is measured."""
    until_s = time.monotonic() + READY_LIMIT_S
    while request["redis_url"] and not any(recorder.snapshot.sampling_launches for recorder in list_recorders()):
        if time.monotonic() > until_s:
            raise AppDidNotRespond("the hook did not find its launch on the Redis that was started for it")
        time.sleep(0.05)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
