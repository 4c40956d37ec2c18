"""What carries a connection's bytes: a stream or datagrams, on a socket, with a deadline.

Stream and datagrams differ in little: how bytes are read and sent, what an error of the socket
means, and how a connection is left. All of that is here; `network/link.py` pumps either.

A socket is registered with the event loop once for its connection, and read as soon as it is
readable while someone waits. A read that tried the socket first would never give way to the
loop where a peer floods us, and no timer would fire. Nothing is read while nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Any

from tlsresume import shortage
from tlsresume.network.dial import cut, failure_from
from tlsresume.network.ready import writable
from tlsresume.results.connection import Failure, Step

_CHUNK = 65536

#: A packet that is not full waits for what comes after it (send(2), of Linux alone).
_MORE_COMES = getattr(socket, "MSG_MORE", 0)

#: Datagrams that are read before the clock is looked at again.
_AT_ONCE = 64


class Channel(ABC):
    """Bytes to and from one peer, whose name for messages is `where`. Times are those of `now`, in
    seconds that only grow."""

    #: Whether bytes come in order and the peer can end them; else they are datagrams.
    stream: bool
    where: str
    now: Callable[[], float]

    @abstractmethod
    async def read(self, deadline: float) -> Sequence[bytes]:
        """What came: pieces of the stream, or datagrams; none: the deadline has passed. Raises
        EOFError at the end of a stream, OSError where the socket fails."""

    @abstractmethod
    async def send(self, pieces: Sequence[bytes], deadline: float, *, last: bool = False) -> None:
        """Send all. Raises TimeoutError where the peer does not read, and OSError. `last`:
        `end_sending` follows, and one packet is enough for both."""

    @abstractmethod
    def failure(self, error: OSError, step: Step) -> Failure | None:
        """What an error of `read` means."""

    @abstractmethod
    def send_failure(self, error: OSError, step: Step) -> Failure | None:
        """What an error of `send` means; None: nothing yet, as what the peer said before it
        stopped listening is still to be read."""

    @abstractmethod
    def end_sending(self) -> None:
        """Tell the peer that no more will come, where that can be told."""

    @abstractmethod
    def close(self, *, abruptly: bool = False) -> None:
        """Free the socket at once, `abruptly` as a crash does. Safe to call twice."""


class _Waiter(asyncio.Future[None]):
    """What the one task that reads a channel waits for. `wake` lets it go on within the callback
    that saw the bytes; a future would do so with the loop's next turn, which costs a system call
    and 20 microseconds for each read."""

    def add_done_callback(
        self, fn: Callable[[Any], object], /, *, context: Context | None = None
    ) -> None:
        self._go_on, self._context = fn, context or copy_context()
        super().add_done_callback(fn, context=context)

    def wake(self) -> None:
        """To be called by the loop alone, never by a task."""
        if not self.done():
            self.remove_done_callback(self._go_on)
            self.set_result(None)
            self._context.run(self._go_on, self)


class _SocketChannel(Channel):
    """A non-blocking, connected socket on the running loop."""

    def __init__(self, sock: socket.socket, where: str) -> None:
        self.where = where
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._number = sock.fileno()
        self._registered = False
        self._waiter: _Waiter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._came: list[bytes] = []
        self._error: Exception | None = None

    async def read(self, deadline: float) -> Sequence[bytes]:
        # Asked first: where a peer floods us, the socket is ready whenever the timer is.
        if not self._came and self._error is None and self.now() < deadline:
            await self._wait(deadline)
        came, self._came = self._came, []
        if not came and self._error is not None:
            # That of a stream stays; that of datagrams says what became of one of them.
            error, self._error = self._error, self._error if self.stream else None
            # A new one each time: the frames of one that is kept would keep this channel, and
            # with it OpenSSL's memory, until the collector comes.
            raise type(error)(*error.args)
        return came

    async def _wait(self, deadline: float) -> None:
        self._waiter = waiter = _Waiter(loop=self._loop)
        self._deadline = deadline
        # A timer that is early enough is kept: when it fires, it looks at the deadline.
        timer = self._timer
        if timer is None or timer.when() > deadline:
            if timer is not None:
                timer.cancel()
            self._timer = self._loop.call_at(deadline, self._late)
        if not self._registered:
            self._loop.add_reader(self._number, self._readable)
            self._registered = True
        try:
            await waiter
        finally:
            self._waiter = None

    def _late(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self.now() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._late)
        else:
            self._waiter.wake()

    def _readable(self) -> None:
        if self._waiter is None:  # nobody waits: what comes stays in the socket
            self._unregister()
            return
        try:
            self._receive()
        except BlockingIOError:  # no more, or woken for nothing
            pass
        except (OSError, EOFError) as error:
            self._error = error.with_traceback(None)
        if self._came or self._error is not None:
            self._waiter.wake()

    @abstractmethod
    def _receive(self) -> None:
        """Add what there is to `_came`. Raises BlockingIOError, EOFError or OSError."""

    def _unregister(self) -> None:
        if self._registered:
            self._registered = False
            self._loop.remove_reader(self._number)

    def detach(self) -> None:
        """Let go of the socket without closing it: another channel goes on with it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unregister()

    def close(self, *, abruptly: bool = False) -> None:
        self.detach()
        if abruptly and self.stream:
            cut(self._sock)
        else:
            self._sock.close()


