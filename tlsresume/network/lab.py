"""The real Lab: connections over the network, the system's clocks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tlsresume.errors import BudgetSpent, HandshakeError
from tlsresume.lab import Budget, Errand, Gate, Lab, Route
from tlsresume.network.dial import dial
from tlsresume.network.link import NetworkLink
from tlsresume.network.observe import Circumstances, failed_attempt, observed_attempt
from tlsresume.network.trace import Trace, tracer
from tlsresume.openssl.plan import Plan
from tlsresume.results import Attempt, Failure, Step
from tlsresume.session.session import Session
from tlsresume.target import format_endpoint
from tlsresume.wire.handshake import ProtocolVersion

#: Failures that can come from too many connections at once, or from a flaky path.
_RETRY_ALONE = frozenset({"timeout", "refused", "reset", "closed"})

#: Seconds that a ticket may come after the answer to our data.
AFTER_RESPONSE = 0.5

#: How often a broken connection is tried again, alone, before it is judged.
_RETRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the Lab behaves towards peers. Seconds."""

    timeout: float = 10.0
    node_header: str | None = None
    keep_transcripts: bool = False
    trace: Trace | None = None


class NetworkLab(Lab):
    """Connections of one target, within a budget, through a Gate that targets share."""

    def __init__(self, budget: Budget, gate: Gate, manners: Manners) -> None:
        super().__init__(budget)
        self._gate = gate
        self._manners = manners
        self._dialled = 0
        self._asked = 0

    @property
    def timeout(self) -> float:
        """Seconds that one connection may take."""
        return self._manners.timeout

    async def connect(
        self, route: Route, plan: Plan, errand: Errand, session: Session | None = None
    ) -> Attempt:
        self.budget.reserve()
        self._asked += 1
        ask = self._asked
        crowded = self._gate.busy(route.address, route.port) > 0
        async with self._gate.slot(route.address, route.port):
            attempt = await self._attempt(route, plan, errand, session, ask)
            crowded = crowded or self._gate.busy(route.address, route.port) > 1
        for _ in range(_RETRIES):
            if not self._worth_retrying(attempt, crowded=crowded):
                break
            try:
                self.budget.reserve()
            except BudgetSpent:
                break
            async with self._gate.slot(route.address, route.port, alone=True):
                attempt = await self._attempt(route, plan, errand, session, ask, retried=True)
            if attempt.handshake_done and crowded:
                self._gate.narrow(route.address, route.port)
            crowded = False
        return attempt

    @staticmethod
    def _worth_retrying(attempt: Attempt, *, crowded: bool) -> bool:
        error = attempt.error
        if error is None or attempt.handshake_done or error.kind not in _RETRY_ALONE:
            return False
        if error.kind in ("timeout", "refused"):
            return crowded
        return True

    async def _attempt(
        self,
        route: Route,
        plan: Plan,
        errand: Errand,
        session: Session | None,
        ask: int,
        *,
        retried: bool = False,
    ) -> Attempt:
        about = Circumstances(
            route=route,
            plan=plan,
            errand=errand,
            session=session,
            time=self.wall_time(),
            ask=ask,
            retried=retried,
        )
        started = self.now()
        try:
            dialled = await dial(route, self._manners.timeout)
        except asyncio.CancelledError:
            self.record(failed_attempt(about, Failure("connect", "cancelled", "interrupted")))
            raise
        if isinstance(dialled, Failure):
            return self.record(failed_attempt(about, dialled))
        sock, connect_ms = dialled
        self._dialled += 1
        where = format_endpoint(route.address, route.port)
        trace = self._manners.trace
        on_message = tracer(trace, self._dialled, where) if trace is not None else None
        link = NetworkLink(
            sock,
            where,
            self._manners.timeout,
            on_message,
            deadline=started + self._manners.timeout,
        )
        try:
            local_port: int | None = sock.getsockname()[1]
        except OSError:
            local_port = None
        try:
            await self._run(link, plan, errand, session)
        except asyncio.CancelledError:
            done = link.client is not None and link.client.handshake_done
            step: Step = "data" if done else "handshake"
            link.failure = link.failure or Failure(step, "cancelled", "interrupted")
            raise
        finally:
            link.release()
            attempt = self.record(
                observed_attempt(
                    about,
                    link,
                    local_port=local_port,
                    connect_ms=connect_ms,
                    total_ms=(self.now() - started) * 1000,
                    node_header=self._manners.node_header,
                    keep_transcript=self._manners.keep_transcripts,
                )
            )
        return attempt

    async def _run(
        self, link: NetworkLink, plan: Plan, errand: Errand, session: Session | None
    ) -> None:
        try:
            await link.start_tls(plan, session)
        except HandshakeError:
            await link.close()
            return
        client = link.client
        tls13 = client is not None and client.version >= ProtocolVersion.TLSv1_3
        waited = 0.0
        asked = False
        if tls13 and errand.want_tickets and errand.send and errand.send_after:
            waited = min(errand.send_after, errand.ticket_wait)
            started = self.now()
            await link.tickets(errand.want_tickets, waited)
            waited = self.now() - started
        elif errand.send:
            asked = True
            await link.send(errand.send)
        if errand.send and not asked and (errand.want_response or not link.got_tickets):
            asked = True
            await link.send(errand.send)
        left = max(0.0, errand.ticket_wait - waited)
        if asked and errand.want_response and await link.response(self._manners.timeout):
            # What a server sends with its answer is here now, or about to come.
            left = min(left, AFTER_RESPONSE)
        if tls13 and errand.want_tickets and not link.got_tickets:
            await link.tickets(errand.want_tickets, left)
        await link.close(clean=errand.clean)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def wall_time(self) -> float:
        return time.time()
