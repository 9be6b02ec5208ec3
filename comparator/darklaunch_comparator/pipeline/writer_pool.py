"""A pool of writer threads, each with a connection of its own, for use from the event loop."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.settings import ComparatorSettings

from .result_writer import RefusedResult, ResultWriter


class WriterPool:
    """Writers side by side: as many batches are recorded at once as there are writers."""

    def __init__(self, settings: ComparatorSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._stop = threading.Event()
        self._own = threading.local()
        self._writers: list[ResultWriter] = []
        self._threads = ThreadPoolExecutor(settings.writers, thread_name_prefix="darklaunch-writer")

    async def record(self, launch: str, results: Sequence[ExchangeResult]) -> list[RefusedResult]:
        """Record results of one launch, waiting for Postgres as long as it takes. Return those that it refuses.

        Raises WriterStopped when it has to wait and is told to stop.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._record, launch, results)

    def stop(self) -> None:
        """End waiting: from now on a batch is recorded at the first try or not at all."""
        self._stop.set()

    def close(self) -> None:
        """Close the connections, once the batches under way have ended."""
        self._stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        threading.Thread(target=self._close, name="darklaunch-writers-close", daemon=True).start()

    def _record(self, launch: str, results: Sequence[ExchangeResult]) -> list[RefusedResult]:
        writer = getattr(self._own, "writer", None)
        if writer is None:
            writer = self._own.writer = ResultWriter(
                self._settings.database_url,
                name=self._name,
                retention_days=self._settings.retention_days,
                stop=self._stop,
            )
            self._writers.append(writer)
        return writer.record(launch, results)

    def _close(self) -> None:
        self._threads.shutdown(wait=True)
        for writer in self._writers:
            writer.close()
