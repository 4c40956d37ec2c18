"""A Lab without a network: replies come from a function, and time is a number.

`CannedLab` asks `reply` for each connection. `Pool` is such a function: nodes
that issue and honour sessions as told, picked by any rule. Whatever is random
takes its dice from the caller, so that a run can be repeated.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.helpers.sessions import altered
from tests.helpers.trials import trial
from tlsresume.evidence.observation import Ticket
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Lab, Milestones, Route, Task
from tlsresume.results.connection import Failure, FailureKind, Mechanism, Timings
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig

START = 1_800_000_000.0
ROUTE = Route("192.0.2.10", 443)


@dataclass(frozen=True)
class Ask:
    """One connection that was asked for."""

    number: int
    time: float
    route: Route
    config: ClientConfig
    task: Task
    session: Session | None


Reply = Callable[[Ask], Trial]


class CannedLab(Lab):
    """Each connection takes `seconds` of virtual time; others are let in meanwhile."""

    def __init__(
        self,
        reply: Reply,
        *,
        budget: int = 200,
        seconds: float = 0.01,
        dice: random.Random | None = None,
    ) -> None:
        super().__init__(Budget(budget))
        self._reply = reply
        self._seconds = seconds
        self._clock = 0.0
        self._dice = dice or random.Random(1)
        self.asks: list[Ask] = []

    async def connect(
        self,
        route: Route,
        config: ClientConfig,
        task: Task,
        session: Session | None = None,
        *,
        milestones: Milestones | None = None,
    ) -> Trial:
        self.budget.reserve()
        for _ in range(self._dice.randrange(3)):
            await asyncio.sleep(0)
        self._clock += self._seconds
        ask = Ask(len(self.asks) + 1, self.wall_time(), route, config, task, session)
        self.asks.append(ask)
        attempt = self.answer(ask)
        if milestones is not None and attempt.handshake_done:
            milestones.reach(milestones.handshake)
            if task.want_tickets and not attempt.tickets:
                milestones.reach(milestones.quiet)
        for _ in range(self._dice.randrange(3)):
            await asyncio.sleep(0)
        return self.record(attempt)

    def answer(self, ask: Ask) -> Trial:
        return self._reply(ask)

    async def wait(self, seconds: float) -> None:
        self._clock += seconds

    def now(self) -> float:
        return self._clock

    def wall_time(self) -> float:
        return START + self._clock


# --------------------------------------------------------------------- attempts


def attempt_of(ask: Ask, **seen: Any) -> Trial:
    """A trial on which nothing was seen but what is given."""
    defaults: dict[str, Any] = {
        "n": 0,
        "ask": ask.number,
        "time": ask.time,
        "address": ask.route.address,
        "port": ask.route.port,
        "purpose": ask.task.purpose,
        "mechanism": ask.task.mechanism,
        "config": ask.config,
        "state": ask.session,
        "offered": ask.session.mechanism if ask.session else None,
        "timings": Timings(connect=1.0, handshake=2.0, total=5.0),
    }
    return trial(**(defaults | seen))


def done(ask: Ask, *, resumed: bool = False, **seen: Any) -> Trial:
    """A connection whose handshake was completed."""
    version = ask.config.maximum
    defaults = {
        "handshake_done": True,
        "server_hello_seen": True,
        "certificate_seen": not resumed,
        "accepted": resumed,
        "resumed": resumed,
        "tls_version": version,
        "closed": "clean",
    }
    return attempt_of(ask, **(defaults | seen))


def broken(ask: Ask, kind: FailureKind = "reset", **seen: Any) -> Trial:
    """A connection that broke in the handshake."""
    return attempt_of(ask, error=Failure("handshake", kind, f"the peer: {kind}"), **seen)


_VECTOR: dict[str, str] = {
    "psk": "openssl40-psk",
    "ticket": "openssl40-ticket",
    "session-id": "openssl40-session-id",
}


def mint(mechanism: str, handle: bytes, at: float = START, **changes: Any) -> Session:
    """A session of a mechanism whose ticket or session ID is `handle`."""
    name = "session_id" if mechanism == "session-id" else "ticket"
    return altered(_VECTOR[mechanism], time=int(at), **{name: handle}, **changes)


# ------------------------------------------------------------------------- pool


@dataclass
class Pool:
    """Nodes behind one address, each with its own key and cache.

    `pick` says which node a connection meets. `stateful` tickets are 32 bytes and name
    no key; `single_use` ones are accepted once; `nameless` ones are sealed, and name no key.
    `breaks` says which connections are reset.
    """

    pick: Callable[[int], int] = lambda _: 0
    mechanisms: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")
    stateful: bool = False
    single_use: bool = False
    nameless: bool = False
    lifetime: int = 7200
    breaks: Callable[[Ask], bool] = lambda _: False
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    _issued: dict[bytes, int] = field(default_factory=dict)
    _used: set[bytes] = field(default_factory=set)

    def __call__(self, ask: Ask) -> Trial:
        mechanism = ask.task.mechanism
        assert mechanism is not None
        if self.breaks(ask):
            return broken(ask)
        node = self.pick(ask.number)
        if mechanism not in self.mechanisms:
            return done(ask)
        resumed = ask.session is not None and self._accepts(ask.session, node)
        if resumed and mechanism != "psk":
            return done(ask, resumed=True, sessions=(ask.session,))
        handle = self._handle(mechanism, node)
        session = mint(mechanism, handle, ask.time)
        tickets = () if mechanism == "session-id" else (Ticket(handle, self.lifetime, 2.0),)
        return done(ask, resumed=resumed, sessions=(session,), tickets=tickets)

    def forget(self, session: Session) -> None:
        """Drop a session, as a cache does whose connection was cut."""
        self._issued.pop(session.fields.ticket or session.fields.session_id, None)

    def _accepts(self, session: Session, node: int) -> bool:
        handle = session.fields.ticket or session.fields.session_id
        if self._issued.get(handle) != node:
            return False
        if self.single_use and session.mechanism == "psk":
            if handle in self._used:
                return False
            self._used.add(handle)
        return True

    def _handle(self, mechanism: Mechanism, node: int) -> bytes:
        if mechanism == "session-id" or (self.stateful and mechanism == "psk"):
            handle = self.dice.randbytes(32)
        else:
            name = self.dice.randbytes(16) if self.nameless else bytes([node + 1]) * 16
            handle = name + self.dice.randbytes(176)
        self._issued[handle] = node
        return handle
