"""The built-in server: TLS that treats sessions as its `Behaviour` says.

`selftest` shows the four commands against it, the tests use it as a peer whose behaviour
is known, and `serve` has it observe clients. A client that is slow, silent or floods
costs itself only, by `Limits`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from tlsresume.server.acceptor import Acceptor, Limits
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.contexts import Identity, self_signed
from tlsresume.server.data_connections import DataPorts
from tlsresume.server.observer import Ending, Observer, Served
from tlsresume.server.sides import Side, Sides
from tlsresume.server.talk import HTTP, Talk

_CHUNK = 65_536
#: Seconds that a closed connection may take to say its last.
_LINGER = 1.0


class Server(Acceptor):
    """A TLS server that behaves as told.

    `certificate_pem` is its chain; `connections` counts what was accepted. `observe` is called
    for each connection with its number and the client's address. `talk` makes what is spoken
    on a connection, given the node's number; the default is HTTP.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        host: str = "127.0.0.1",
        *,
        port: int = 0,
        identity: Identity | None = None,
        also: tuple[str, ...] = (),
        limits: Limits | None = None,
        observe: Callable[[int, str], Observer] | None = None,
        talk: Callable[[int], Talk] | None = None,
        later: Identity | None = None,
        client_ca: Path | None = None,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        super().__init__(host, port=port, also=also, limits=limits)
        identity = identity or self_signed()
        self.certificate_pem = identity.certificate_pem
        self._observe = observe
        http = partial(HTTP, too_early=self.behaviour.too_early)
        self._talk = talk or (http if self.behaviour.http else lambda _node: Talk())
        self._sides = Sides(
            self.behaviour,
            identity,
            observed=observe is not None,
            later=later,
            client_ca=client_ca,
        )
        self._sides_lock = threading.Lock()

    def serve(self, connection: socket.socket, number: int) -> None:
        self._converse(connection, number)
        _finish(connection)

    def established(self, connection: socket.socket) -> None:
        super().established(connection)
        with self._sides_lock:
            self._sides.established()

    def _converse(
        self,
        connection: socket.socket,
        number: int,
        *,
        data_talk: Talk | None = None,
        control: Observer | None = None,
    ) -> Served:
        """Speak TLS until either side is done. The side is gone when this returns, and with
        it the session of a connection that was cut. `data_talk`: it is a data connection, beside
        that of `control`."""
        observer = None
        if self._observe is not None:
            observer = self._observe(number, connection.getpeername()[0])
            if control is not None:
                observer.beside(control)
        with self._sides_lock:
            side = self._sides.new(None if observer is None else observer.message)
        talk = data_talk or self._talk(side.node)
        conversation = _Conversation(self, connection, side, observer, talk)
        error = None
        try:
            with DataPorts(
                connection, partial(self._converse_beside, observer), self.adopt, self.disown
            ) as talk.data:
                conversation.run()
        except OSError as failure:
            error = failure.strerror or type(failure).__name__
            if isinstance(failure, ConnectionError):
                conversation.ending = "reset"
        finally:
            side.release()
        served = Served(
            number=number,
            node=side.node,
            handshaken=side.handshaken,
            version=side.version,
            reused=side.reused,
            early_data=side.early_data,
            requests=conversation.talk.requests,
            clean=side.closed,
            error=side.error or error,
            ending=_ending(side, conversation.ending),
            head=conversation.talk.head,
        )
        if observer is not None:
            observer.ended(served)
        return served

    def _converse_beside(
        self, control: Observer | None, connection: socket.socket, talk: Talk
    ) -> bool:
        """Serve a data connection; whether its handshake succeeded."""
        with self._lock:
            self.connections += 1
            number = self.connections
        served = self._converse(connection, number, data_talk=talk, control=control)
        if not served.clean:  # else it has all, and may wait for a word on the control connection
            _finish(connection)
        return served.handshaken


