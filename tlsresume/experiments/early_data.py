"""Is early data (0-RTT) taken, is it taken twice, and is it answered before it is known to be fresh?

A request in early data can be recorded and sent again by anybody on the way (RFC 8446 section
8). Each question takes a session of its own, and each request bears an ID of its own, so that
the server's log can be compared. A replay is made as an attacker would make it: the copy goes
out first, on a plain socket; then the same bytes go out on the connection of the client that
made them, which alone can decrypt what the server says to the *second* presentation. Whether a
request is *executed* before the server can know that it is fresh shows while our Finished is
held back, which whoever replays cannot send.

Over QUIC a copy bears the connection IDs of the first presentation, so that the server may take
it for packets of a connection that it knows, and a Retry proves addresses before anything is
read: such a copy tells nothing, and the reason is given.

Only with `--replay-early-data`: it looks like an attack, and sends requests more than once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import Struct, field

from tlsresume.evidence.early_outcome import TOO_EARLY, UNTOLD, outcome, unanswered, untold
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.trial import EarlyAsk, Trial
from tlsresume.experiments.connections import http_host
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.lab import Route, Task
from tlsresume.request_line import HTTPRequest, RequestLine
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import NamedGroup, name_of
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import Flight
from tlsresume.value import Value

#: Seconds that our Finished is held back: several times what an answer took before, within these.
_LEAST_HOLD, _MOST_HOLD = 2.0, 4.0
_HOLD_FACTOR = 5

#: Seconds to wait for a ticket, for the request that is sent again after a 425.
_TICKET_WAIT = 1.0

#: Groups that are offered behind the one that the server asked for.
_OTHER_GROUPS = ("X25519", "P-256", "P-384", "P-521")

#: Connections that each question takes at most, for a plan and for the budget.
TAKING, SAME_TICKET, EXACT_COPY, HOLDING, OTHER_ADDRESS, AT_AGE = 8, 3, 9, 2, 3, 3

#: Of the label of each replay: what it asks.
_QUESTIONS = {"copy": "the exact copy", "other": "the copy from another address"}

#: So many exact copies are made; a copy that another node declines is no replay, and made again.
_COPIES = 2


def cost(ages: int, *, elsewhere: bool) -> int:
    """Connections to one address at most."""
    other = OTHER_ADDRESS if elsewhere else 0
    return TAKING + SAME_TICKET + EXACT_COPY + HOLDING + other + AT_AGE * ages


class EarlySetting(Value, frozen=True, kw_only=True):
    """One address, and what is sent there.

    `run_id` begins every request's ID. `ages` are pauses in seconds. `elsewhere` is another
    address of the target, that takes the first presentation of a flight; None: there is none.
    """

    setup: MechanismSetup
    line: RequestLine
    run_id: str
    ages: tuple[float, ...] = ()
    elsewhere: MechanismSetup | None = None
    progress: Callable[[str], None] = lambda _line: None


class LeftOut(Value, frozen=True):
    """A question that was not answered, and why; `question` is empty for all that were left."""

    question: str
    reason: str


async def replay_early_data(asked: EarlySetting) -> tuple[LeftOut, ...]:
    """Ask every question of one address. Returns what was left without an answer.

    Raises BudgetSpent.
    """
    asking = _Asking(asked, asked.setup.config)
    why = await asking.run()
    rest = () if why is None else (LeftOut("", why),)
    return (*rest, *dict.fromkeys(asking.untold))


def sends_early_data(session: Session) -> bool:
    """Whether early data may go with a session."""
    return session.mechanism == "psk" and session.fields.max_early_data > 0


class _Asking(Struct):
    asked: EarlySetting
    config: ClientConfig
    _ids: Counter[str] = field(default_factory=Counter)
    _hold: float = _LEAST_HOLD
    #: Copies that told nothing.
    untold: list[LeftOut] = field(default_factory=list)

    async def run(self) -> str | None:
        control, session = await self._control()
        if session is None:
            return "no ticket that allows early data came"
        room, request = session.fields.max_early_data, self._request("x" * 24)
        if isinstance(request, bytes) and len(request) > room:
            return f"tickets allow {room} bytes of early data, the request has {len(request)}"
        if control.answer_ms is not None:
            self._hold = min(_MOST_HOLD, max(_LEAST_HOLD, _HOLD_FACTOR * control.answer_ms / 1000))
        taken = await self._taken(session)
        if outcome(taken) != "accepted":
            return None
        if taken.http_status == TOO_EARLY:
            await self._repeat(taken)
        await self._same_ticket()
        await self._exact_copy()
        await self._held()
        await self._other_address()
        await self._after_pauses()
        return None

    # --------------------------------------------------------------- questions

    async def _control(self) -> tuple[Trial, Session | None]:
        """The request after a full handshake: how it is answered where nothing is early."""
        name = self._id("control")
        task = replace(
            self._full_task(self.asked.setup, EarlyReplay.FULL),
            send=self._request(name),
            send_after=0.0,
            want_response=True,
            early=self._ask(name),
        )
        setup = self.asked.setup
        attempt = await setup.lab.connect(setup.route, self.config, task)
        return attempt, _usable(attempt.sessions)

    async def _taken(self, session: Session) -> Trial:
        """Early data on a fresh session. Where it is not taken, a second session tells whether
        that is so each time; where another key share was asked for, it is given."""
        attempt = await self._early(EarlyReplay.TAKEN, "taken", session, repeat=True)
        result = outcome(attempt)
        if result == "accepted" and attempt.response:
            return attempt
        if attempt.retry_group is not None and attempt.transport == "tcp":
            self.config = replace(self.config, groups=_groups(attempt.retry_group))
        elif result == "failed" or unanswered(attempt):
            await self._without()
        fresh = await self._session()
        if fresh is None:
            return attempt
        return await self._early(EarlyReplay.TAKEN, "taken", fresh, repeat=True)

    async def _without(self) -> None:
        """The same with a session and no early data, where early data failed."""
        session = await self._session()
        if session is not None:
            name = self._id("without")
            await self._late(EarlyReplay.WITHOUT, name, session)

    async def _repeat(self, taken: Trial) -> None:
        """The request that was answered 425 once more, after a handshake (RFC 8470 5.2)."""
        if taken.early is not None:
            session = taken.sessions[-1] if taken.sessions else None
            await self._late(EarlyReplay.REPEATED, taken.early.request_id, session)

    async def _same_ticket(self) -> None:
        session = await self._session()
        if session is None:
            return
        first = await self._early(EarlyReplay.FIRST_USE, "first", session)
        if outcome(first) == "accepted":
            await self._early(EarlyReplay.SECOND_USE, "second", session)

    async def _exact_copy(self) -> None:
        left = _COPIES
        for _ in range(_COPIES + 1):
            session = await self._session()
            if session is None:
                return
            copy = await self._replayed(
                session, (EarlyReplay.COPY, EarlyReplay.ORIGINAL), "copy", self._route
            )
            if self.untold:
                return  # the next copy would be met in the same way
            left -= bool(copy.accepted)
            if not left:
                return

    async def _held(self) -> None:
        session = await self._session()
        if session is not None:
            await self._early(EarlyReplay.HELD, "held", session, hold=self._hold)

    async def _other_address(self) -> None:
        if self.asked.elsewhere is None:
            return
        session = await self._session(self.asked.elsewhere)
        if session is not None:
            there = self.asked.elsewhere.route
            await self._replayed(
                session, (EarlyReplay.COPY_ELSEWHERE, EarlyReplay.ELSEWHERE), "other", there
            )

    async def _replayed(
        self,
        session: Session,
        purposes: tuple[EarlyReplay, EarlyReplay],
        label: str,
        first_to: Route,
    ) -> Trial:
        """A first flight on a plain socket, and then once more; gives what came of the copy."""
        name = self._id(label)
        flight = self._flight(session, name)
        try:
            copy = await self._present(flight, purposes[0], name, first_to)
            self._note(_QUESTIONS[label], copy)
            if copy.server_hello_seen:
                original = await self._sent(flight, purposes[1], name)
                self._note(_QUESTIONS[label], original)
        finally:
            flight.release()
        return copy

    def _note(self, question: str, attempt: Trial) -> None:
        why = untold(attempt)
        if why is not None:
            self.untold.append(LeftOut(question, UNTOLD[why]))

    async def _after_pauses(self) -> None:
        """First flights that are presented at once, and again when they have aged."""
        kept: list[tuple[float, float, Flight, str]] = []
        lab = self.asked.setup.lab
        try:
            for age in sorted(self.asked.ages):
                session = await self._session()
                if session is None:
                    break
                name = self._id(f"after{age:g}s")
                flight = self._flight(session, name)
                kept.append((lab.now(), age, flight, name))
                await self._present(flight, EarlyReplay.EARLIER_COPY, name, self._route)
            for since, age, flight, name in kept:
                left = since + age - lab.now()
                if left > 0:
                    self.asked.progress(f"early data: the next replay in {left:.0f} s")
                    await lab.wait(left)
                late = await self._sent(flight, EarlyReplay.LATER_ORIGINAL, name, after=age)
                self._note(f"the copy after {age:g} s", late)
        finally:
            for *_, flight, _name in kept:
                flight.release()

    # ------------------------------------------------------------- connections

    @property
    def _route(self) -> Route:
        return self.asked.setup.route

    def _id(self, label: str) -> str:
        """An ID that no other request has."""
        self._ids[label] += 1
        count = self._ids[label]
        return f"{self.asked.run_id}-{label}" + (f".{count}" if count > 1 else "")

    def _ask(self, name: str, after: float | None = None) -> EarlyAsk:
        return EarlyAsk(name, self.asked.line.method, after)

    def _request(self, name: str) -> bytes | HTTPRequest:
        target_setup, line = self.asked.setup.target_setup, self.asked.line
        host = http_host(target_setup.target)
        if self._route.transport == "quic" and self.config.alpn[0].startswith("h3"):
            return line.http3(host, target_setup.user_agent, name)
        return line.request(host, target_setup.user_agent, name)

    def _full_task(self, setup: MechanismSetup, purpose: EarlyReplay) -> Task:
        # Of no mechanism: these connections say nothing about how sessions are resumed.
        return replace(setup.task(purpose), mechanism=None)

    async def _session(self, setup: MechanismSetup | None = None) -> Session | None:
        """A session that no connection has used yet."""
        issuer = setup or self.asked.setup
        task = self._full_task(issuer, EarlyReplay.SESSION)
        attempt = await issuer.lab.connect(issuer.route, self.config, task)
        return _usable(attempt.sessions)

    def _flight(self, session: Session, name: str) -> Flight:
        config = replace(self.config, early_data=self._request(name))
        return self.asked.setup.lab.first_flight(config, session)

    async def _present(
        self, flight: Flight, purpose: EarlyReplay, name: str, route: Route
    ) -> Trial:
        task = Task(purpose=purpose, early=self._ask(name))
        return await self.asked.setup.lab.present(route, flight, task)

    async def _early(
        self,
        purpose: EarlyReplay,
        label: str,
        session: Session,
        *,
        repeat: bool = False,
        hold: float = 0.0,
    ) -> Trial:
        """Early data on a new connection; `repeat`: where it is not taken, the request is sent
        again after the handshake, as a client does."""
        name = self._id(label)
        flight = self._flight(session, name)
        try:
            return await self._sent(flight, purpose, name, repeat=repeat, hold=hold)
        finally:
            flight.release()

    async def _sent(
        self,
        flight: Flight,
        purpose: EarlyReplay,
        name: str,
        *,
        repeat: bool = False,
        hold: float = 0.0,
        after: float | None = None,
    ) -> Trial:
        task = Task(
            purpose=purpose,
            send=self._request(name) if repeat else b"",
            want_response=True,
            want_tickets=1 if repeat else 0,
            ticket_wait=_TICKET_WAIT,
            flight=flight,
            hold_finished=hold,
            early=self._ask(name, after),
        )
        lab = self.asked.setup.lab
        return await lab.connect(self._route, flight.config, task, flight.session)

    async def _late(self, purpose: EarlyReplay, name: str, session: Session | None) -> Trial:
        """The request after a handshake that may offer a session, but sends nothing early."""
        task = Task(
            purpose=purpose,
            send=self._request(name),
            want_response=True,
            early=self._ask(name),
        )
        lab = self.asked.setup.lab
        return await lab.connect(self._route, self.config, task, session)


def _usable(sessions: Sequence[Session]) -> Session | None:
    return next((session for session in reversed(sessions) if sends_early_data(session)), None)


def _groups(asked_for: int) -> str:
    """Groups for a ClientHello whose key share is of the group that the server asked for."""
    first = name_of(NamedGroup, asked_for)
    return ":".join(dict.fromkeys((first, *_OTHER_GROUPS)))
