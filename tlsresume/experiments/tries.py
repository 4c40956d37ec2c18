"""How often is a session resumed: the same one again and again, and a fresh one each time?

Both series of all mechanisms of one address are tried in one random order. Lanes
that each wait for their own last connection would march in step with a
balancer's round robin, and each lane would always meet "its" node. A fixed try
offers one session unchanged; a chained try offers the newest session of the try
before it, so two chained tries of one mechanism never overlap. Of several tickets the
newest is taken, as OpenSSL's own clients do.

A try whose session was lost by our own doing (see `spoiled`) is made once more with
another session. Answers to our data are read only from servers that give any: one that
serves a connection at a time would let the others wait for each silence.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from tlsresume.errors import BudgetSpent
from tlsresume.evidence.offer import entry_of
from tlsresume.evidence.purposes import Tries as Purposes
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import Discovery, issues
from tlsresume.lab import Lab, Route, Task
from tlsresume.results.connection import Mechanism
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.value import Value

#: After this many broken tries in a row, and none that worked, a series is clear.
_CLEAR = 2

#: After this many tries in a row without any answer a series is not asked further: each
#: costs the whole timeout. Before one has worked no more than these are open at a time.
_SILENCES = 3

#: The least that a try waits for a ticket, in seconds; and that many times as long as
#: the first ticket took.
_LEAST_WAIT = 0.5
_WAIT_FACTOR = 5


#: Round trips of a resumed connection, and of the full one that a chain begins with: a TLS 1.3
#: ticket comes one later than the handshake.
_ROUND_TRIPS: dict[Mechanism, int] = {"psk": 3, "ticket": 2, "session-id": 2}
_FULL_ROUND_TRIPS = 3

#: How often a chain that would end the run alone leaves its turn to another try: a lane that makes
#: every fourth connection would keep step with a round robin. Of two lanes each has a series, so
#: that both would: two nodes would seem to resume each other's sessions.
_LEAVES_TURN = 0.1
_LEAVES_TURN_OF_TWO = 0.5

#: A chain would end the run alone if it lasts as long as this share of what is left in all lanes:
#: it waits a little for a lane before each of its tries.
_ALONE = 0.75

#: So many tries for each lane are the last ones: those that take longest go first.
_LAST = 2

#: The series of a whole round, and of a quick one.
SERIES = (Purposes.FIXED, Purposes.CHAINED)
QUICK = (Purposes.FIXED,)


class _Chain(Struct):
    """The sessions that the next chained tries may use, the newest first, each once."""

    mechanism: Mechanism
    sessions: list[Session] = field(default_factory=list)
    busy: bool = False
    answered: bool = False
    failed_fulls: int = 0


class _Series(Struct):
    broken: int = 0
    silent: int = 0
    open: int = 0
    begun: int = 0
    worked: bool = False

    def note(self, attempt: Trial) -> None:
        self.worked = self.worked or attempt.handshake_done
        silent = attempt.error is not None and attempt.error.kind == "timeout"
        if attempt.handshake_done:
            self.silent = 0
        elif silent:
            self.silent += 1
        else:
            self.broken += 1

    @property
    def clear(self) -> bool:
        """Whether more tries would tell nothing new."""
        return self.silent >= _SILENCES or (not self.worked and self.broken >= _CLEAR)

    @property
    def full(self) -> bool:
        """Whether so many are open that, if none of them is answered, it is clear."""
        return not self.worked and self.silent + self.open >= _SILENCES


class _Try(Value, frozen=True):
    mechanism: Mechanism
    series: Purposes

    @property
    def chained(self) -> bool:
        return self.series is Purposes.CHAINED


class Tries:
    """The tries of one address; `run` works them off.

    A mechanism's tries begin with its first session: `add` tells of it, `complete` that no more
    will come. With a `discovery` all are known from the beginning.
    """

    def __init__(
        self,
        lab: Lab,
        route: Route,
        target_setup: TargetSetup,
        discovery: Discovery | None = None,
        *,
        tries: int,
        concurrency: int,
        answer: bool,
        series: Sequence[Purposes] = SERIES,
        shuffle: random.Random | None = None,
    ) -> None:
        self._lab = lab
        self._route = route
        self._target_setup = target_setup
        self._answer = answer
        self._concurrency = concurrency
        self._tries = tries
        self._kinds = series
        self._full: dict[Mechanism, Trial] = {}
        self._chains: dict[Mechanism, _Chain] = {}
        self._series: dict[_Try, _Series] = {}
        self._fixed_sessions: dict[Mechanism, Session] = {}
        self._again: dict[_Try, int] = {}
        self._replacing: dict[Mechanism, asyncio.Lock] = {}
        self._answers: bool | None = None
        self._asking = asyncio.Lock()
        #: How many tries of each kind have not begun.
        self._pending: Counter[_Try] = Counter()
        self._dice = shuffle or random.Random()  # noqa: S311 - no secret
        #: What left its turn to another try, and goes first in the next one.
        self._left_turn: _Try | None = None
        self._free = asyncio.Event()
        self._complete = False
        self._spent: BudgetSpent | None = None
        if discovery is not None:
            for mechanism, attempt in discovery.full.items():
                self.add(mechanism, attempt)
            self.complete()

    def add(self, mechanism: Mechanism, attempt: Trial) -> None:
        """A full handshake has ended: if it brought a session of the mechanism, tries begin. One
        that is known already changes nothing."""
        if mechanism in self._full:
            return
        own = [s for s in attempt.sessions if s.mechanism == mechanism]
        if self._spent is not None or not (attempt.handshake_done and own):
            return
        self._full[mechanism] = attempt
        self._chains[mechanism] = _Chain(mechanism)
        self._fixed_sessions[mechanism] = own[-1]
        self._replacing[mechanism] = asyncio.Lock()
        for each in self._kinds:
            self._again[_Try(mechanism, each)] = self._tries
            self._pending[_Try(mechanism, each)] = self._tries
        self._free.set()

    def complete(self) -> None:
        """Nothing will be added any more."""
        self._complete = True
        self._free.set()

    def stop(self) -> None:
        """Begin no more tries; those that are under way end as they do."""
        self._pending.clear()
        self._again = dict.fromkeys(self._again, 0)
        self.complete()

    async def run(self) -> None:
        """Make every try. Raises BudgetSpent when the budget ended before."""
        async with asyncio.TaskGroup() as tasks:
            workers = self._concurrency
            for _ in range(min(workers, self._pending.total()) if self._complete else workers):
                tasks.create_task(self._work())
        if self._spent is not None:
            raise self._spent

    async def _work(self) -> None:
        try:
            await self._work_off()
        except BudgetSpent as spent:
            # The other workers may finish the connections they have paid for.
            self._spent = spent
            self._pending.clear()

    async def _work_off(self) -> None:
        while self._pending.total() or not self._complete:
            item = self._next()
            if item is None:
                self._free.clear()
                await self._free.wait()
                continue
            series = self._series_of(item)
            if series.clear:
                continue
            series.open += 1
            series.begun += 1
            chain = self._chains[item.mechanism]
            attempt: Trial | None
            try:
                if not item.chained:
                    attempt = await self._fixed(item)
                else:
                    chain.busy = True
                    attempt = await self._chained(chain, item)
            finally:
                if item.chained:
                    chain.busy = False
                series.open -= 1
                self._free.set()
            if attempt is not None:
                series.note(attempt)
                if self._again[item] and self._lab.journal.spoilt.spoils(attempt):
                    self._again[item] -= 1
                    self._pending[item] += 1
                    self._free.set()

    def _next(self) -> _Try | None:
        """The next try that may begin: any of them, or what would end the run alone."""
        ready = {
            item: left for item, left in self._pending.items() if left and self._may_begin(item)
        }
        if not ready:
            return None
        chosen = self._longest_chain(ready) or self._longest_of_the_last(ready)
        if chosen is not None and chosen.chained and len(ready) > 1 and self._leaves_turn(chosen):
            self._left_turn = chosen
            del ready[chosen]
            chosen = None
        if chosen is None:
            [chosen] = self._dice.choices(list(ready), list(ready.values()))
        self._pending[chosen] -= 1
        return chosen

    def _leaves_turn(self, chain: _Try) -> bool:
        """Whether a chain that would go first does not: it does in the next turn, for sure. Lanes
        that keep step end together, so that this comes soon."""
        left, self._left_turn = self._left_turn, None
        often = _LEAVES_TURN_OF_TWO if self._concurrency == 2 else _LEAVES_TURN
        return left != chain and self._dice.random() >= 1 - often

    def _longest_chain(self, ready: Collection[_Try]) -> _Try | None:
        """The next try of the chain that would end the run alone, if it may begin now."""
        chains = [item for item, left in self._pending.items() if left and item.chained]
        longest = max(chains, key=self._round_trips_of_chain, default=None)
        if longest is None or longest not in ready:
            return None
        together = sum(_ROUND_TRIPS[item.mechanism] * left for item, left in self._pending.items())
        alone = self._round_trips_of_chain(longest) * self._concurrency
        return longest if alone >= _ALONE * together else None

    def _round_trips_of_chain(self, item: _Try) -> int:
        first = 0 if self._series_of(item).begun else _FULL_ROUND_TRIPS
        return first + self._pending[item] * _ROUND_TRIPS[item.mechanism]

    def _longest_of_the_last(self, ready: Collection[_Try]) -> _Try | None:
        """Of the tries that end the run, one that takes longest and may begin now."""
        if not self._complete or self._pending.total() > _LAST * self._concurrency:
            return None
        return max(ready, key=lambda item: _ROUND_TRIPS[item.mechanism])

    def _may_begin(self, item: _Try) -> bool:
        series = self._series_of(item)
        if series.full and not series.clear:
            return False
        if not item.chained:
            return True
        chain = self._chains[item.mechanism]
        # It would only wait to ask for an answer: a lane has better things to do.
        return not chain.busy and (chain.answered or not self._asking.locked())

    def _series_of(self, item: _Try) -> _Series:
        return self._series.setdefault(item, _Series())

    def _task(self, item: _Try) -> Task:
        first = self._full[item.mechanism].timings.first_ticket
        wait = self._target_setup.options.ticket_wait
        if first is not None:
            wait = min(wait, max(_LEAST_WAIT, _WAIT_FACTOR * first / 1000))
        task = self._target_setup.task(item.series, item.mechanism, wait=wait)
        task = replace(task, number=self._series_of(item).begun, of=self._tries)
        if self._answer:
            return self._target_setup.with_answer(task)
        if any(ticket.after_data for ticket in self._full[item.mechanism].tickets):
            return replace(task, send_after=0.0)
        return replace(task, send=b"")

    async def _connect(self, config: ClientConfig, task: Task, session: Session | None) -> Trial:
        """One connection; whether the server answers data is found out by one at a time."""
        if not task.want_response or self._answers:
            return await self._lab.connect(self._route, config, task, session)
        async with self._asking:
            if self._answers is not None:
                task = replace(task, want_response=self._answers)
            attempt = await self._lab.connect(self._route, config, task, session)
            # That a resumed connection is not answered says nothing of others.
            telling = attempt.response or not attempt.resumed
            if task.want_response and telling and attempt.handshake_done and not attempt.error:
                self._answers = bool(attempt.response)
            return attempt

    async def _fixed(self, item: _Try) -> Trial:
        config = self._target_setup.config_for(item.mechanism)
        session = await self._fixed_session(item)
        return await self._connect(config, self._task(item), session)

    async def _fixed_session(self, item: _Try) -> Session:
        """The one session of the fixed series; another if that one may be lost."""
        async with self._replacing[item.mechanism]:
            session = self._fixed_sessions[item.mechanism]
            if self._maybe_lost(session):
                task = replace(self._task(item), purpose=Purposes.FULL)
                config = self._target_setup.config_for(item.mechanism)
                attempt = await self._connect(config, task, None)
                fresh = [s for s in attempt.sessions if s.mechanism == item.mechanism]
                if fresh:
                    session = self._fixed_sessions[item.mechanism] = fresh[-1]
        return session

    def _maybe_lost(self, session: Session) -> bool:
        """Whether a full handshake with this session was seen that tells nothing."""
        handle = entry_of(session)
        return handle is not None and self._lab.journal.spoilt.maybe_lost(handle)

    async def _chained(self, chain: _Chain, item: _Try) -> Trial | None:
        config = self._target_setup.config_for(item.mechanism)
        task = self._task(item)
        if not chain.sessions and not await self._start(chain, task):
            return None
        if not chain.answered:
            task = self._target_setup.with_answer(task)
        session = chain.sessions.pop()
        attempt = await self._connect(config, task, session)
        # One answer to compare with that of the full handshake, as soon as one resumes.
        if attempt.resumed and (attempt.asked or attempt.response or self._answers is False):
            chain.answered = True
        if issues(attempt, item.mechanism):
            chain.sessions = list(attempt.sessions[-1:])
        elif item.mechanism != "psk" and attempt.resumed:
            chain.sessions = [session]
        return attempt

    async def _start(self, chain: _Chain, task: Task) -> bool:
        """A full handshake for sessions of the chain's own. False: none can be had."""
        if chain.failed_fulls >= _CLEAR:
            return False
        full = replace(self._target_setup.with_answer(task), purpose=Purposes.FULL)
        full = replace(full, ticket_wait=self._target_setup.options.ticket_wait)
        config = self._target_setup.config_for(chain.mechanism)
        attempt = await self._connect(config, full, None)
        chain.sessions = [s for s in attempt.sessions if s.mechanism == chain.mechanism]
        if not chain.sessions:
            chain.failed_fulls += 1
        return bool(chain.sessions)
