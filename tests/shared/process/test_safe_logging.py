"""What a log quotes can neither steer a terminal nor look like another line."""

import io
import logging

from darklaunch_shared.process.safe_logging import SafeFormatter


def logged(message: str, *args: object, error: Exception | None = None) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter("%(levelname)s %(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.error(message, *args, exc_info=error)
    return stream.getvalue()


def test_a_line_stays_one_line() -> None:
    assert logged("dead: %s", "a\nINFO all is well\r\x1b[2J\u202e") == (
        "ERROR dead: a\\x0aINFO all is well\\x0d\\x1b[2J\\u202e\n"
    )


def test_a_traceback_keeps_its_lines_and_nothing_else() -> None:
    lines = logged("failed", error=ValueError("\x1b[31mred")).splitlines()
    assert lines[0] == "ERROR failed"
    assert lines[-1] == "ValueError: \\x1b[31mred"


def test_what_is_meant_to_be_read_stays() -> None:
    assert logged("%s", "Grüße, 你好 %s") == "ERROR Grüße, 你好 %s\n"
