"""What an experiment may do, and the journal of what it did.

An experiment asks a Lab; the network gives the real one, tests give one with
canned replies and a virtual clock. Every attempt that ends, whatever way, goes
into the journal, so that evidence is a pure function of journal entries and an
interrupt loses nothing. The budget is reserved before dialling; the Gate is
shared by all targets of a run and grants slots per address and port.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from msgspec import Struct, field

from tlsresume.errors import BudgetSpent
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purpose import Purpose
from tlsresume.evidence.trial import EarlyAsk, Trial
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import Mechanism
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import HTTPRequest
from tlsresume.transports.interface import ClientOffer, Flight
from tlsresume.value import Value


class Route(Value, frozen=True):
    """The way to one address. `local_port` pins our source port (None: the system's choice)."""

    address: str
    port: int
    local_port: int | None = None
    transport: Transport = "tcp"


class Task(Value, frozen=True, kw_only=True):
    """What to do on a connection, apart from TLS itself, and what it is for.

    `want_tickets`: wait for that many TLS 1.3 tickets, `ticket_wait` seconds at most,
    and for `settle` seconds of silence after the first if fewer come. `send` goes out
    after the handshake once `send_after` seconds passed without a ticket (0: at once), or
    as long as the way there and back needs; `want_response`: read the answer to it, too,
    within the same wait. `clean`: close with close_notify. `named_address`: where an FTP
    server said that a data connection should go, if it said so. `flight` is sent instead of a
    new first flight, and such a connection is never made twice. `hold_finished`: keep our
    Finished back until the server answers the early data, that many seconds at most. Early
    data that is accepted counts as sent: `send` goes out only where it was not. `early` says
    what an experiment with early data asks by this connection. `number` and `of`: which try
    of how many it is, 0 where it is none of a series; for those who wait.
    """

    purpose: Purpose
    mechanism: Mechanism | None = None
    want_tickets: int = 0
    ticket_wait: float = 3.0
    send: bytes | HTTPRequest = b""
    send_after: float = 0.0
    want_response: bool = False
    clean: bool = True
    named_address: str | None = None
    flight: Flight | None = None
    hold_finished: float = 0.0
    early: EarlyAsk | None = None
    number: int = 0
    of: int = 0


Stage = Literal["connection", "handshake", "ticket"]


class OpenConnection(Struct, eq=False):
    """A connection that is open now, and what it waits for: since when, on the Lab's clock,
    and for how many seconds at most."""

    task: Task
    offers: bool
    since: float
    limit: float
    stage: Stage = "connection"


class Milestones:
    """What happens on a connection, for those who start something beside it meanwhile.

    Each is True when it happens, False when the connection has ended without it, which
    whoever waits for the connection says. `handshake`: it is done. `quiet`: no ticket came
    at first, and the rest of the wait begins.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.handshake: asyncio.Future[bool] = loop.create_future()
        self.quiet: asyncio.Future[bool] = loop.create_future()

    def reach(self, milestone: asyncio.Future[bool]) -> None:
        """Say that it happens now."""
        if not milestone.done():
            milestone.set_result(True)

    def end(self) -> None:
        """Say that nothing more will happen."""
        for milestone in (self.handshake, self.quiet):
            if not milestone.done():
                milestone.set_result(False)


class Budget:
    """How many connections a target may still cost."""

    def __init__(self, connections: int) -> None:
        self.total = connections
        self.used = 0

    @property
    def left(self) -> int:
        return self.total - self.used

    def reserve(self, connections: int = 1) -> None:
        """Take connections out of the budget. Raises BudgetSpent, taking none."""
        if connections > self.left:
            raise BudgetSpent(f"the budget of {self.total} connections is spent")
        self.used += connections


class Place(Struct, eq=False):
    """One connection's place at a Gate. `shared`: another of ours to the same address and
    port was open at some time meanwhile, or when we came and had to wait for it."""

    shared: bool = False


class _Slots(Struct):
    limit: int
    places: list[Place] = field(default_factory=list)
    alone: bool = False
    waiting_alone: int = 0
    #: Who holds a place or waits for one: while there is anybody, the slots are kept.
    users: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def free(self, *, alone: bool) -> bool:
        if alone:
            return not self.places
        # Whoever waits to be alone goes first, or a steady stream of others would starve it.
        return not self.alone and not self.waiting_alone and len(self.places) < self.limit

    def take(self, place: Place) -> None:
        self.places.append(place)
        if len(self.places) > 1:
            for each in self.places:
                each.shared = True


class Gate:
    """At most `limit` connections at a time to one address and port, over all targets.

    `per_second`: so many new connections a second, to all addresses together. `patience`: an
    address where so many connections in a row were refused or timed out is `down` (None: never).
    """

    def __init__(
        self, limit: int = 4, *, per_second: float | None = None, patience: int | None = None
    ) -> None:
        self.limit = limit
        self._slots: dict[tuple[str, int], _Slots] = {}
        self._open = 0
        self._left = asyncio.Event()
        self._interval = 0.0 if per_second is None else 1 / per_second
        self._next = 0.0
        self._patience = patience
        self._in_vain: dict[tuple[str, int], int] = {}

    def _at(self, address: str, port: int) -> _Slots:
        return self._slots.setdefault((address, port), _Slots(self.limit))

    @property
    def open(self) -> int:
        """How many places are taken now, at all addresses."""
        return self._open

    @property
    def interval(self) -> float:
        """Seconds between two new connections; 0: as fast as they come."""
        return self._interval

    def busy(self, address: str, port: int) -> int:
        """How many of our connections to that address are open now."""
        slots = self._slots.get((address, port))
        return len(slots.places) if slots is not None else 0

    def narrow(self, address: str, port: int) -> None:
        """From now on one connection at a time: that peer does not bear more."""
        self._at(address, port).limit = 1

    def note(self, address: str, port: int, *, reached: bool) -> None:
        """Say whether anything came back from an address: what refuses or times out is counted."""
        if self._patience is None:
            return
        if reached:
            self._in_vain.pop((address, port), None)
        else:
            self._in_vain[address, port] = self._in_vain.get((address, port), 0) + 1

    def down(self, address: str, port: int) -> bool:
        """Whether so many connections there were in vain that another one would be."""
        return (
            self._patience is not None and self._in_vain.get((address, port), 0) >= self._patience
        )

    async def turn(self) -> None:
        """Wait until the next new connection may be made."""
        if not self._interval:
            return
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + self._interval
        if mine > now:
            await asyncio.sleep(mine - now)

    async def one_leaves(self, seconds: float) -> None:
        """Wait until some connection has ended, to whatever address; `seconds` at most."""
        self._left.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._left.wait()

    @asynccontextmanager
    async def slot(self, address: str, port: int, *, alone: bool = False) -> AsyncIterator[Place]:
        """Hold one connection's place; with `alone`, while no other of ours is open."""
        slots = self._at(address, port)
        slots.users += 1
        try:
            place = await self._take(slots, alone=alone)
            try:
                yield place
            finally:
                slots.places.remove(place)
                slots.alone = False
                slots.changed.set()
                self._open -= 1
                self._left.set()
        finally:
            slots.users -= 1
            # Of many thousands of addresses only those are kept that are used or fragile.
            if not slots.users and slots.limit == self.limit:
                self._slots.pop((address, port), None)

    async def _take(self, slots: _Slots, *, alone: bool) -> Place:
        """Wait for a place, and take it."""
        place = Place(shared=bool(slots.places) and not alone)
        slots.waiting_alone += alone
        try:
            while not slots.free(alone=alone):
                slots.changed.clear()
                await slots.changed.wait()
            slots.take(place)
            slots.alone = alone
            self._open += 1
        finally:
            if alone:
                slots.waiting_alone -= 1
                slots.changed.set()
        return place


class Link(ABC):
    """One connection being made: plain bytes first, then TLS inside it."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Send bytes: in clear before `start_tls`, inside TLS after it."""

    @abstractmethod
    async def receive(self) -> bytes:
        """Some bytes, at least one; b"" at the end of the stream."""

    @abstractmethod
    async def start_tls(self, config: ClientConfig, session: Session | None = None) -> None:
        """Run the handshake. Raises PeerError; what was seen is in the attempt all the same."""

    @abstractmethod
    async def tickets(self, count: int, wait: float, settle: float = 0.05) -> None:
        """Read until `count` tickets came, or `wait` seconds passed, or `settle` seconds
        after one without another."""

    @abstractmethod
    async def close(self, *, clean: bool = True) -> None:
        """Close, with close_notify each way if `clean`, else by cutting the connection."""

    @property
    @abstractmethod
    def sessions(self) -> tuple[Session, ...]:
        """The sessions that came until now, oldest first."""

    @abstractmethod
    def remark(self, reply: str) -> None:
        """Put what another connection said of this one into the attempt."""


class Lab(ABC):
    """Where experiments are made: connections, a clock, a journal and a budget."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.journal = Evidence()

    @abstractmethod
    async def connect(
        self,
        route: Route,
        config: ClientConfig,
        task: Task,
        session: Session | None = None,
        *,
        milestones: Milestones | None = None,
    ) -> Trial:
        """Dial, handshake with `session` offered, run the task, close. The attempt is
        returned and journalled, also when the peer failed. Raises BudgetSpent, and
        LocalError where this machine has no descriptor, port or memory for it."""

    def dial(
        self, route: Route, task: Task, *, beside: bool = False
    ) -> AbstractAsyncContextManager[Link]:
        """A connection for a conversation, where TLS can start; several may be open.

        `beside`: it belongs to another one, so nothing is said in clear before TLS. What
        the task says apart from its names is the caller's business. The attempt is
        journalled when the block ends. Raises BudgetSpent and LocalError, and PeerError
        where no connection could be made.
        """
        raise NotImplementedError

    def first_flight(self, config: ClientConfig, session: Session) -> Flight:
        """A first flight with the config's early data, over the session's transport; nothing is
        sent yet. Raises UsageError."""
        # What connects is not needed to plan a run.
        from tlsresume.transports.table import TRANSPORTS

        offer = ClientOffer(state=session, early_request=config.early_data)
        return TRANSPORTS[session.transport].first_flight(config, offer, clock=self.now)

    async def present(self, route: Route, flight: Flight, task: Task) -> Trial:
        """Send a copy of a first flight on a connection that cannot go on with it.

        What comes back in clear (a ServerHello) is read, and whatever follows for a moment.
        The attempt is journalled; its handshake is never done. Raises BudgetSpent, LocalError.
        """
        raise NotImplementedError

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def now(self) -> float:
        """Monotonic seconds."""

    @abstractmethod
    def wall_time(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    def record(self, attempt: Trial) -> Trial:
        """Number an attempt, say where the session that it offers is from, and journal it."""
        number = len(self.journal) + 1
        if attempt.n != number:
            attempt = attempt.numbered(number)
        issuer = self.journal.issuer_of(attempt.offer.handle) if attempt.offer else None
        if issuer is not None:
            attempt = attempt.offering_from(issuer.address)
        self.journal.append(attempt)
        return attempt