class Stream(_SocketChannel):
    """A TCP connection. `unread` was read before, with the answer of a proxy."""

    stream = True

    def __init__(self, sock: socket.socket, where: str, *, unread: bytes = b"") -> None:
        super().__init__(sock, where)
        if unread:
            self._came.append(unread)

    def _receive(self) -> None:
        data = self._sock.recv(_CHUNK)
        if not data:
            raise EOFError
        self._came.append(data)

    async def send(self, pieces: Sequence[bytes], deadline: float, *, last: bool = False) -> None:
        data = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        flags = _MORE_COMES if last else 0
        while True:
            try:
                sent = self._sock.send(data, flags)
            except BlockingIOError:  # the peer is slow
                if not await writable(self._sock, deadline):
                    raise TimeoutError from None
                continue
            if sent == len(data):
                return
            data = data[sent:]

    def failure(self, error: OSError, step: Step) -> Failure | None:
        return failure_from(error, step, self.where)

    def send_failure(self, error: OSError, step: Step) -> Failure | None:
        return self.failure(error, step) if shortage.is_shortage(error) else None

    def end_sending(self) -> None:
        # Where the peer has closed both ways already, the next read says so.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)


class Datagrams(_SocketChannel):
    """A connected UDP socket, so that a closed port is told (ICMP, as ECONNREFUSED) and
    datagrams of others are not received. `protocol` is what is spoken, for messages."""

    stream = False

    def __init__(self, sock: socket.socket, where: str, protocol: str) -> None:
        super().__init__(sock, where)
        self._protocol = protocol

    def _receive(self) -> None:
        for _ in range(_AT_ONCE):
            self._came.append(self._sock.recv(_CHUNK))

    async def send(self, pieces: Sequence[bytes], _deadline: float, *, last: bool = False) -> None:
        del last  # there is no end of datagrams
        # A full buffer loses a datagram, as the network may: it comes again.
        for datagram in pieces:
            with contextlib.suppress(BlockingIOError):
                self._sock.send(datagram)

    def failure(self, error: OSError, step: Step) -> Failure | None:
        failure = failure_from(error, step, f"{self.where} (UDP)")
        if failure.kind != "refused":
            return failure
        message = f"{self.where}: the UDP port is closed"
        return Failure(step, "refused", message, (f"no {self._protocol} server listens there",))

    def send_failure(self, error: OSError, step: Step) -> Failure | None:
        return self.failure(error, step)

    def end_sending(self) -> None:
        """There is no such thing."""
