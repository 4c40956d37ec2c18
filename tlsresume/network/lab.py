"""The real Lab: connections over the network, the system's clocks."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from tlsresume.errors import (
    BudgetSpent,
    ConnectError,
    HandshakeError,
    LimitedByServer,
    LocalError,
    PreludeError,
)
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Lab, Link, Milestones, OpenConnection, Route, Task
from tlsresume.network.before_tls import BeforeTLS, begin, reach
from tlsresume.network.channel import Datagrams, Stream
from tlsresume.network.dial import failure_from, open_datagram_socket
from tlsresume.network.link import NetworkLink
from tlsresume.network.observe import Ending, KnownBefore, failed_trial, observed_trial
from tlsresume.network.proxy import Reached
from tlsresume.network.trace import Trace, tracer
from tlsresume.results import Failure
from tlsresume.sessions.session import Session
from tlsresume.targets.target import format_endpoint
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import Flight
from tlsresume.transports.table import TRANSPORTS
from tlsresume.value import Value

#: Failures that can come from too many connections at once, or from a flaky path.
_RETRY_ALONE = frozenset(
    {"timeout", "refused", "reset", "closed", "starttls", "proxy", "local", "rate-limit"}
)

#: Where this machine has no descriptor or port left, it is asked again: at the latest after
#: so many seconds, or when a connection of ours has ended; for `LabOptions.timeout` while others
#: are open, whose end helps, and for so many seconds in all where none is.
_ROOM_PAUSE = 0.2
_PATIENCE_ALONE = 2.0

#: Seconds that a ticket may come after the answer to our data.
AFTER_RESPONSE = 0.5

#: Seconds without a ticket, after data or without any to send, that are called quiet.
QUIET = 0.3

#: A broken connection is tried again, alone, before it is judged: after these pauses, in
#: seconds, since a server may need a moment to notice that our others have ended.
_PAUSES = (0.05, 0.3)

#: Seconds to wait where the server says that it limits connections: enough for a limit on
#: connections at a time, or in a second; those in a minute or an hour are not waited out.
_LIMIT_PAUSES = (1.0, 4.0)
#: So often waiting may help; a server that allows a few connections at a time takes too long.
_LIMITS_WAITED_OUT = 4

#: After so many connections that broke although they were alone, neither crowding nor
#: chance is the cause of others. Timeouts are dear, so fewer of them are enough.
_IN_VAIN = 4
_TIMEOUTS_IN_VAIN = 2

#: Seconds that an answer to our data may take, and the most of the timeout that this may
#: be: a server that serves one connection at a time keeps the others waiting meanwhile.
RESPONSE_WAIT = 3.0
_RESPONSE_SHARE = 1 / 3


class LabOptions(Value, frozen=True, kw_only=True):
    """How the Lab behaves towards peers. Seconds."""

    timeout: float = 10.0
    before_tls: BeforeTLS = BeforeTLS()
    node_header: str | None = None
    trace: Trace | None = None


#: Where, and how, connections break: address, port, and what was offered there.
_Place = tuple[str, int, str]


def _place(attempt: Trial, kind: str) -> _Place:
    """Timeouts are counted together; others by the mechanism that a session was offered for."""
    offered = attempt.mechanism if attempt.offer is not None else None
    return (attempt.address, attempt.port, kind if kind == "timeout" else offered or "")


class _Opened(Struct):
    """A connection or why there is none; and its attempt, once it has ended."""

    link: NetworkLink | None = None
    failure: Failure | None = None
    attempt: Trial | None = None


class _Limits:
    """Places where the server said that it limits connections, and how often waiting helped."""

    def __init__(self) -> None:
        self._waited: Counter[tuple[str, int]] = Counter()
        self._words: dict[tuple[str, int], str] = {}

    def check(self, route: Route) -> None:
        """Raise LimitedByServer where no more connections are to be made."""
        words = self._words.get((route.address, route.port))
        if words is not None:
            raise LimitedByServer(words)

    def worth_waiting(self, attempt: Trial) -> bool:
        place = (attempt.address, attempt.port)
        return place not in self._words and self._waited[place] < _LIMITS_WAITED_OUT

    def waited_out(self, route: Route) -> None:
        """A connection came about after a wait."""
        self._waited[route.address, route.port] += 1

    def give_up(self, route: Route, attempt: Trial) -> None:
        """Waiting did not help: ask for no more."""
        said = attempt.error.message if attempt.error is not None else "no more connections"
        words = f"{said}; --tries 1 asks for less, a minute or more from now"
        self._words.setdefault((route.address, route.port), words)


def _in_vain(attempt: Trial) -> bool:
    """Whether nothing at all came back: refused, or silence."""
    error = attempt.error
    if error is None or attempt.traffic.received:
        return False
    return error.kind == "timeout" or (error.kind == "refused" and error.step == "connect")


def _limited(attempt: Trial) -> bool:
    return attempt.error is not None and attempt.error.kind == "rate-limit"


def _was_limited(attempt: Trial, journal: Sequence[Trial]) -> bool:
    """Whether an attempt that was repeated was turned away at first for such a limit."""
    if not attempt.retried:
        return False
    return any(_limited(earlier) for earlier in journal if earlier.ask == attempt.ask)


class NetworkLab(Lab):
    """Connections of one target, within a budget, through a Gate that targets share."""

    def __init__(self, budget: Budget, gate: Gate, options: LabOptions) -> None:
        super().__init__(budget)
        self._gate = gate
        self._options = options
        self._dialled = 0
        self._asked = 0
        self._in_vain: Counter[_Place] = Counter()
        self._limits = _Limits()
        #: The connections that are open now, the oldest first.
        self.doing: list[OpenConnection] = []
        #: Connections whose goodbye is out, while their places are given back; None: they
        #: keep their places until the peer has closed, too.
        self._parting: set[asyncio.Task[None]] | None = None

    @property
    def timeout(self) -> float:
        """Seconds that one connection may take."""
        return self._options.timeout

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
            for task in parting:
                task.cancel()
            await asyncio.gather(*parting, return_exceptions=True)

    async def connect(
        self,
        route: Route,
        config: ClientConfig,
        task: Task,
        session: Session | None = None,
        *,
        milestones: Milestones | None = None,
    ) -> Trial:
        self._limits.check(route)
        self.budget.reserve()
        self._asked += 1
        ask = self._asked
        async with self._gate.slot(route.address, route.port) as place:
            attempt = await self._attempt(route, config, task, session, ask, milestones=milestones)
        crowded = place.shared
        self._note(attempt, crowded=crowded)
        if attempt.error is None or not attempt.error.ours:
            self._gate.note(route.address, route.port, reached=not _in_vain(attempt))
        for pause in _LIMIT_PAUSES if _limited(attempt) else _PAUSES:
            if not self._worth_retrying(attempt, crowded=crowded):
                break
            try:
                async with self._gate.slot(route.address, route.port, alone=True):
                    # Others may have found out meanwhile that being alone does not help.
                    if not self._worth_retrying(attempt, crowded=crowded):
                        break
                    self.budget.reserve()
                    await self.wait(pause)
                    broke = attempt.error
                    attempt = await self._attempt(
                        route, config, task, session, ask, milestones=milestones, retried=True
                    )
            except (BudgetSpent, LocalError, asyncio.CancelledError):
                self.journal.correct(attempt.left_unsettled())
                raise
            self._note(attempt, crowded=False)
            if attempt.handshake_done and crowded and not _is_local(broke):
                self._gate.narrow(route.address, route.port)
            crowded = False
        if _is_local(attempt.error) and not attempt.handshake_done and route.local_port is None:
            raise _local_error(attempt.error)
        if _limited(attempt):
            self._limits.give_up(route, attempt)
        elif _was_limited(attempt, self.journal):
            self._limits.waited_out(route)
            self._gate.narrow(route.address, route.port)
        return attempt

    def _note(self, attempt: Trial, *, crowded: bool) -> None:
        """Count the connections that broke although they were alone, since being alone last
        helped."""
        if attempt.handshake_done and attempt.retried:
            for place in (_place(attempt, "timeout"), _place(attempt, "other")):
                self._in_vain[place] = 0
        elif not (crowded or attempt.handshake_done or attempt.error is None or attempt.error.ours):
            self._in_vain[_place(attempt, attempt.error.kind)] += 1

    def _worth_retrying(self, attempt: Trial, *, crowded: bool) -> bool:
        error = attempt.error
        if attempt.early is not None or attempt.early_data != "not-sent":
            return False  # the same early data once more would be a replay
        if error is None or attempt.handshake_done or error.kind not in _RETRY_ALONE:
            return False
        if error.kind == "local":
            return error.step != "connect"  # else it was waited for, or is a pinned port
        if error.kind == "rate-limit":
            return self._limits.worth_waiting(attempt)
        if error.kind in ("starttls", "proxy"):
            # Some turn away whom they have too many connections from, in clear.
            return crowded
        if error.kind == "timeout":
            return crowded and self._in_vain[_place(attempt, error.kind)] < _TIMEOUTS_IN_VAIN
        if self._in_vain[_place(attempt, error.kind)] >= _IN_VAIN:
            return False
        return crowded or error.kind != "refused"

    async def _attempt(
        self,
        route: Route,
        config: ClientConfig,
        task: Task,
        session: Session | None,
        ask: int,
        *,
        milestones: Milestones | None = None,
        retried: bool = False,
    ) -> Trial:
        about = KnownBefore(
            route=route,
            config=config,
            task=task,
            session=session,
            time=self.wall_time(),
            ask=ask,
            retried=retried,
        )
        doing = OpenConnection(task, session is not None, self.now(), self._options.timeout)
        self.doing.append(doing)
        try:
            async with self._linked(about, self._options.before_tls) as opened:
                if opened.link is not None:
                    doing.stage = "handshake"
                    await self._run(opened.link, config, task, session, milestones, doing=doing)
        finally:
            self.doing.remove(doing)
        if opened.attempt is None:
            raise AssertionError("every attempt is recorded")
        return opened.attempt

    async def present(self, route: Route, flight: Flight, task: Task) -> Trial:
        self._limits.check(route)
        self.budget.reserve()
        self._asked += 1
        about = KnownBefore(
            route=route,
            config=flight.config,
            task=task,
            session=flight.session,
            time=self.wall_time(),
            ask=self._asked,
            retried=False,
        )
        async with (
            self._gate.slot(route.address, route.port),
            self._linked(about, self._options.before_tls) as opened,
        ):
            if opened.link is not None:
                await opened.link.present(flight)
        if opened.attempt is None:
            raise AssertionError("every attempt is recorded")
        return opened.attempt

    @asynccontextmanager
    async def dial(self, route: Route, task: Task, *, beside: bool = False) -> AsyncIterator[Link]:
        self._limits.check(route)
        self.budget.reserve()
        self._asked += 1
        about = KnownBefore(
            route=route,
            config=ClientConfig(),
            task=task,
            session=None,
            time=self.wall_time(),
            ask=self._asked,
            retried=False,
        )
        before_tls = self._options.before_tls
        async with (
            self._gate.slot(route.address, route.port),
            self._linked(about, before_tls.beside() if beside else before_tls) as opened,
        ):
            if opened.link is None:
                if _is_local(opened.failure):
                    raise _local_error(opened.failure)
                raise ConnectError(opened.failure.message if opened.failure else "no connection")
            yield opened.link

    @asynccontextmanager
    async def _linked(self, about: KnownBefore, before_tls: BeforeTLS) -> AsyncIterator[_Opened]:
        """A connection on which TLS can start; its attempt is recorded when the block ends."""
        opened = _Opened()
        route = about.route
        if route.transport != "tcp":
            async with self._datagrams(about, opened):
                yield opened
            return
        try:
            started, reached = await self._reach(route, before_tls)
        except asyncio.CancelledError:
            self.record(failed_trial(about, Failure("connect", "cancelled", "interrupted")))
            raise
        if isinstance(reached, Failure):
            opened.failure = reached
            opened.attempt = self.record(failed_trial(about, reached))
            if _is_local(reached) and route.local_port is None:
                raise _local_error(reached)
            yield opened
            return
        sock, connect_ms = reached.sock, reached.milliseconds
        self._dialled += 1
        where = format_endpoint(route.address, route.port)
        trace = self._options.trace
        on_message = tracer(trace, self._dialled, where) if trace is not None else None
        link = NetworkLink(
            Stream(sock, where, unread=reached.unread),
            self._options.timeout,
            on_message,
            deadline=started + self._options.timeout,
        )
        local_port = _port_of(sock)

        def observed(n: int) -> Trial:
            return observed_trial(
                about,
                link,
                n=n,
                local_port=local_port,
                connect_ms=connect_ms,
                total_ms=(self.now() - started) * 1000,
                node_header=self._options.node_header,
            )

        try:
            try:
                await begin(link, sock, route, before_tls)
            except PreludeError:
                opened.failure = link.failure
                await link.close()
            else:
                opened.link = link
            yield opened
        except asyncio.CancelledError:
            link.failure = link.failure or _stopped(link, self.now() - started)
            link.parting = False
            raise
        finally:
            parting = self._parting if link.parting else None
            if parting is None:
                link.release()
            opened.attempt = self.record(observed(len(self.journal) + 1))
            if parting is not None:
                self._part(link, opened.attempt, observed, parting)

    def _part(
        self,
        link: NetworkLink,
        attempt: Trial,
        observed: Callable[[int], Trial],
        parting: set[asyncio.Task[None]],
    ) -> None:
        """Wait for the peer's end of a connection on the side, and fill in what came of it."""
        ending = Ending(attempt, link)

        def parted(task: asyncio.Task[None]) -> None:
            # Also of a task that was cancelled before it began.
            link.parting = False
            link.release()
            if task.cancelled():
                link.failure = link.failure or Failure("data", "cancelled", "interrupted")
            self.journal.settle(ending.attempt(observed))
            if task.cancelled() or task.exception() is None:
                parting.discard(task)

        task = asyncio.create_task(link.part())
        parting.add(task)
        task.add_done_callback(parted)

    @asynccontextmanager
    async def _datagrams(self, about: KnownBefore, opened: _Opened) -> AsyncIterator[None]:
        """`_linked` over UDP, where nothing comes before the first flight."""
        route, started = about.route, self.now()
        sock = open_datagram_socket(route)
        if isinstance(sock, Failure):
            opened.failure = sock
            opened.attempt = self.record(failed_trial(about, sock))
            if _is_local(sock) and route.local_port is None:
                raise _local_error(sock)
            yield
            return
        self._dialled += 1
        where = format_endpoint(route.address, route.port)
        trace = self._options.trace
        on_message = tracer(trace, self._dialled, where) if trace is not None else None
        timeout = self._options.timeout
        transport = TRANSPORTS[route.transport]
        link = NetworkLink(
            Datagrams(sock, where, transport.protocol),
            timeout,
            on_message,
            transport=transport,
            deadline=started + timeout,
        )
        local_port: int | None = sock.getsockname()[1]
        opened.link = link
        try:
            yield
        except asyncio.CancelledError:
            link.failure = link.failure or _stopped(link, self.now() - started)
            raise
        finally:
            link.release()
            opened.attempt = self.record(
                observed_trial(
                    about,
                    link,
                    n=len(self.journal) + 1,
                    local_port=local_port,
                    connect_ms=None,
                    total_ms=(self.now() - started) * 1000,
                    node_header=self._options.node_header,
                )
            )

    async def _reach(self, route: Route, before_tls: BeforeTLS) -> tuple[float, Reached | Failure]:
        """When dialling began, and what came of it. A shortage of ours is waited for."""
        await self._gate.turn()
        asked = self.now()
        while True:
            started = self.now()
            reached = await reach(route, before_tls, self._options.timeout)
            if not isinstance(reached, Failure) or not _is_local(reached):
                return started, reached
            others = self._gate.open > 1
            patience = self._options.timeout if others else _PATIENCE_ALONE
            left = asked + min(patience, self._options.timeout) - self.now()
            if route.local_port is not None or left <= 0:
                return started, reached
            await self._gate.one_leaves(min(left, _ROOM_PAUSE))

    async def _run(
        self,
        link: NetworkLink,
        config: ClientConfig,
        task: Task,
        session: Session | None,
        milestones: Milestones | None,
        *,
        doing: OpenConnection,
    ) -> None:
        try:
            await link.start_tls(
                config, session, flight=task.flight, hold_finished=task.hold_finished
            )
        except HandshakeError:
            await link.close()
            return
        except LocalError as error:
            link.failure = Failure("handshake", "local", error.message, error.hints)
            return
        except MemoryError as error:
            link.failure = failure_from(error, "handshake", link.where)
            return
        if milestones is not None:
            milestones.reach(milestones.handshake)
        began = self.now()
        doing.stage, doing.since, doing.limit = "ticket", began, task.ticket_wait
        wanted = task.want_tickets if link.speaks_tls13 else 0
        in_silence = bool(wanted and task.send and task.send_after)
        if in_silence:
            await link.tickets(wanted, _silence(task, link))
        early = link.early_data_accepted
        asked = bool(task.send) and (not in_silence or task.want_response or not link.got_tickets)
        if asked and not early:
            await link.ask(task.send)
        end = began + task.ticket_wait
        patience = min(RESPONSE_WAIT, self._options.timeout * _RESPONSE_SHARE)
        if (asked or early) and task.want_response and await link.response(patience):
            # What a server sends with its answer is here now, or about to come.
            end = min(end, self.now() + AFTER_RESPONSE)
        if wanted and not link.got_tickets:
            await link.tickets(wanted, min(QUIET, max(0.0, end - self.now())))
        if wanted and not link.got_tickets and link.failure is None:
            if milestones is not None:
                milestones.reach(milestones.quiet)
            await link.tickets(wanted, max(0.0, end - self.now()))
        await self._close(link, clean=task.clean)

    async def _close(self, link: NetworkLink, *, clean: bool) -> None:
        parting = self._parting
        if parting is None or len(parting) >= self._gate.limit:
            await link.close(clean=clean)
        else:
            await link.take_leave(clean=clean)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def wall_time(self) -> float:
        return time.time()


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


def _is_local(failure: Failure | None) -> bool:
    return failure is not None and failure.kind == "local"


def _local_error(failure: Failure | None) -> LocalError:
    assert failure is not None  # noqa: S101 - only asked of what `_is_local`
    return LocalError(failure.message, hints=failure.hints)


def _silence(task: Task, link: NetworkLink) -> float:
    """Seconds to wait before data is sent: a ticket of the server's own accord needs the way
    there and back, for which the handshake took at least as long."""
    there_and_back = 2 * (link.handshake_ms or 0.0) / 1000
    return min(max(task.send_after, min(there_and_back, task.ticket_wait / 2)), task.ticket_wait)
