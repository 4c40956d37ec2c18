"""A distant server on this machine: a relay that hands bytes on late, both ways.

The system answers a connection on loopback at once. That round trip is made up for: what a
client sends first is held until it could have known of the connection. Bytes that it sends
later than that are only as late as the way is long, as with a connection dialled ahead.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65536


class _Relay:
    def __init__(self, port: int, round_trip: float) -> None:
        self._port = port
        self._one_way = round_trip / 2
        self._round_trip = round_trip

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to the end of both ways."""
        stands = asyncio.get_running_loop().time() + self._round_trip
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(
                self._carry(reader, back, not_before=stands), self._carry(there, writer)
            )
        finally:
            for each in (writer, back):
                each.close()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        not_before: float = 0.0,
    ) -> None:
        """Bytes one way, each piece late; the end of the stream, too."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not data:
                    if sink.can_write_eof():
                        sink.write_eof()
                    return
                sink.write(data)

        delivering = asyncio.create_task(deliver())
        with suppress(OSError):
            while True:
                data = await source.read(_CHUNK)
                pieces.put_nowait((max(loop.time(), not_before) + self._one_way, data))
                if not data:
                    break
            await delivering
            return
        # A reset travels, too.
        await asyncio.sleep(self._one_way)
        delivering.cancel()
        sink.transport.abort()


@contextmanager
def distant(port: int, round_trip: float) -> Iterator[int]:
    """Another port, from which everything takes `round_trip` seconds there and back."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # peers that reset, when it ends
    server = loop.run_until_complete(
        asyncio.start_server(_Relay(port, round_trip).serve, "127.0.0.1", 0)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
