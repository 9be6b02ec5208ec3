"""The hook's own errors: logged rarely, never raised, and never mistaken for what came from outside."""

from __future__ import annotations

import ast
import asyncio
import logging
from pathlib import Path

import darklaunch
import pytest
from darklaunch.internal_errors import ErrorLog, is_external_interrupt
from greenlet import GreenletExit

LOG_CALLS = ("log.debug", "log.info", "log.warning", "log.error", "log.exception")


class Cancelled(asyncio.CancelledError):
    """A cancellation with a name of its own."""


class Panic(BaseException):
    """What an extension module written in Rust raises."""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit(), Cancelled(), GreenletExit()])
def test_signals_cancellations_and_time_limits_come_from_outside(error: BaseException) -> None:
    assert is_external_interrupt(error)


@pytest.mark.parametrize("error", [ValueError(), asyncio.QueueFull(), Panic()])
def test_other_errors_are_the_hooks_own(error: BaseException) -> None:
    assert not is_external_interrupt(error)


def test_an_error_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    errors = ErrorLog()
    for _ in range(3):
        try:
            raise ZeroDivisionError("planted")
        except ZeroDivisionError:
            errors.log_error("dividing")
    assert caplog.messages == ["darklaunch failed while dividing; the app is not affected"]
    assert "ZeroDivisionError: planted" in caplog.text


def test_a_log_handler_that_fails_is_no_error_of_the_app() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the disk is full")

    log, handler = logging.getLogger("darklaunch"), Broken()
    log.addHandler(handler)
    try:
        ErrorLog().log_error("logging")
    finally:
        log.removeHandler(handler)


def test_every_log_line_begins_with_darklaunch() -> None:
    trees = {path.name: ast.parse(path.read_text()) for path in Path(darklaunch.__file__).parent.rglob("*.py")}
    lines = [
        (name, ast.literal_eval(node.args[0]))
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in LOG_CALLS
    ]
    assert len(lines) > 10
    assert [line for line in lines if not line[1].startswith("darklaunch ")] == []
