"""Apply what a launch changes in its shadow's requests. Values that are named only are read here, in the worker.

A file is read again when it has changed, so that a token may be renewed while a launch runs.
"""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from darklaunch_shared.launch.request_changes import VALUE_CHARS, HeaderSetting, RequestChanges

from darklaunch_workers.http import ShadowRequest, UnsendableRequest

LOOK_EVERY_S: Final = 1.0
LOG_EVERY_S: Final = 60.0

log = logging.getLogger("darklaunch.worker")


class RequestChanger:
    """Changes requests as a launch says."""

    def __init__(self, launch: str, changes: RequestChanges, environment: Mapping[str, str] = os.environ) -> None:
        self._launch = launch
        self._changes = changes
        self._environment = environment
        self._prefix = changes.path_prefix.encode("ascii")
        self._replaced = frozenset(name.encode("ascii") for name in changes.replaced_headers)
        self._fields: tuple[tuple[bytes, bytes], ...] = ()
        self._read_at_s = float("-inf")
        self._logged_at_s = float("-inf")

    def apply(self, request: ShadowRequest, *, with_prefix: bool = True) -> ShadowRequest:
        """Return a request as the shadow gets it; `with_prefix` False is for the baseline.

        Raises UnsendableRequest when a value cannot be read: nothing is sent without it.
        """
        prefix = self._prefix if with_prefix else b""
        if not (self._replaced or prefix):
            return request
        kept = tuple([field for field in request.headers if field[0].lower() not in self._replaced])
        return ShadowRequest(request.method, prefix + request.target, kept + self._read_fields(), request.body)

    def _read_fields(self) -> tuple[tuple[bytes, bytes], ...]:
        now_s = time.monotonic()
        if now_s - self._read_at_s >= LOOK_EVERY_S:
            try:
                self._fields = tuple([self._read(setting) for setting in self._changes.set_headers])
            except UnsendableRequest as error:
                if now_s - self._logged_at_s >= LOG_EVERY_S:
                    self._logged_at_s = now_s
                    log.error("launch %s: exchanges are dropped (bad_input): %s", self._launch, error)
                raise
            self._read_at_s = now_s
        return self._fields

    def _read(self, setting: HeaderSetting) -> tuple[bytes, bytes]:
        value = self._look_up(setting)
        if not value.isascii() or not value.isprintable() or len(value) > VALUE_CHARS:
            raise UnsendableRequest(f"what {_name_source(setting)} holds is no value of the header {setting.name}")
        return setting.name.encode("ascii"), f"{setting.text}{value}".encode("ascii")

    def _look_up(self, setting: HeaderSetting) -> str:
        if not setting.source:
            return ""
        if setting.source == "env":
            value = self._environment.get(setting.reference, "")
        else:
            try:
                with Path(setting.reference).open(encoding="utf-8") as file:
                    value = file.read(VALUE_CHARS + 2).strip()
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "not text"
                raise UnsendableRequest(
                    f"the header {setting.name} cannot be set: {_name_source(setting)}: {why}"
                ) from None
        if not value:
            raise UnsendableRequest(
                f"the header {setting.name} cannot be set: {_name_source(setting)} is empty or not set"
            )
        return value


def _name_source(setting: HeaderSetting) -> str:
    kind = "the environment variable" if setting.source == "env" else "the file"
    return f"{kind} {setting.reference}"
