"""A TCP proxy before a server, to lose replies, to lag, to cut what passes into single bytes, and to fall silent."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Proxy:
    """Passes bytes on. What it does to them can be changed while it runs:

    lose(request) -> bool    True swallows the replies on this connection from here on
    delay_s                  each piece waits so long, both ways
    piece                    the most bytes passed at once; 0 for all there are
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.lose: Callable[[bytes], bool] = lambda _request: False
        self.delay_s, self.piece = 0.0, 0
        self.lost = 0
        self._silent: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """Cut all connections, so that both ends see a reset."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def fall_silent(self) -> None:
        """Pass nothing any more on the connections there are, and tell nobody: they are half open."""
        self._loop.call_soon_threadsafe(lambda: self._silent.update(self._writers))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        mute: list[bool] = []
        self._writers |= {writer, onward_writer}
        ways = (self._pass(reader, onward_writer, mute, True), self._pass(onward_reader, writer, mute, False))
        done, left = await asyncio.wait(map(asyncio.ensure_future, ways), return_when=asyncio.FIRST_COMPLETED)
        for task in (*done, *left):
            task.cancel()
        for each in (writer, onward_writer):
            self._writers.discard(each)
            self._silent.discard(each)
            each.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mute: list[bool], asking: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if writer in self._silent:
                    continue
                if asking and self.lose(data):
                    mute.append(True)
                if not asking and mute:
                    self.lost += 1
                    return  # the server did it, and the client never hears
                step = self.piece or len(data)
                for at in range(0, len(data), step):
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s)
                    writer.write(data[at : at + step])
                    await writer.drain()
                    if self.piece:
                        await asyncio.sleep(0)
