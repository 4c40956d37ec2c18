"""Ticket keys over time: sample targets at an interval, and remember what was seen.

A sample is a few full handshakes per address and TLS version, enough to meet the
nodes behind it, and one more that offers the session kept from the sample before:
so a rotation in between shows whether sessions from before it are still resumed. Each
sample is written when it is complete.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from msgspec import Struct, field

from tlsresume.errors import LocalError, PeerError, first_of
from tlsresume.evidence.purposes import Sample as Purposes
from tlsresume.evidence.states import issued_key
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import VERSION_OF, TargetSetup, check_transport
from tlsresume.experiments.discover import issues
from tlsresume.features.watch.history import History, HistoryBusyError, Kept
from tlsresume.features.watch.samples import Offer, Outcome, Sample, Sighting
from tlsresume.lab import Lab, Route
from tlsresume.options import WatchOptions
from tlsresume.results.connection import Mechanism
from tlsresume.runs.over_quic import over_quic
from tlsresume.runs.reach import addresses_of, lab_for
from tlsresume.shortage import make_room
from tlsresume.targets.target import Target
from tlsresume.tickets.key_names import KeyNaming, is_stateful
from tlsresume.version import USER_AGENT

_MECHANISMS: tuple[Mechanism, ...] = ("psk", "ticket")
#: Targets sampled at a time.
_PARALLEL = 8
#: One sample may take this many times `--timeout`, and never less than a minute.
_TOTAL_FACTOR, _LEAST_TOTAL = 12, 60.0
#: SQLite waits half a second each time.
_BUSY_TRIES = 60

T = TypeVar("T")
OnSample = Callable[[Sample], None]
#: Takes a sample of a target; what came of it, and the sessions to offer in the next one.
Sampler = Callable[[Target], Awaitable[tuple[Sample, Sequence[Kept]]]]


def watched(
    targets: Sequence[Target], options: WatchOptions
) -> tuple[tuple[Target, WatchOptions], ...]:
    """What is watched, each once: the targets, and with `options.quic` HTTP/3 beside each. Raises
    UsageError."""
    every = {target.name: (target, options) for target in targets}
    if options.quic:
        for target in targets:
            theirs, connect = over_quic(target, options.connect)
            every.setdefault(theirs.name, (theirs, replace(options, connect=connect)))
    return tuple(every.values())


class Watch(Struct):
    """Targets being watched. `sampler` takes the samples; tests give their own, and a clock."""

    targets: Sequence[Target]
    options: WatchOptions
    history: History
    on_sample: OnSample = lambda _sample: None
    sampler: Sampler | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] | None = None

    async def run(self) -> None:
        """Sample until the time is over; at once and for ever where no end was asked for."""
        goals = watched(self.targets, self.options)
        for target, options in goals:
            check_transport(target, options.connect)
        make_room(min(_PARALLEL, len(goals)) * self.options.max_addresses)
        # The loop must hear a signal while another watch holds the file.
        self.history.patience = 0
        now = self.now or asyncio.get_running_loop().time
        started, rounds = now(), 0
        while True:
            await self._round(goals)
            if self.options.once:
                return
            # Rounds that took too long are left out, not made up for.
            rounds = max(rounds + 1, int((now() - started) // self.options.every) + 1)
            due = rounds * self.options.every
            if self.options.duration is not None and due > self.options.duration:
                return
            await self.sleep(max(0.0, started + due - now()))

    async def _round(self, goals: Sequence[tuple[Target, WatchOptions]]) -> None:
        places = asyncio.Semaphore(_PARALLEL)

        async def one(target: Target, options: WatchOptions) -> None:
            async with places:
                sample, kept = await (
                    self.sampler(target)
                    if self.sampler is not None
                    else take_sample(target, options, self.history)
                )
            await _patiently(lambda: self.history.add(sample, kept))
            self.on_sample(sample)

        async with asyncio.TaskGroup() as tasks:
            for goal in goals:
                tasks.create_task(one(*goal))


async def take_sample(
    target: Target, options: WatchOptions, history: History
) -> tuple[Sample, Sequence[Kept]]:
    """One look at a target. What goes wrong with it is in the sample, not raised."""
    lab = lab_for(options.connect, target)
    started = lab.wall_time()
    total = max(_LEAST_TOTAL, _TOTAL_FACTOR * lab.timeout)
    looks: list[_Look] = []
    error: str | None = None
    try:
        async with asyncio.timeout(total):
            addresses, _ = await addresses_of(target, lab.timeout)
            target_setup = TargetSetup(target, options.connect, USER_AGENT, show_tokens=False)
            looks = [
                _Look(
                    lab,
                    Route(address, target.dial_to[1], transport=target.transport),
                    target_setup,
                    options.tries,
                    history,
                    name,
                )
                for address in addresses[: options.max_addresses]
                for name in _MECHANISMS
                if VERSION_OF[name] in target_setup.versions
            ]
            async with asyncio.TaskGroup() as tasks:
                for look in looks:
                    tasks.create_task(look.run())
    except TimeoutError:
        error = f"{total:g} s were spent"
    except (PeerError, LocalError) as reason:
        error = reason.message
    except BaseExceptionGroup as group:
        first = first_of(group)
        if not isinstance(first, LocalError):
            raise
        error = first.message
    if error is None and not any(attempt.handshake_done for attempt in lab.journal):
        failures = [attempt.error.message for attempt in lab.journal if attempt.error]
        error = failures[0] if failures else "nothing was reached"
    naming = lab.journal.naming
    sample = Sample(
        time=started,
        target=target.name,
        sightings=tuple(seen for look in looks for seen in look.sightings(naming)),
        offers=tuple(offer for look in looks for offer in look.offers(naming)),
        connections=len(lab.journal),
        error=error,
    )
    return sample, [kept for look in looks for kept in look.kept(naming)]


class _Look(Struct):
    """One mechanism on one address in one sample."""

    lab: Lab
    route: Route
    target_setup: TargetSetup
    tries: int
    history: History
    mechanism: Mechanism
    old: Kept | None = None
    age: float = 0.0
    offered: Trial | None = None
    #: Whether it is known what became of the old session.
    settled: bool = False
    full: list[Trial] = field(default_factory=list)

    async def run(self) -> None:
        """Offer the session from before, then make full handshakes."""
        config = self.target_setup.config_for(self.mechanism)
        task = self.target_setup.task(Purposes.FULL, self.mechanism)
        route, place = self.route, (self.route.address, self.route.port)
        self.old = await _patiently(
            lambda: self.history.take(self.target_setup.target.name, *place, self.mechanism)
        )
        if self.old is not None:
            session = self.old.session
            self.age = session.age(self.lab.wall_time())
            # In TLS 1.2 OpenSSL would offer it also when its time is over.
            if session.lifetime is None or self.age <= session.lifetime:
                self.offered = await self.lab.connect(route, config, task, session)
            self.settled = True
        for _ in range(self.tries):
            attempt = await self.lab.connect(route, config, task)
            self.full.append(attempt)
            if not issues(attempt, self.mechanism):
                return

    # ----------------------------------------------------------------- results

    def sightings(self, naming: KeyNaming) -> list[Sighting]:
        """The key names that tickets came under, with the number of connections."""
        made = self.full if self.offered is None else [*self.full, self.offered]
        attempts = [attempt for attempt in made if attempt.tickets]
        names = Counter(issued_key(attempt, naming) for attempt in attempts)
        return [
            Sighting(
                address=self.route.address,
                port=self.route.port,
                mechanism=self.mechanism,
                key_name=name,
                connections=count,
                lifetime=attempts[-1].tickets[-1].lifetime,
                stateful=is_stateful(attempts[-1].tickets[-1].ticket),
            )
            for name, count in names.items()
        ]

    def offers(self, naming: KeyNaming) -> list[Offer]:
        """What became of the session from before, if there was one."""
        if self.old is None or not self.settled:
            return []
        newest = [self.offered, *self.full] if self.offered else self.full
        names = [issued_key(attempt, naming) for attempt in newest if attempt.tickets]
        return [
            Offer(
                address=self.route.address,
                port=self.route.port,
                mechanism=self.mechanism,
                age=round(self.age, 3),
                old_key=self.old.key_name,
                new_key=names[0] if names else None,
                outcome=_outcome(self.offered),
            )
        ]

    def kept(self, naming: KeyNaming) -> list[Kept]:
        """The session to offer in the next sample."""
        for attempt in reversed(self.full):
            for session in reversed(attempt.sessions):
                if session.mechanism == self.mechanism and session.resumable:
                    name = issued_key(attempt, naming)
                    place = (self.route.address, self.route.port)
                    return [Kept(*place, self.mechanism, name, session)]
        return []


async def _patiently(step: Callable[[], T]) -> T:
    """Do something with a history, again while another process holds it.

    Raises HistoryFileError.
    """
    for _ in range(_BUSY_TRIES):
        try:
            return step()
        except HistoryBusyError:
            # Here an interrupt gets through; SQLite has waited already.
            await asyncio.sleep(0)
    return step()


def _outcome(attempt: Trial | None) -> Outcome:
    if attempt is None:
        return "expired"
    # OpenSSL could not read what was kept, which says nothing about the server.
    if attempt.error is not None and attempt.error.step == "session":
        return "not-offered"
    if not attempt.handshake_done:
        return "failed"
    if attempt.offered is None:
        return "not-offered"
    return "resumed" if attempt.resumed else "declined"
