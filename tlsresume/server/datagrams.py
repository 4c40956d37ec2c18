"""A server of datagrams: a UDP socket for each address, and one thread.

Which datagram is of which connection, and what is said to it, is the business of an
`Endpoint`, sans IO. `DatagramServer` makes one of a `Side` for each address and port that
datagrams come from: a client that is silent for long is forgotten, and so is the oldest
where there are many.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, Self

from tlsresume.server.acceptor import open_all

#: Seconds after which a silent client is forgotten, and the most clients at a time.
_FORGET_AFTER = 30.0
_MOST_CLIENTS = 256
_LARGEST = 65_536
#: Datagrams that are read before timers have their turn.
_BURST = 64
#: Least and most seconds that one wait lasts.
_SHORTEST, _LONGEST = 0.001, 30.0

#: Where a datagram came from: the host and port, then what this file adds.
Source = tuple[Any, ...]


class Endpoint(Protocol):
    """All connections of a port. No client can make a call raise."""

    def receive(self, data: bytes, source: Source, now: float) -> None:
        """Take one datagram."""

    def outgoing(self, now: float) -> list[tuple[bytes, Source]]:
        """What must be sent now, and whereto."""

    def timer(self) -> float | None:
        """When `on_timer` is due; None: never."""

    def on_timer(self, now: float) -> None:
        """That time has come."""

    def open_connections(self) -> int:
        """How many connections have not ended; called from any thread."""

    def close(self) -> None:
        """Say goodbye to every client, with what is sent next."""


class Side(Protocol):
    """The server's side of one connection. No client can make a call raise."""

    def receive(self, data: bytes, now: float) -> None:
        """Take one datagram."""

    def datagrams(self, now: float) -> list[bytes]:
        """What must be sent now."""

    def timer(self) -> float | None:
        """When `on_timer` is due; None: never."""

    def on_timer(self, now: float) -> None:
        """That time has come."""


class UDPServer:
    """Serves in a thread of its own between entering and leaving; `port` 0 lets the
    system choose one. `also`: more addresses to listen on with the same port, where the machine
    has them. Every time is of the monotonic clock. Raises OSError where it cannot listen."""

    def __init__(
        self,
        endpoint: Endpoint,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        also: tuple[str, ...] = (),
    ) -> None:
        self._endpoint = endpoint
        self.host = host
        self._sockets = open_all(_socket, host, port, also)
        self.port: int = self._sockets[0].getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="datagram server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"\0")
        self._thread.join()
        for each in (*self._sockets, self._wake, self._woken):
            each.close()

    def open_connections(self) -> int:
        """How many connections have not ended."""
        return self._endpoint.open_connections()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in self._sockets:
                selector.register(each, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select(self._until_timer())]
                if self._woken in ready:
                    self._endpoint.close()
                    self._send(time.monotonic())
                    return
                self._endpoint.on_timer(time.monotonic())
                self._send(time.monotonic())
                for number, each in enumerate(self._sockets):
                    if each in ready:
                        self._receive(number)

    def _until_timer(self) -> float:
        at = self._endpoint.timer()
        if at is None:
            return _LONGEST
        return min(_LONGEST, max(_SHORTEST, at - time.monotonic()))

    def _receive(self, number: int) -> None:
        for _ in range(_BURST):
            try:
                data, source = self._sockets[number].recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of a client that has gone
            now = time.monotonic()
            self._endpoint.receive(data, (source[0], source[1], number, source), now)
            self._send(now)

    def _send(self, now: float) -> None:
        for data, source in self._endpoint.outgoing(now):
            with suppress(OSError):  # a full buffer loses a datagram, as the network may
                self._sockets[source[2]].sendto(data, source[3])


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    found.setblocking(False)
    return found


class _BySource:
    """An endpoint with a `Side` for each client, told apart by address and port."""

    def __init__(self, make_side: Callable[[], Side]) -> None:
        self._make_side = make_side
        self._sides: dict[Source, tuple[Side, float]] = {}
        self._replies: list[tuple[bytes, Source]] = []

    def open_connections(self) -> int:
        return len(self._sides)

    def receive(self, data: bytes, source: Source, now: float) -> None:
        side, _ = self._sides.pop(source, (None, 0.0))
        side = side or self._make_side()
        self._sides[source] = (side, now)
        if len(self._sides) > _MOST_CLIENTS:
            del self._sides[next(iter(self._sides))]
        side.receive(data, now)
        self._collect(source, side, now)

    def _collect(self, source: Source, side: Side, now: float) -> None:
        self._replies += ((data, source) for data in side.datagrams(now))

    def outgoing(self, _now: float) -> list[tuple[bytes, Source]]:
        replies, self._replies = self._replies, []
        return replies

    def timer(self) -> float | None:
        due = (at for side, _ in self._sides.values() if (at := side.timer()) is not None)
        return min(due, default=None)

    def on_timer(self, now: float) -> None:
        for source, (side, seen) in list(self._sides.items()):
            at = side.timer()
            if at is not None and at <= now:
                side.on_timer(now)
                self._collect(source, side, now)
            if now - seen > _FORGET_AFTER:
                del self._sides[source]

    def close(self) -> None:
        """Its clients find out by themselves."""


class DatagramServer(UDPServer):
    """A UDP server with a `Side` for each client, for `selftest` and tests."""

    def __init__(
        self, make_side: Callable[[], Side], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(_BySource(make_side), host, port)
