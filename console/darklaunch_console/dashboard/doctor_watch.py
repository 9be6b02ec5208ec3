"""The doctor's latest findings for pages: examined in the background, so that no page waits for all its checks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from darklaunch_console.doctor.check_result import CheckResult

FRESH_S: Final = 10.0
"""Findings younger than this are shown as they are."""
FIRST_WAIT_S: Final = 2.0
"""How long the first page waits for findings."""

log = logging.getLogger("darklaunch.dashboard")


class DoctorWatch:
    """Runs `examine` in a thread when its findings are wanted and older than `FRESH_S`, one run at a time."""

    def __init__(self, examine: Callable[[], Sequence[CheckResult]]) -> None:
        self._examine = examine
        self._lock = threading.Lock()
        self._findings: Sequence[CheckResult] = ()
        self._ended_s: float | None = None
        self._running: threading.Thread | None = None

    def read(self) -> Sequence[CheckResult]:
        """Return the latest findings, () before the first; ask for new ones if these are not fresh."""
        with self._lock:
            is_fresh = self._ended_s is not None and time.monotonic() - self._ended_s < FRESH_S
            if self._running is None and not is_fresh:
                self._running = threading.Thread(target=self._run, name="darklaunch-doctor", daemon=True)
                self._running.start()
            running = self._running
            first = self._ended_s is None
        if running and first:
            running.join(FIRST_WAIT_S)
        return self._findings

    def _run(self) -> None:
        try:
            self._findings = self._examine()
        except Exception:  # the page shows what else is known
            log.exception("the doctor's examination failed")
        with self._lock:
            self._ended_s = time.monotonic()
            self._running = None
