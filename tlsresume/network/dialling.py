"""Connections on which TLS can start, each recorded as a Trial when it ends.

Of whatever transport: a stream that was reached directly or through a proxy, with all that is
said in clear before TLS, or datagrams. A shortage of this machine is waited for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic as now

from msgspec import Struct

from tlsresume.errors import LocalError, PreludeError
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Gate, Lab, Route
from tlsresume.network.before_tls import BeforeTLS, begin, reach
from tlsresume.network.channel import Datagrams, Stream
from tlsresume.network.dial import Reached
from tlsresume.network.link import NetworkLink
from tlsresume.network.observe import Ending, KnownBefore, failed_trial, observed_trial
from tlsresume.network.trace import Trace, tracer
from tlsresume.results.connection import Failure
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.transports.table import TRANSPORTS
from tlsresume.value import Value

#: Where this machine has no descriptor or port left, it is asked again: at the latest after
#: so many seconds, or when a connection of ours has ended; for `LabOptions.timeout` while others
#: are open, whose end helps, and for so many seconds in all where none is.
_ROOM_PAUSE = 0.2
_PATIENCE_ALONE = 2.0


class LabOptions(Value, frozen=True, kw_only=True):
    """How the Lab behaves towards peers. Seconds."""

    timeout: float = 10.0
    before_tls: BeforeTLS = BeforeTLS()
    node_header: str | None = None
    trace: Trace | None = None


class Opened(Struct):
    """A connection or why there is none; and its attempt, once it has ended."""

    link: NetworkLink | None = None
    failure: Failure | None = None
    attempt: Trial | None = None

    @property
    def recorded(self) -> Trial:
        """The attempt of a connection that has ended."""
        if self.attempt is None:
            raise AssertionError("every attempt is recorded")
        return self.attempt


class Dialler:
    """Opens the connections of one Lab, whose journal has each that ended."""

    def __init__(self, lab: Lab, gate: Gate, options: LabOptions) -> None:
        self._lab = lab
        self._gate = gate
        self._options = options
        self._dialled = 0
        #: Connections whose goodbye is out, while their places are given back; None: they
        #: keep their places until the peer has closed, too.
        self._parting: set[asyncio.Task[None]] | None = None

    @asynccontextmanager
    async def parting_early(self) -> AsyncIterator[None]:
        """Give a connection's place back when our close_notify and FIN are out: the peer's end
        is waited for beside the next one, and how it came is filled in later. At the end of
        the block all have ended."""
        if self._parting is not None:
            yield
            return
        parting: set[asyncio.Task[None]] = set()
        self._parting = parting
        try:
            yield
            self._parting = None
            await asyncio.gather(*parting)  # one that broke is a bug of ours, and raises
        finally:
            self._parting = None
            for waiting in parting:
                waiting.cancel()
            await asyncio.gather(*parting, return_exceptions=True)

    @asynccontextmanager
    async def linked(
        self, about: KnownBefore, before_tls: BeforeTLS | None = None
    ) -> AsyncIterator[Opened]:
        """A connection on which TLS can start; its attempt is recorded when the block ends."""
        opened, route = Opened(), about.route
        before_tls = self._options.before_tls if before_tls is None else before_tls
        try:
            started, reached = await self._reach(route, before_tls)
        except asyncio.CancelledError:
            self._lab.record(failed_trial(about, Failure("connect", "cancelled", "interrupted")))
            raise
        if isinstance(reached, Failure):
            opened.failure = reached
            opened.attempt = self._lab.record(failed_trial(about, reached))
            if reached.kind == "local" and route.local_port is None:
                raise local_error(reached)
            yield opened
            return
        link = self._link(route, reached, started)
        local_port = _port_of(reached.sock)

        def observed(n: int) -> Trial:
            return observed_trial(
                about,
                link,
                n=n,
                local_port=local_port,
                connect_ms=reached.milliseconds,
                total_ms=(now() - started) * 1000,
                node_header=self._options.node_header,
            )

        try:
            try:
                await begin(link, reached.sock, route, before_tls)
            except PreludeError:
                opened.failure = link.failure
                await link.close()
            else:
                opened.link = link
            yield opened
        except asyncio.CancelledError:
            link.failure = link.failure or _stopped(link, now() - started)
            link.parting = False
            raise
        finally:
            parting = self._parting if link.parting else None
            if parting is None:
                link.release()
            opened.attempt = self._lab.record(observed(len(self._lab.journal) + 1))
            if parting is not None:
                self._part(link, opened.attempt, observed, parting)

    def _link(self, route: Route, reached: Reached, started: float) -> NetworkLink:
        self._dialled += 1
        where = format_endpoint(route.address, route.port)
        trace, timeout = self._options.trace, self._options.timeout
        transport = TRANSPORTS[route.transport]
        channel = (
            Stream(reached.sock, where, unread=reached.unread)
            if route.transport == "tcp"
            else Datagrams(reached.sock, where, transport.protocol)
        )
        return NetworkLink(
            channel,
            timeout,
            tracer(trace, self._dialled, where) if trace is not None else None,
            transport=transport,
            deadline=started + timeout,
        )

    async def close(self, link: NetworkLink, *, clean: bool) -> None:
        """Close a link, or only take leave of it where the peer's end is waited for on the side."""
        parting = self._parting
        if parting is None or len(parting) >= self._gate.limit:
            await link.close(clean=clean)
        else:
            await link.take_leave(clean=clean)

    def _part(
        self,
        link: NetworkLink,
        attempt: Trial,
        observed: Callable[[int], Trial],
        parting: set[asyncio.Task[None]],
    ) -> None:
        """Wait for the peer's end of a connection on the side, and fill in what came of it."""
        ending = Ending(attempt, link)

        def parted(waiting: asyncio.Task[None]) -> None:
            # Also of one that was cancelled before it began.
            link.parting = False
            link.release()
            if waiting.cancelled():
                link.failure = link.failure or Failure("data", "cancelled", "interrupted")
            self._lab.journal.settle(ending.attempt(observed))
            if waiting.cancelled() or waiting.exception() is None:
                parting.discard(waiting)

        waiting = asyncio.create_task(link.part())
        parting.add(waiting)
        waiting.add_done_callback(parted)

    async def _reach(self, route: Route, before_tls: BeforeTLS) -> tuple[float, Reached | Failure]:
        """When dialling began, and what came of it. A shortage of ours is waited for."""
        await self._gate.turn()
        timeout, asked = self._options.timeout, now()
        while True:
            started = now()
            reached = await reach(route, before_tls, timeout)
            if not isinstance(reached, Failure) or reached.kind != "local":
                return started, reached
            patience = timeout if self._gate.open > 1 else _PATIENCE_ALONE
            left = asked + min(patience, timeout) - now()
            if route.local_port is not None or left <= 0:
                return started, reached
            await self._gate.one_leaves(min(left, _ROOM_PAUSE))


def local_error(failure: Failure) -> LocalError:
    """What to raise for a failure of this machine."""
    return LocalError(failure.message, hints=failure.hints)


def _port_of(sock: socket.socket) -> int | None:
    """The local port, unless the connection is gone already."""
    try:
        port: int = sock.getsockname()[1]
    except (OSError, IndexError):
        return None
    return port


def _stopped(link: NetworkLink, seconds: float) -> Failure:
    """That we ended a connection, and where it stood: an offer that has no answer is one."""
    client = link.client
    if client is not None and client.established:
        return Failure("data", "cancelled", "interrupted")
    offered = (
        client is not None and client.offer.state is not None and client.transcript.client_hello
    )
    if offered and client is not None and client.transcript.server_hello is None:
        message = f"the session was offered; no answer when we stopped, after {seconds:.1f} s"
        return Failure("handshake", "cancelled", message)
    return Failure("handshake", "cancelled", "interrupted")
