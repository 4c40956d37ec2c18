"""A server of datagrams on loopback, for `selftest` and tests: one UDP socket, one thread.

What is said to a client is the business of a `Side`, sans IO, one for each address and port
that datagrams come from. A client that is silent for long is forgotten, and so is the oldest
where there are many.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, Self

#: Seconds after which a silent client is forgotten, and the most clients at a time.
_FORGET_AFTER = 30.0
_MOST_CLIENTS = 256
_LARGEST = 65_536


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


class DatagramServer:
    """Serves in a thread of its own between entering and leaving; `port` 0 lets the
    system choose one. Every time is of the monotonic clock."""

    def __init__(
        self, make_side: Callable[[], Side], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._make_side = make_side
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((host, port))
        self._sock.setblocking(False)
        self.host = host
        self.port: int = self._sock.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._sides: dict[Any, tuple[Side, float]] = {}
        self._thread = threading.Thread(target=self._serve, name="datagram server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"\0")
        self._thread.join()
        for each in (self._sock, self._wake, self._woken):
            each.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = selector.select(self._until_timer())
                if any(key.fileobj is self._woken for key, _ in ready):
                    return
                self._run_timers(time.monotonic())
                if ready:
                    self._receive()

    def _until_timer(self) -> float:
        now = time.monotonic()
        due = (at for side, _ in self._sides.values() if (at := side.timer()) is not None)
        return max(0.001, min((at - now for at in due), default=_FORGET_AFTER))

    def _run_timers(self, now: float) -> None:
        for client, (side, seen) in list(self._sides.items()):
            at = side.timer()
            if at is not None and at <= now:
                side.on_timer(now)
                self._send(client, side, now)
            if now - seen > _FORGET_AFTER:
                del self._sides[client]

    def _receive(self) -> None:
        while True:
            try:
                data, client = self._sock.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of a client that has gone
            now = time.monotonic()
            side, _ = self._sides.pop(client, (None, 0.0))
            side = side or self._make_side()
            self._sides[client] = (side, now)
            if len(self._sides) > _MOST_CLIENTS:
                del self._sides[next(iter(self._sides))]
            side.receive(data, now)
            self._send(client, side, now)

    def _send(self, client: Any, side: Side, now: float) -> None:
        for datagram in side.datagrams(now):
            try:
                self._sock.sendto(datagram, client)
            except OSError:
                return  # a full buffer loses a datagram, as the network may
