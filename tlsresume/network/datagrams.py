"""One connection over UDP, pumped: a connected socket on one side, a QUIC or DTLS client on
the other.

The socket is connected, so that a closed port is told (ICMP, as ECONNREFUSED) and datagrams
of others are not received. Three kinds of nothing are told apart: the port is closed, the
peer is silent, or what comes is not of the protocol. A single lost packet is no answer: the
client asks again by its own timer, and the number of repetitions is reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from tlsresume.errors import HandshakeError
from tlsresume.lab import Link, Route
from tlsresume.network.dial import failure_from, scope_of
from tlsresume.network.link import Closed
from tlsresume.network.ready import readable
from tlsresume.openssl.client import Broken
from tlsresume.openssl.plan import Plan
from tlsresume.results import Failure, Step
from tlsresume.session.session import Session
from tlsresume.transports.facts import HTTPRequest
from tlsresume.transports.interface import DATA_KEPT, DatagramConnection
from tlsresume.transports.making import MakeClient
from tlsresume.value import Value
from tlsresume.wire.transcript import Transcript

if TYPE_CHECKING:
    from tlsresume.transports.quic.first_flight import QUICFirstFlight

#: Larger than any UDP payload.
_LARGEST = 65_536
#: Datagrams that are read before the clock is looked at again.
_AT_ONCE = 64
#: A timer of the client's that is over already is asked again no sooner than this, in seconds.
_LEAST_PAUSE = 0.001

#: The silence in seconds after which an answer to a flight that was only presented is taken for
#: complete; and after how many a flight without an answer goes out again, then twice as many.
PRESENTED_QUIET = 0.3
_PRESENTED_AGAIN = 1.0


class Presented(Value, frozen=True, kw_only=True):
    """What was seen around a first flight that was only presented: our ClientHello and what the
    answer holds in clear, whether that was a Retry, and the bytes of UDP payload each way."""

    transcript: Transcript
    retry: bool
    sent: int
    received: int


def open_datagram_socket(route: Route) -> socket.socket | Failure:
    """A connected, non-blocking UDP socket; connecting sends nothing."""
    where = f"{route.address} port {route.port} (UDP)"
    address, _, zone = route.address.partition("%")
    ipv6 = ":" in address
    sock = None
    try:
        sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        if route.local_port is not None:
            sock.bind(("::" if ipv6 else "", route.local_port))
        sock.connect((address, route.port, 0, scope_of(zone)) if ipv6 else (address, route.port))
    except (OSError, OverflowError) as error:
        if sock is not None:
            sock.close()
        if isinstance(error, OverflowError):
            return Failure("connect", "network", f"{where}: {error}")
        return failure_from(error, "connect", where)
    return sock


class DatagramLink(Link):
    """A UDP socket and, after `start_tls`, the connection on it.

    `protocol` is its name for words ("QUIC", "DTLS"). `timeout` and `deadline` are as in
    NetworkLink.
    """

    def __init__(
        self,
        sock: socket.socket,
        where: str,
        timeout: float,
        make_client: MakeClient,
        *,
        protocol: str,
        deadline: float | None = None,
    ) -> None:
        self.client: DatagramConnection | None = None
        self.failure: Failure | None = None
        self.closed: Closed = "failed"
        self.handshake_ms: float | None = None
        self.node: str | None = None
        self.reply: str | None = None
        self.answer_ms: float | None = None
        self.early_answer: bool | None = None
        # What only TCP has.
        self.greeting = b""
        #: What a peer said to a first flight that was presented; None: none was.
        self.presented: Presented | None = None
        self._holding = False
        self.left = False
        self._sock = sock
        self.where = where
        self._timeout = timeout
        self._make_client = make_client
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + timeout if deadline is None else deadline
        self._closing = False

    # ------------------------------------------------------------- interface

    async def start_tls(
        self, plan: Plan, session: Session | None = None, *, hold_finished: float = 0.0
    ) -> None:
        """Run the handshake; `hold_finished` is as in `Errand`."""
        client = self._make_client(plan, session)
        self.client = client
        started = self._loop.time()
        client.start()
        self._holding = hold_finished > 0
        if await self._pump(lambda: client.handshake_done, self._deadline):
            self.handshake_ms = (self._loop.time() - started) * 1000
            if self._holding:
                await self._hold(client, hold_finished)
            return
        if self.failure is None:
            self.failure = self._no_handshake(client)
        raise HandshakeError(self.failure.message)

    async def _hold(self, client: DatagramConnection, seconds: float) -> None:
        """Wait for an answer to early data before our Finished goes out: a client that does not
        send it acknowledges nothing either, so the answer must fit into what a server may send
        to an address that is not validated yet (RFC 9000 section 8.1)."""
        if self.early_data_accepted:
            until = min(self._deadline, self._loop.time() + seconds)
            await self._pump(lambda: bool(client.data), until)
            self.early_answer = bool(client.data)
        self._holding = False
        await self._flush()

    @property
    def early_data_accepted(self) -> bool:
        """Whether the server took early data that we sent."""
        if self.client is None or not self.client.plan.early_data:
            return False
        transcript = self.client.transcript
        return transcript.early_data_offered and bool(transcript.early_data_accepted)

    async def present(self, flight: QUICFirstFlight) -> None:
        """Send a first flight that this side cannot go on with, and read what the peer says:
        until it is quiet once it has spoken. Then the peer's connection is ended. A failure is
        stored."""
        received: list[bytes] = []
        sent = 0
        pause = _PRESENTED_AGAIN
        try:
            while not received and self._loop.time() < self._deadline:
                for datagram in flight.data:
                    sent += self._sock.send(datagram)
                await self._collect(received, min(self._deadline, self._loop.time() + pause))
                pause *= 2
            acknowledgement = flight.acknowledgement(received)
            if acknowledgement is not None:
                sent += self._sock.send(acknowledgement)
            until = min(self._deadline, self._loop.time() + PRESENTED_QUIET)
            while received and await self._collect(received, until):
                until = min(self._deadline, self._loop.time() + PRESENTED_QUIET)
            farewell = flight.farewell(received)
            if farewell is not None:
                sent += self._sock.send(farewell)
        except OSError as error:
            if not received:
                self._unreachable(error)
        if not received and self.failure is None:
            message = f"no answer from {self.where} to a copy of the first flight"
            self._fail(Failure("handshake", "timeout", message))
        self.presented = Presented(
            transcript=flight.in_clear(received),
            retry=flight.asks_for_retry(received),
            sent=sent,
            received=sum(map(len, received)),
        )

    async def _collect(self, received: list[bytes], until: float) -> bool:
        """Add what comes next, if anything does. Raises OSError."""
        if len(received) >= _AT_ONCE or not await readable(self._sock, until):
            return False
        with contextlib.suppress(BlockingIOError):  # woken for nothing
            received.append(self._sock.recv(_LARGEST))
        return True

    def _no_handshake(self, client: DatagramConnection) -> Failure:
        """Silence, or an answer that is not of the protocol."""
        if client.received and not client.understood:
            return Failure(
                "handshake",
                "not-tls",
                f"what {self.where} answers is not {self._protocol} ({client.received} bytes came)",
            )
        if client.received:
            return Failure(
                "handshake",
                "timeout",
                f"no {self._protocol} handshake with {self.where} within {self._timeout:g} s"
                f" ({client.received} bytes came)",
                ("raise --timeout for a slow or lossy path",),
            )
        return Failure(
            "handshake",
            "timeout",
            f"no answer from {self.where} to {self._protocol} within {self._timeout:g} s",
            (f"no {self._protocol} server there, or UDP is blocked on the way",),
        )

    async def send(self, data: bytes) -> None:
        await self.ask(data)

    async def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a request."""
        self._connection().ask(request)
        await self._flush()

    async def receive(self) -> bytes:
        client = self._connection()
        deadline = self._loop.time() + self._timeout
        came = await self._pump(lambda: bool(client.data), deadline)
        if not came and not (client.failure or self.failure or client.peer_closed):
            raise TimeoutError
        data = bytes(client.data)
        client.data.clear()
        return data

    async def tickets(self, count: int, wait: float, settle: float = 0.05) -> None:
        client = self._connection()
        deadline = self._loop.time() + wait
        if await self._pump(lambda: client.ticket_count >= 1, deadline) and count > 1:
            until = min(deadline, self._loop.time() + settle)
            await self._pump(lambda: client.ticket_count >= count, until)

    async def response(self, wait: float) -> bool:
        """Read until the answer is complete (True), the peer closes, or `wait` seconds passed.
        `answer_ms` says how long that took, `left` whether the peer ended it."""
        client = self._connection()
        began = self._loop.time()
        try:
            return await self._pump(lambda: client.answer_ended, began + wait)
        finally:
            self.answer_ms = (self._loop.time() - began) * 1000
            self.left = client.peer_closed

    @property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(self.client.sessions) if self.client is not None else ()

    def remark(self, reply: str) -> None:
        self.reply = reply

    @property
    def speaks_tls13(self) -> bool:
        """Whether TLS 1.3 was negotiated."""
        return self.client is not None and self.client.speaks_tls13

    @property
    def got_tickets(self) -> bool:
        """Whether a NewSessionTicket came."""
        return self.client is not None and self.client.ticket_count > 0

    async def close(self, *, clean: bool = True) -> None:
        client = self.client
        if client is not None and client.failure is not None:
            self._broken(client.failure, early=not client.handshake_done)
        self._closing = True
        try:
            if client is None or client.failure is not None:
                await self._flush()
            elif client.peer_closed:
                self.closed = "hung-up"
            elif not clean:
                self.closed = "abrupt"
            else:
                # No answer is due: whoever says farewell over UDP may leave.
                client.close()
                await self._flush()
                self.closed = "clean" if client.handshake_done else "failed"
        finally:
            self.release()

    def release(self) -> None:
        """Free the socket at once. Safe to call twice."""
        self._sock.close()
        if self.client is not None:
            self.client.release()

    # ---------------------------------------------------------------- pumping

    def _connection(self) -> DatagramConnection:
        if self.client is None:
            raise AssertionError("start_tls comes first")
        return self.client

    async def _flush(self) -> None:
        """Send what waits. A full buffer loses a datagram, as the network may: it comes again."""
        if self.client is None or (self._holding and self.client.handshake_done):
            return
        for datagram in self.client.datagrams():
            try:
                self._sock.send(datagram)
            except BlockingIOError:
                continue
            except OSError as error:
                self._unreachable(error)
                return

    async def _pump(self, done: Callable[[], bool], deadline: float) -> bool:
        """Carry datagrams both ways until `done`, a failure or the deadline."""
        client = self._connection()
        while True:
            await self._flush()
            if done():
                return True
            if client.failure is not None:
                self._broken(client.failure, early=not client.handshake_done)
                return False
            if client.peer_closed or self.failure is not None:
                return False
            now = self._loop.time()
            if now >= deadline:
                return False
            timer = client.deadline
            until = deadline if timer is None else min(deadline, max(timer, now + _LEAST_PAUSE))
            if await readable(self._sock, until):
                self._take(client)
            elif timer is not None and self._loop.time() >= timer:
                client.on_deadline()

    def _take(self, client: DatagramConnection) -> None:
        for _ in range(_AT_ONCE):
            try:
                datagram = self._sock.recv(_LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                self._unreachable(error)
                return
            client.receive(datagram)
            del client.data[DATA_KEPT:]

    def _unreachable(self, error: OSError) -> None:
        done = self.client is not None and self.client.handshake_done
        step: Step = "data" if done else "handshake"
        failure = failure_from(error, step, f"{self.where} (UDP)")
        if failure.kind == "refused":
            failure = Failure(
                step,
                "refused",
                f"{self.where}: the UDP port is closed",
                (f"no {self._protocol} server listens there",),
            )
        self._fail(failure)

    def _broken(self, broken: Broken, *, early: bool) -> None:
        if broken.kind == "closed" and not early:
            return
        step: Step = "handshake" if early else "data"
        self._fail(
            Failure(
                step, broken.kind, f"{self.where}: {broken.message}", broken.hints, broken.stack
            )
        )

    def _fail(self, failure: Failure) -> None:
        if self.failure is None and not self._closing:
            self.failure = failure
