"""The built-in server: TLS on loopback, in which each resumption behaviour is a knob.

`selftest` shows the four commands against it, and the tests use it as a peer
whose truth is known. It is for loopback only: it limits nothing and checks no
client. One thread accepts, and one thread per connection blocks on its
socket; leaving the `with` block shuts every socket, which ends every thread.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tlsresume.openssl.behaviour import Behaviour
from tlsresume.openssl.server_contexts import Identity, self_signed
from tlsresume.openssl.server_sides import Side, Sides

_CHUNK = 65_536
#: Seconds that a connection may be idle, and that a closed one may take to say its last.
_IDLE = 30.0
_LINGER = 1.0
#: Longest request that is waited for; what is longer is never answered.
_MAX_REQUEST = 65_536


def reset(connection: socket.socket) -> None:
    """Close a TCP connection with RST: SO_LINGER of zero seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Acceptor(ABC):
    """A listening TCP socket on a free port, with a thread per connection.

    A context manager: entering it listens, leaving it shuts every socket and
    waits for every thread.
    """

    def __init__(
        self, host: str = "127.0.0.1", *, port: int = 0, one_at_a_time: bool = False
    ) -> None:
        self.host = host
        self.port = port
        self.connections = 0
        self._one_at_a_time = one_at_a_time
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()

    @abstractmethod
    def serve(self, connection: socket.socket, number: int) -> None:
        """Serve one connection, the `number`-th from 1, on its own thread. OSError ends it."""

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=128)
        self.port = self._listener.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._accepting.start()
        return self

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
        for end in (self._listener, self._wake, self._woken):
            end.close()

    def adopt(self, connection: socket.socket) -> None:
        """Have a socket shut when the server stops. Raises OSError if that has begun."""
        with self._lock:
            if self._stopping.is_set():
                connection.close()
                raise OSError("the server is stopping")
            self._sockets.add(connection)

    def disown(self, connection: socket.socket) -> None:
        """Close a socket and forget it."""
        with self._lock:
            self._sockets.discard(connection)
            connection.close()

    def _shut_all(self) -> None:
        with self._lock:
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                if self._stopping.is_set():
                    return
                try:
                    connection, _ = self._listener.accept()
                except ConnectionError:  # the client gave up first
                    continue
                self.connections += 1
                thread = threading.Thread(
                    target=self._run, args=(connection, self.connections), daemon=True
                )
                with self._lock:
                    self._threads.add(thread)
                thread.start()
                if self._one_at_a_time:
                    thread.join()

    def _run(self, connection: socket.socket, number: int) -> None:
        try:
            self.adopt(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(_IDLE)
            self.serve(connection, number)
        except OSError:
            pass  # the client went away, or the server is stopping
        finally:
            self.disown(connection)
            with self._lock:
                self._threads.discard(threading.current_thread())


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the server saw of one connection. `clean`: the client said close_notify."""

    number: int
    node: int
    handshaken: bool
    version: str | None
    reused: bool
    early_data: int
    requests: int
    clean: bool
    error: str | None


class Server(Acceptor):
    """A TLS server on loopback that behaves as told.

    `certificate_pem` is its chain; `connections` counts what was accepted; `log`
    has an entry per TLS connection that ended, by number.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        host: str = "127.0.0.1",
        *,
        port: int = 0,
        identity: Identity | None = None,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        super().__init__(host, port=port, one_at_a_time=self.behaviour.one_at_a_time)
        identity = identity or self_signed()
        self.certificate_pem = identity.certificate_pem
        self._sides = Sides(self.behaviour, identity)
        self._sides_lock = threading.Lock()
        self._log: list[Served] = []
        self._logged = threading.Condition()
        self._clients: Counter[str] = Counter()

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

    def serve(self, connection: socket.socket, number: int) -> None:
        client = connection.getpeername()[0]
        limit, every = self.behaviour.max_connections_per_client, self.behaviour.reset_every
        with self._lock:
            admitted = not (limit and self._clients[client] >= limit)
            admitted = admitted and not (every and number % every == 0)
            self._clients[client] += admitted
        if not admitted:
            reset(connection)
            return
        try:
            served = self._converse(connection, number)
        finally:
            with self._lock:
                self._clients[client] -= 1
        with self._logged:
            self._log.append(served)
            self._logged.notify_all()
        _finish(connection)

    def _converse(self, connection: socket.socket, number: int) -> Served:
        """Speak TLS until either side is done. The side is gone when this returns, and with
        it the session of a connection that was cut."""
        with self._sides_lock:
            side = self._sides.new()
        conversation = _Conversation(self.behaviour, connection, side)
        error = None
        try:
            conversation.run()
        except OSError as failure:
            error = failure.strerror or type(failure).__name__
        return Served(
            number=number,
            node=side.node,
            handshaken=side.handshaken,
            version=side.version,
            reused=side.reused,
            early_data=side.early_data,
            requests=conversation.requests,
            clean=side.closed,
            error=side.error or error,
        )


class _Conversation:
    """One connection's bytes, between a socket and a side."""

    def __init__(self, behaviour: Behaviour, connection: socket.socket, side: Side) -> None:
        self._behaviour = behaviour
        self._connection = connection
        self._side = side
        self._holding = behaviour.tickets_after_data
        self._held = b""
        self._request = b""
        self._last = False
        self.requests = 0

    def run(self) -> None:
        side = self._side
        try:
            while not (side.closed or side.error or self._last):
                data = self._connection.recv(_CHUNK)
                if not data:
                    break
                application = side.feed(data)
                if application:
                    self._holding = False
                    self._answer(application)
                self._send(side.drain())
            if side.closed or self._last:
                self._close()
        finally:
            if not self._behaviour.forget_on_unclean_close:
                side.keep()

    def _send(self, output: bytes) -> None:
        # All that TLS 1.3 has to say right after the handshake is its tickets.
        if self._holding and self._side.handshaken and self._side.version == "TLSv1.3":
            self._held += output
            return
        self._connection.sendall(self._held + output)
        self._held = b""

    def _answer(self, application: bytes) -> None:
        if not self._behaviour.http:
            return
        self._request = (self._request + application)[:_MAX_REQUEST]
        while self._side.handshaken and b"\r\n\r\n" in self._request:
            request, _, self._request = self._request.partition(b"\r\n\r\n")
            self.requests += 1
            self._last = self._last or b"connection: close" in request.lower()
            self._side.write(self._response(head=request.startswith(b"HEAD ")))

    def _response(self, *, head: bool) -> bytes:
        body = b"tlsresume\n"
        lines = [
            b"HTTP/1.1 200 OK",
            b"Content-Type: text/plain",
            b"Content-Length: %d" % len(body),
            b"X-Served-By: node%d" % self._side.node,
        ]
        if self._last:
            lines.append(b"Connection: close")
        return b"\r\n".join([*lines, b"", b"" if head else body])

    def _close(self) -> None:
        if not self._behaviour.close_notify:
            self._side.keep()
        elif not self._held:  # records that were never sent cannot be skipped
            self._side.shutdown()
            self._connection.sendall(self._side.drain())


def _finish(connection: socket.socket) -> None:
    """Let the client read all that was sent: closing at once may discard it with RST."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_LINGER)
        while connection.recv(_CHUNK):
            pass
