"""One connection to a target, pumped: a channel on one side, a transport's connection on the
other.

Every wait has a deadline. A peer's failure is stored, not raised, except from
`start_tls` and `send`/`receive` in clear, whose callers cannot go on without it.

Over UDP three kinds of nothing are told apart: the port is closed, the peer is silent, or what
comes is not of the protocol. A single lost packet is no answer: the connection asks again by its
own timer, and the number of repetitions is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tlsresume.errors import HandshakeError
from tlsresume.lab import Link
from tlsresume.network.broken import failure_of, no_handshake
from tlsresume.network.channel import Channel
from tlsresume.results.connection import Failure
from tlsresume.sessions.session import ResumptionState
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import HTTPRequest
from tlsresume.transports.interface import (
    ClientOffer,
    Connection,
    EndCause,
    Flight,
    OnMessage,
    Presented,
    Transport,
)
from tlsresume.transports.table import TRANSPORTS

#: How long we wait for the peer's close_notify after ours, in seconds.
CLOSE_WAIT = 0.5

#: A timer of the connection's that is over already is asked again no sooner than this, in seconds.
_LEAST_PAUSE = 0.001

Closed = Literal["clean", "by-peer", "hung-up", "peer-silent", "abrupt", "failed"]


class NetworkLink(Link):
    """A channel and, after `start_tls`, the connection of `transport` on it.

    `timeout` is what the whole way to a handshake may take, for words; `deadline`, on
    the channel's clock, is when that ends (None: `timeout` seconds from now).
    """

    def __init__(
        self,
        channel: Channel,
        timeout: float,
        on_message: OnMessage | None = None,
        *,
        transport: Transport = TRANSPORTS["tcp"],
        deadline: float | None = None,
    ) -> None:
        self.client: Connection | None = None
        self.failure: Failure | None = None
        self.closed: Closed = "failed"
        self.handshake_ms: float | None = None
        self.node: str | None = None
        self.after_starttls = False
        self.greeting = b""
        self.reply: str | None = None
        self.answer_ms: float | None = None
        self.left = False
        self.early_answer: bool | None = None
        #: What a peer said to a first flight that was presented; None: none was.
        self.presented: Presented | None = None
        self.where = channel.where
        self._channel = channel
        self._transport = transport
        self._holding = False
        self._unsent: list[bytes] = []
        self._timeout = timeout
        self._on_message = on_message
        self._now = channel.now
        self._deadline = channel.now() + timeout if deadline is None else deadline
        self._closing = False
        #: Our goodbye is out, and the peer's has not been waited for.
        self.parting = False

    # ------------------------------------------------------------- interface

    async def send(self, data: bytes) -> None:
        if self.client is None:
            await self._channel.send((data,), self._deadline)
            return
        self.client.send(data)
        await self._flush()

    async def ask(self, request: HTTPRequest | bytes) -> None:
        """Send a request."""
        self._connection().ask(request)
        await self._flush()

    async def receive(self) -> bytes:
        if self.client is None:
            return await self._receive_in_clear()
        client = self.client
        # A conversation may last longer than a handshake may take: each answer has its time.
        deadline = self._now() + self._timeout
        if not await self._pump(lambda: client.pending > 0, deadline):
            over = client.failure or self.failure or client.over
            if not over:
                raise TimeoutError
        return client.take()

    async def _receive_in_clear(self) -> bytes:
        try:
            came = await self._channel.read(self._deadline)
        except EOFError:
            return b""
        if not came:
            raise TimeoutError
        return b"".join(came)

    async def start_tls(
        self,
        config: ClientConfig,
        session: ResumptionState | None = None,
        *,
        flight: Flight | None = None,
        hold_finished: float = 0.0,
    ) -> None:
        """Run the handshake; `flight` and `hold_finished` are as in `Task`."""
        started = self._now()
        if flight is None:
            offer = ClientOffer(
                state=session, address_token=config.address_token, early_request=config.early_data
            )
            client = self._transport.open(
                config, offer, clock=self._now, on_message=self._on_message
            )
        else:
            client = flight.go_on(self._on_message)
            self._unsent = list(flight.data)
        self.client = client
        self._holding = hold_finished > 0
        done = await self._pump(lambda: client.established, self._deadline)
        if done:
            self.handshake_ms = (self._now() - started) * 1000
            if self._holding:
                await self._hold(client, hold_finished)
            return
        if self.failure is None:
            self.failure = no_handshake(
                client,
                self._channel,
                self._transport.protocol,
                self._timeout,
                after_starttls=self.after_starttls,
            )
        raise HandshakeError(self.failure.message)

    async def _hold(self, client: Connection, seconds: float) -> None:
        """Wait for an answer to early data before our Finished goes out. A QUIC client that does
        not send it acknowledges nothing either, so the answer must fit into what a server may
        send to an address that is not validated yet (RFC 9000 section 8.1)."""
        if client.early_data_accepted:
            until = min(self._deadline, self._now() + seconds)
            await self._pump(lambda: client.pending > 0, until)
            self.early_answer = client.pending > 0
        self._holding = False
        await self._flush()

    @property
    def early_data_accepted(self) -> bool:
        """Whether the server took early data that we sent."""
        return self.client is not None and self.client.early_data_accepted

    async def present(self, flight: Flight) -> None:
        """Send a first flight that this side cannot go on with, and read what the peer says:
        until it is quiet once it has spoken. Then the connection that the peer made of it is
        ended, where it must be. A failure is stored."""
        # Few connections only present a flight.
        from tlsresume.network.presenting import presented

        self.presented, failure = await presented(flight, self._channel, self._deadline)
        self._fail(failure)

    async def tickets(self, count: int, wait: float, settle: float = 0.05) -> None:
        client = self._connection()
        deadline = self._now() + wait
        if await self._pump(lambda: client.tickets >= 1, deadline) and count > 1:
            until = min(deadline, self._now() + settle)
            await self._pump(lambda: client.tickets >= count, until)

    @property
    def sessions(self) -> tuple[ResumptionState, ...]:
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
        return self.client is not None and self.client.tickets > 0

    async def response(self, wait: float) -> bool:
        """Read until the answer is complete (True), the peer closes, or `wait` seconds
        passed. `answer_ms` says how long that took, `left` whether the peer ended it."""
        client = self._connection()
        began = self._now()
        try:
            return await self._pump(lambda: client.answered, began + wait)
        finally:
            self.answer_ms = (self._now() - began) * 1000
            self.left = client.over

    async def close(self, *, clean: bool = True) -> None:
        await self.take_leave(clean=clean)
        await self.part()

    async def take_leave(self, *, clean: bool = True) -> None:
        """Close our side. Where the peer's end of a clean close is still to come, `part` waits
        for it; else the socket is free now."""
        client = self.client
        if client is not None:
            self._broken(client)
        self._closing = True
        try:
            if client is None or not client.established:
                if client is not None:
                    client.close(clean=clean)
                await self._flush()
            elif client.failure is not None or client.ended is not None:
                await self._flush()
                self.closed = "hung-up" if client.ended is not None else "failed"
            elif client.peer_closed and not self._channel.stream:
                self.closed = "hung-up"
            elif not clean:
                client.close(clean=False)
                self.closed = "abrupt"
            else:
                await self._say_goodbye(client)
        finally:
            if not self.parting:
                self.release()

    async def _say_goodbye(self, client: Connection) -> None:
        client.close()
        await self._flush(last=self._channel.stream)
        if not self._channel.stream:
            # No answer is due: whoever says farewell over UDP may leave.
            self.closed = "clean"
            return
        self._channel.end_sending()
        self.parting = True

    async def part(self) -> None:
        """Wait for the peer's end of a clean close, and note how it came."""
        client = self.client
        if client is None or not self.parting:
            return
        try:
            await self._pump(lambda: False, self._now() + CLOSE_WAIT)
            if client.peer_closed:
                self.closed = "clean"
            else:
                self.closed = "by-peer" if client.ended is not None else "peer-silent"
        finally:
            self.parting = False
            self.release()

    def release(self) -> None:
        """Free the socket at once; cut it if it was to be left unclean. Safe to call twice."""
        self._channel.close(abruptly=self.closed == "abrupt")
        if self.client is not None:
            self.client.release()

    # ---------------------------------------------------------------- pumping

    def _connection(self) -> Connection:
        if self.client is None:
            raise AssertionError("start_tls comes first")
        return self.client

    def _due(self) -> list[bytes]:
        """What waits to be sent, taken out of the connection."""
        client = self.client
        if client is None or (self._holding and client.established):
            return []
        pieces = client.drain()
        if self._unsent:
            pieces, self._unsent = [*self._unsent, *pieces], []
        return pieces

    async def _flush(self, *, last: bool = False) -> None:
        """Send what waits; `last`: the end of what we send is to come with it."""
        if pieces := self._due():
            await self._send(pieces, last=last)

    async def _send(self, pieces: list[bytes], *, last: bool = False) -> None:
        """Send pieces. A peer that no longer listens may still have spoken."""
        client, until = self._connection(), max(self._deadline, self._now() + CLOSE_WAIT)
        try:
            await self._channel.send(pieces, until, last=last)
        except TimeoutError:
            self._fail(Failure("data", "timeout", f"{self.where} does not read what we send"))
        except OSError as error:
            self._fail(self._channel.send_failure(error, client.step))

    async def _pump(self, done: Callable[[], bool], deadline: float) -> bool:
        """Carry bytes both ways until `done`, the end, a failure or the deadline."""
        client = self._connection()
        while True:
            if pieces := self._due():
                await self._send(pieces)
            if done():
                return True
            if client.failure is not None:
                self._broken(client)
                return False
            now = self._now()
            if client.over or self.failure is not None or now >= deadline:
                return False
            timer = client.deadline
            until = deadline if timer is None else min(deadline, max(timer, now + _LEAST_PAUSE))
            try:
                came = await self._channel.read(until)
            except EOFError:
                client.end(EndCause.CLOSED)
                continue
            except OSError as error:
                step = client.step
                client.end(EndCause.BROKEN)
                self._fail(self._channel.failure(error, step))
                return False
            for data in came:
                client.receive(data)
            if not came and timer is not None and self._now() >= timer:
                client.on_deadline()

    def _broken(self, client: Connection) -> None:
        broken = client.failure
        if broken is not None and not self._closing:
            self._fail(
                failure_of(
                    client,
                    broken,
                    self.where,
                    after_starttls=self.after_starttls,
                    stream=self._channel.stream,
                )
            )

    def _fail(self, failure: Failure | None) -> None:
        # How the peer takes our goodbye is in `closed`.
        if self.failure is None and not self._closing:
            self.failure = failure