class _Conversation:
    """One connection's bytes, between a socket and a side."""

    def __init__(
        self,
        server: Server,
        connection: socket.socket,
        side: Side,
        observer: Observer | None,
        talk: Talk,
    ) -> None:
        self._server = server
        self._behaviour = server.behaviour
        self._limits = server.limits
        self._connection = connection
        self._side = side
        self._observer = observer
        self._holding = self._behaviour.tickets_after_data
        self._held = b""
        self._early = b""
        self._established = False
        self._unanswered = 0
        self._deadline = time.monotonic() + self._limits.handshake
        self.talk = talk
        self.ending: Ending = "timeout"

    def run(self) -> None:
        side = self._side
        try:
            data = self._clear() if self.talk.clear else self._receive()
            while data:
                self._take(data)
                if side.closed or side.error or self.talk.last:
                    break
                data = self._receive()
            if side.closed or self.talk.last:
                self._close()
            if self._observer is not None and not side.error:
                self._watch_the_end()
        finally:
            if not self._behaviour.forget_on_unclean_close:
                side.keep()

    def _receive(self) -> bytes:
        """Bytes of the client's; none at the end of the stream. Raises TimeoutError past the
        deadline of the handshake or of a whole request, however busy the client is."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the client took too long")
        self._connection.settimeout(left)
        data = self._connection.recv(_CHUNK)
        if not data:
            self.ending = "fin"
        return data

    def _clear(self) -> bytes:
        """Talk in clear until TLS is due. Returns the client's first bytes of TLS."""
        self._connection.sendall(self.talk.greet())
        while data := self._receive():
            reply = self.talk.in_clear(data)
            self._connection.sendall(reply.text)
            if reply.start_tls:
                return reply.rest or self._receive()
            if self.talk.last:
                break
        return b""

    def _take(self, data: bytes) -> None:
        side = self._side
        application = side.feed(data)
        if side.handshaken and not self._established:
            self._established = True
            self._server.established(self._connection)
            self._deadline = time.monotonic() + self._limits.idle
            if words := self.talk.secured():
                self._holding = False
                side.write(words)
        if application:
            self._holding = False
            self._early += application  # early data is answered once the handshake is done
            self._unanswered += len(application)
        at_once = self._behaviour.answers_early and side.early_data > 0
        if self._early and (side.handshaken or at_once):
            requests = self.talk.requests
            self.talk.early = side.early_data > 0
            words = self.talk.answer(self._early, reused=side.reused or at_once)
            self._early = b""
            if words:
                (side.write if side.handshaken else side.write_early)(words)
            if self.talk.requests > requests:
                self._unanswered = 0
                self._deadline = time.monotonic() + self._limits.idle
        self._send(side.drain())
        while (more := self.talk.then()) is not None:
            self._deadline = time.monotonic() + self._limits.idle
            side.write(more)
            self._send(side.drain())
        if self._unanswered > self._limits.unanswered:
            raise TimeoutError("a request without end")

    def _send(self, output: bytes) -> None:
        # All that TLS 1.3 has to say right after the handshake is its tickets.
        if self._holding and self._side.handshaken and self._side.version == "TLSv1.3":
            self._held += output
            return
        if self._observer is not None:  # before: the client may be quicker than this thread
            self._observer.leaving(established=self._side.handshaken)
        self._connection.sendall(self._held + output)
        self._held = b""

    def _close(self) -> None:
        if not self._behaviour.close_notify:
            self._side.keep()
        elif not self._held:  # records that were never sent cannot be skipped
            self._side.shutdown()
            self._connection.sendall(self._side.drain())

    def _watch_the_end(self) -> None:
        """Let the client say its last, to see how it closes."""
        if self.ending == "fin" or self._over():
            return
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.settimeout(_LINGER)
        deadline = time.monotonic() + 2 * _LINGER
        while time.monotonic() < deadline:
            data = self._connection.recv(_CHUNK)
            if not data:
                self.ending = "fin"
                return
            self._side.feed(data)
            if self._over():
                return

    def _over(self) -> bool:
        """Whether TLS has nothing more to say."""
        return self._side.closed or self._side.error is not None


def _ending(side: Side, seen: Ending) -> Ending:
    """How the client ended the connection, by TLS where that says it, else by TCP."""
    if side.closed:
        return "close_notify"
    return "error" if side.error is not None and seen == "timeout" else seen


def _finish(connection: socket.socket) -> None:
    """Let the client read all that was sent: closing at once may discard it with RST."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_LINGER)
        deadline = time.monotonic() + 2 * _LINGER
        while time.monotonic() < deadline and connection.recv(_CHUNK):
            pass
