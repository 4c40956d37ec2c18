"""Built-in servers that keep a log, or serve few connections at a time and reset others."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from typing import Any

from tlsresume.server.observer import Served
from tlsresume.server.server import Server


def reset(connection: socket.socket) -> None:
    """Close a TCP connection with RST: SO_LINGER of zero seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class LoggedServer(Server):
    """A server with a log: what it saw of each TLS connection that ended, by number."""

    def __init__(self, *said: Any, **more: Any) -> None:
        super().__init__(*said, **more)
        self._log: list[Served] = []
        self._logged = threading.Condition()

    @property
    def log(self) -> tuple[Served, ...]:
        with self._logged:
            return tuple(sorted(self._log, key=lambda served: served.number))

    def wait(self, ended: int, timeout: float = 5.0) -> tuple[Served, ...]:
        """The log, once it has `ended` entries. Raises TimeoutError."""
        with self._logged:
            if not self._logged.wait_for(lambda: len(self._log) >= ended, timeout):
                raise TimeoutError(f"{len(self._log)} of {ended} connections ended")
        return self.log

    def _converse(self, connection: socket.socket, number: int, **beside: Any) -> Served:
        served = super()._converse(connection, number, **beside)
        with self._logged:
            self._log.append(served)
            self._logged.notify_all()
        return served


class CrowdedServer(LoggedServer):
    """A server with limits on connections.

    `one_at_a_time`: a connection is served only when the one before it has ended. Connections
    beyond `max_connections_per_client` are reset, and so is each `reset_every`-th.
    """

    def __init__(
        self,
        *said: Any,
        one_at_a_time: bool = False,
        max_connections_per_client: int | None = None,
        reset_every: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*said, **more)
        self._one_at_a_time = one_at_a_time
        self._most = max_connections_per_client
        self._reset_every = reset_every
        self._clients: Counter[str] = Counter()

    def _accept_one(self, listener: socket.socket) -> None:
        super()._accept_one(listener)
        if self._one_at_a_time:
            with self._lock:
                threads = set(self._threads)
            for thread in threads:
                thread.join()

    def serve(self, connection: socket.socket, number: int) -> None:
        client = connection.getpeername()[0]
        with self._lock:
            admitted = not (self._most and self._clients[client] >= self._most)
            admitted = admitted and not (self._reset_every and number % self._reset_every == 0)
            self._clients[client] += admitted
        if admitted:
            super().serve(connection, number)
        else:
            reset(connection)

    def _converse(self, connection: socket.socket, number: int, **beside: Any) -> Served:
        client = connection.getpeername()[0]
        try:
            return super()._converse(connection, number, **beside)
        finally:
            with self._lock:
                self._clients[client] -= 1
