"""Accepting TCP connections: a listening socket, a thread for each connection, and what one
client may cost.

Where all places are taken, an old connection makes room, so slow and silent clients cost
themselves only. No TLS here.
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tlsresume.value import Value

#: Seconds to wait where the kernel can give no socket, as when there is no file descriptor.
_EXHAUSTED = 0.05
#: How often a free port is looked for that is free on each address.
_PORT_TRIES = 20


class Limits(Value, frozen=True, kw_only=True):
    """What clients may cost: places for connections, seconds until the handshake is done,
    seconds from then or from an answer to the next whole request, and bytes until then."""

    connections: int = 400
    handshake: float = 20.0
    idle: float = 30.0
    unanswered: int = 1 << 20


def reset(connection: socket.socket) -> None:
    """Close a TCP connection with RST: SO_LINGER of zero seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Acceptor(ABC):
    """A listening TCP socket on a free port, with a thread per connection.

    A context manager: entering it listens, leaving it shuts every socket and
    waits for every thread. `also`: more addresses to listen on with the same port, where
    the machine has them. Raises OSError where it cannot listen on `host`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        *,
        port: int = 0,
        one_at_a_time: bool = False,
        also: tuple[str, ...] = (),
        limits: Limits | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.connections = 0
        self.limits = limits or Limits()
        self._also = also
        self._one_at_a_time = one_at_a_time
        self._lock = threading.Lock()
        #: In the order of arrival; the value says whether its handshake is done.
        self._sockets: dict[socket.socket, bool] = {}
        self._threads: set[threading.Thread] = set()
        self._left = threading.Condition(self._lock)
        self._stopping = threading.Event()

    @abstractmethod
    def serve(self, connection: socket.socket, number: int) -> None:
        """Serve one connection, the `number`-th from 1, on its own thread. OSError ends it."""

    def __enter__(self) -> Self:
        self._listeners = self._listen()
        self.port = self._listeners[0].getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._accepting.start()
        return self

    def _listen(self) -> list[socket.socket]:
        """Listen on every address that the machine has, all with one port.

        Raises OSError, also where the port is free on one of them and not on another:
        whoever connects by name could then meet somebody else's server.
        """
        for tries_left in reversed(range(1 if self.port else _PORT_TRIES)):
            try:
                return open_all(_listener, self.host, self.port, self._also)
            except OSError:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._wake.send(b"\0")
        self._shut_all()
        self._accepting.join()
        self._shut_all()
        with self._lock:
            threads = set(self._threads)
        for thread in threads:
            thread.join()
        for end in (*self._listeners, self._wake, self._woken):
            end.close()

    def adopt(self, connection: socket.socket) -> None:
        """Have a socket shut when the server stops. Raises OSError if that has begun."""
        with self._lock:
            if self._stopping.is_set():
                connection.close()
                raise OSError("the server is stopping")
            self._sockets[connection] = False

    def disown(self, connection: socket.socket) -> None:
        """Close a socket and forget it."""
        with self._lock:
            self._sockets.pop(connection, None)
            connection.close()

    def established(self, connection: socket.socket) -> None:
        """Note that a connection's handshake is done: it is not the first to make room."""
        with self._lock:
            if connection in self._sockets:
                self._sockets[connection] = True

    def open_connections(self) -> int:
        """How many connections are being served."""
        with self._lock:
            return len(self._threads)

    def _full(self) -> bool:
        with self._lock:
            return len(self._threads) >= self.limits.connections

    def _shut_all(self) -> None:
        with self._lock:
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _make_room(self) -> None:
        """Shut the oldest connection of those that take most places: that wait for a handshake,
        or that have one. So a flood of either kind spares the other, and what is new."""
        with self._lock:
            waiting = [each for each, established in self._sockets.items() if not established]
            if 2 * len(waiting) >= len(self._sockets):
                victim = next(iter(waiting), None)
            else:
                victim = next(each for each, established in self._sockets.items() if established)
            if victim is not None:
                self._sockets.pop(victim)  # its thread still closes it
                with suppress(OSError):
                    victim.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                listener.setblocking(False)
                selector.register(listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                ready = [key.fileobj for key, _ in selector.select()]
                for listener in self._listeners:
                    if listener in ready and not self._stopping.is_set():
                        self._accept_one(listener)

    def _accept_one(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except (ConnectionError, BlockingIOError):  # the client gave up first
            return
        except OSError:  # no file descriptor, no memory
            self._make_room()
            self._stopping.wait(_EXHAUSTED)
            return
        connection.setblocking(True)
        self.connections += 1
        while self._full() and not self._stopping.is_set():
            self._make_room()
            with self._left:  # one leaves for each that comes, unless it takes too long
                self._left.wait_for(lambda: len(self._threads) < self.limits.connections, 0.1)
        thread = threading.Thread(
            target=self._run, args=(connection, self.connections), daemon=True
        )
        with self._lock:
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread for it
            with self._lock:
                self._threads.discard(thread)
            connection.close()
            self._make_room()
            return
        if self._one_at_a_time:
            thread.join()

    def _run(self, connection: socket.socket, number: int) -> None:
        try:
            self.adopt(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self.limits.idle)
            self.serve(connection, number)
        except OSError:
            pass  # the client went away, or the server is stopping
        finally:
            self.disown(connection)
            with self._left:
                self._threads.discard(threading.current_thread())
                self._left.notify()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def open_all(
    open_one: Callable[[str, int], socket.socket], host: str, port: int, also: tuple[str, ...]
) -> list[socket.socket]:
    """Sockets on `host` and on those of `also` that the machine has, all with one port; 0 lets
    the system choose it. Raises OSError, also where the port is free on `host` and not on
    another."""
    opened = [open_one(host, port)]
    try:
        for each in also:
            try:
                opened.append(open_one(each, opened[0].getsockname()[1]))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise
    except OSError:
        for each_opened in opened:
            each_opened.close()
        raise
    return opened
