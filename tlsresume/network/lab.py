"""The real Lab: connections over the network, the system's clocks.

What a connection goes through has files of its own: how it is opened (`dialling.py`), what is
done on it (`carry_out.py`), how it becomes a Trial (`observe.py`), and whether it is made again
(`retries.py`). Here is their order, with the budget and the Gate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tlsresume.errors import BudgetSpent, ConnectError, LocalError
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Lab, Link, Milestones, OpenConnection, Route, Task
from tlsresume.network.carry_out import carry_out
from tlsresume.network.dialling import Dialler, LabOptions, local_error
from tlsresume.network.observe import KnownBefore
from tlsresume.network.retries import Retries, in_vain, pauses
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import Flight


class NetworkLab(Lab):
    """Connections of one target, within a budget, through a Gate that targets share."""

    def __init__(self, budget: Budget, gate: Gate, options: LabOptions) -> None:
        super().__init__(budget)
        self._gate = gate
        self._options = options
        self._asked = 0
        self._retries = Retries()
        self._dialler = Dialler(self, gate, options)
        #: The connections that are open now, the oldest first.
        self.doing: list[OpenConnection] = []

    @property
    def timeout(self) -> float:
        """Seconds that one connection may take."""
        return self._options.timeout

    def parting_early(self) -> AbstractAsyncContextManager[None]:
        """A block in which a connection's place is free as soon as our goodbye is out."""
        return self._dialler.parting_early()

    async def connect(
        self,
        route: Route,
        config: ClientConfig,
        task: Task,
        session: Session | None = None,
        *,
        milestones: Milestones | None = None,
    ) -> Trial:
        first = self._ask(route, config, task, session)
        async with self._gate.slot(route.address, route.port) as place:
            attempt = await self._attempt(first, milestones)
        crowded = place.shared
        self._retries.note(attempt, crowded=crowded)
        if attempt.error is None or not attempt.error.ours:
            self._gate.note(route.address, route.port, reached=not in_vain(attempt))
        for pause in pauses(attempt):
            if not self._retries.worth(attempt, crowded=crowded):
                break
            try:
                async with self._gate.slot(route.address, route.port, alone=True):
                    # Others may have found out meanwhile that being alone does not help.
                    if not self._retries.worth(attempt, crowded=crowded):
                        break
                    self.budget.reserve()
                    await self.wait(pause)
                    broke = attempt.error
                    attempt = await self._attempt(first.again(self.wall_time()), milestones)
            except (BudgetSpent, LocalError, asyncio.CancelledError):
                self.journal.correct(attempt.left_unsettled())
                raise
            self._retries.note(attempt, crowded=False)
            if attempt.handshake_done and crowded and not (broke and broke.kind == "local"):
                self._gate.narrow(route.address, route.port)
            crowded = False
        error = attempt.error
        if error and error.kind == "local" and not attempt.handshake_done:
            if route.local_port is None:
                raise local_error(error)
        elif self._retries.settle(attempt, self.journal):
            self._gate.narrow(route.address, route.port)
        return attempt

    def _ask(
        self, route: Route, config: ClientConfig, task: Task, session: Session | None
    ) -> KnownBefore:
        """A connection that may be made: its place in the budget is taken."""
        self._retries.check(route)
        self.budget.reserve()
        self._asked += 1
        return KnownBefore(
            route=route,
            config=config,
            task=task,
            session=session,
            time=self.wall_time(),
            ask=self._asked,
        )

    async def _attempt(self, about: KnownBefore, milestones: Milestones | None) -> Trial:
        task, session = about.task, about.session
        doing = OpenConnection(task, session is not None, self.now(), self._options.timeout)
        self.doing.append(doing)
        try:
            async with self._dialler.linked(about) as opened:
                link = opened.link
                if link is not None and await carry_out(
                    link, about.config, task, session, milestones, doing=doing
                ):
                    await self._dialler.close(link, clean=task.clean)
        finally:
            self.doing.remove(doing)
        return opened.recorded

    async def present(self, route: Route, flight: Flight, task: Task) -> Trial:
        about = self._ask(route, flight.config, task, flight.session)
        async with (
            self._gate.slot(route.address, route.port),
            self._dialler.linked(about) as opened,
        ):
            if opened.link is not None:
                await opened.link.present(flight)
        return opened.recorded

    @asynccontextmanager
    async def dial(self, route: Route, task: Task, *, beside: bool = False) -> AsyncIterator[Link]:
        about = self._ask(route, ClientConfig(), task, None)
        before_tls = self._options.before_tls
        async with (
            self._gate.slot(route.address, route.port),
            self._dialler.linked(about, before_tls.beside() if beside else before_tls) as opened,
        ):
            if opened.link is None:
                failure = opened.failure
                if failure is not None and failure.kind == "local":
                    raise local_error(failure)
                raise ConnectError(failure.message if failure else "no connection")
            yield opened.link

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def wall_time(self) -> float:
        return time.time()
