"""Tries: what is asked, in which order, and what the answers add up to."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest

from tests.helpers.canned_lab import ROUTE, CannedLab, Pool, broken, done, mint
from tests.helpers.growth import steps
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.errors import BudgetSpent
from tlsresume.evidence.states import verdict_of
from tlsresume.evidence.summary import summarise_address
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import discover
from tlsresume.experiments.tries import Tries
from tlsresume.options import ConnectOptions
from tlsresume.results.measured import AddressResult
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion

pytestmark = pytest.mark.slow

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")
TLS13_ONLY = replace(TARGET_SETUP, options=ConnectOptions(tls=(ProtocolVersion.TLSv1_3,)))


def run(
    reply, *, tries=5, concurrency=4, budget=200, seed=1, target_setup=TARGET_SETUP
) -> tuple[CannedLab, AddressResult]:
    lab = CannedLab(reply, budget=budget, dice=random.Random(seed))
    return lab, run_on(
        lab, tries=tries, concurrency=concurrency, seed=seed, target_setup=target_setup
    )


def run_on(lab, *, tries=5, concurrency=4, seed=1, target_setup=TARGET_SETUP) -> AddressResult:
    async def both():
        found = await discover(lab, ROUTE, target_setup)
        await Tries(
            lab,
            ROUTE,
            target_setup,
            found,
            tries=tries,
            concurrency=concurrency,
            answer=False,
            shuffle=random.Random(seed),
        ).run()

    asyncio.run(both())
    return summarise_address(ROUTE.address, ROUTE.port, lab.journal)


def states(result: AddressResult) -> dict[str, str]:
    return {m.mechanism: m.state for m in result.mechanisms}


def verdict(result: AddressResult) -> str:
    return verdict_of([result], incomplete=False)


def test_a_good_server_resumes_every_try():
    """Each mechanism is tried as often as asked, in both series, and never more."""
    lab, result = run(Pool())
    assert states(result) == dict.fromkeys(("psk", "ticket", "session-id"), "resumed")
    assert all(m.fixed.order == m.chained.order == "RRRRR" for m in result.mechanisms)
    assert len(lab.asks) == 3 + 3 + 30


def test_fixed_offers_one_session_and_chained_each_a_fresh_one():
    """The fixed series offers the same session each time; the chained one none twice in TLS 1.3,
    and never the fixed one."""
    lab, _ = run(Pool())
    offers = {
        series: [
            ask.session.fields.ticket
            for ask in lab.asks
            if ask.session and ask.task.mechanism == "psk" and ask.task.purpose.series == series
        ]
        for series in ("fixed", "chained")
    }
    assert len(set(offers["fixed"])) == 1
    assert len(set(offers["chained"])) == 5
    assert not set(offers["fixed"]) & set(offers["chained"])


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("rule", ["round robin", "random"])
def test_two_nodes_never_resume(rule, stateful, concurrency):
    """Two nodes that do not share keys are found out, in hundreds of different shuffles."""
    wrong = 0
    for seed in range(40):
        dice = random.Random(seed)
        turns = [n % 2 if rule == "round robin" else dice.randrange(2) for n in range(200)]
        pool = Pool(pick=turns.__getitem__, stateful=stateful)
        _, result = run(pool, seed=seed, concurrency=concurrency)
        wrong += verdict(result) == "resumes"
    assert wrong == 0


def test_ten_nodes_never_resume():
    """Ten nodes do not resume, though none of them may ever be met twice."""
    for seed in range(40):
        _, result = run(Pool(pick=lambda n: n % 10), seed=seed)
        assert verdict(result) in ("partly", "does-not-resume")


def test_key_names_are_counted_by_connection():
    """The two keys of two nodes are told apart, with how often each was seen."""
    _, result = run(Pool(pick=lambda n: n % 2))
    psk = result.mechanisms[0]
    assert psk.tickets is not None
    assert {key.key_name for key in psk.tickets.key_names} == {"01" * 16, "02" * 16}
    assert sum(key.connections for key in psk.tickets.key_names) == 12


@pytest.mark.parametrize("stateful", [False, True])
def test_single_use_is_resumed(stateful):
    """A server that takes each ticket once is right, whatever the order of the tries."""
    for seed in range(40):
        _, result = run(Pool(single_use=True, stateful=stateful), seed=seed)
        psk = result.mechanisms[0]
        assert psk.state == "resumed"
        assert psk.reason is not None
        assert psk.reason.startswith("single-use")
        assert verdict(result) == "resumes"


class Breaking(CannedLab):
    """Each seventh connection that offers a session breaks once, and a cache forgets it."""

    def __init__(self, pool, seed):
        super().__init__(pool, dice=random.Random(seed))
        self.pool = pool
        self.lost = 0

    def answer(self, ask):
        if ask.session is None or ask.number % 7:
            return self.pool(ask)
        if ask.task.mechanism != "ticket":
            self.lost += 1
            self.pool.forget(ask.session)
        # As the network Lab does: the same ask again.
        self.record(broken(ask, "timeout"))
        return changed(self.pool(ask), retried=True)


def test_a_session_that_our_broken_connection_cost_is_no_refusal():
    """Where a stateful server forgets a session as its connection breaks, that is not judged."""
    lost = 0
    for seed in range(40):
        lab = Breaking(Pool(stateful=True), seed)
        result = run_on(lab, seed=seed)
        assert verdict(result) == "resumes"
        lost += lab.lost > 0
    assert lost > 36


def test_a_series_that_always_breaks_ends_early():
    """Where every offer breaks the connection, a few tries show it as well as all would."""
    lab, result = run(Pool(breaks=lambda ask: ask.session is not None), tries=50, budget=1000)
    assert len(lab.asks) < 60
    for mechanism in result.mechanisms:
        assert mechanism.state == "not-resumed"
        assert mechanism.reason == "the handshake fails when the session is offered"
        assert set(mechanism.fixed.order + mechanism.chained.order) == {"E"}


@each_row("budget", range(1, 37))
def test_a_spent_budget_is_said_and_never_overdrawn(budget):
    """Wherever the budget ends, no connection is made beyond it, and BudgetSpent says so."""
    lab = CannedLab(Pool(), budget=budget)

    async def both():
        found = await discover(lab, ROUTE, TARGET_SETUP)
        await Tries(lab, ROUTE, TARGET_SETUP, found, tries=5, concurrency=4, answer=False).run()

    if budget < 36:
        with pytest.raises(BudgetSpent):
            asyncio.run(both())
    else:
        asyncio.run(both())
    assert len(lab.asks) == budget


def test_a_silent_server_is_waited_for_once():
    """Answers to our data are asked for until one stays away, and then no more."""
    lab, _ = run(Pool())
    assert sum(ask.task.want_response for ask in lab.asks) == 1
    pool = Pool()
    lab, _ = run(lambda ask: changed(pool(ask), response=b"HTTP/1.1 200 OK\r\n\r\n"))
    assert sum(ask.task.want_response for ask in lab.asks) == 6


def test_a_lifetime_of_zero_is_not_resumption():
    """A TLS 1.3 ticket that must be discarded at once counts for nothing, even if accepted."""
    _, result = run(Pool(lifetime=0), target_setup=TLS13_ONLY)
    (psk,) = result.mechanisms
    assert psk.fixed.order == "RRRRR"
    assert psk.state == "not-resumed"
    assert psk.reason is not None
    assert "lifetime of 0" in psk.reason
    assert verdict(result) == "does-not-resume"


def test_not_offered_by_openssl_is_no_refusal():
    """Tries in which OpenSSL kept the session to itself say nothing about the server."""
    pool = Pool()

    def reply(ask):
        attempt = pool(ask)
        if ask.task.purpose.series == "fixed":
            return changed(attempt, offered=None, resumed=False, accepted=False)
        return attempt

    _, result = run(reply, target_setup=TLS13_ONLY)
    (psk,) = result.mechanisms
    assert (psk.fixed.order, psk.chained.order, psk.state) == ("-----", "RRRRR", "resumed")


def test_a_chain_goes_on_after_a_refusal():
    """After a refused try the chain uses the session which that connection brought."""
    turns = itertools.count()
    pool = Pool(mechanisms=("psk",))

    def reply(ask):
        if ask.task.purpose.series == "chained" and next(turns) == 2:
            pool.forget(ask.session)
        return pool(ask)

    lab, result = run(reply, target_setup=TLS13_ONLY, concurrency=1)
    assert result.mechanisms[0].chained.order == "RRNRR"
    assert sum(ask.task.purpose.series == "full" for ask in lab.asks) == 2


def test_a_chain_whose_connections_bring_nothing_starts_again():
    """Where a resumed TLS 1.3 connection brings no ticket, a full one is made for the next try."""
    pool = Pool(mechanisms=("psk",))

    def reply(ask):
        attempt = pool(ask)
        return changed(attempt, sessions=(), tickets=()) if attempt.resumed else attempt

    lab, result = run(reply, target_setup=TLS13_ONLY)
    assert result.mechanisms[0].chained.order == "RRRRR"
    assert sum(ask.task.purpose.series == "full" for ask in lab.asks) == 1 + 5


def test_two_chained_tries_of_one_mechanism_never_overlap():
    """A chained try begins after the one before it has ended."""
    open_now: dict[str, int] = {}
    pool = Pool()

    class Watching(CannedLab):
        async def connect(self, route, config, task, session=None, **how):
            key = f"{task.mechanism} {task.purpose.series}"
            open_now[key] = open_now.get(key, 0) + 1
            if task.purpose.series == "chained":
                assert open_now[key] == 1
            try:
                return await super().connect(route, config, task, session, **how)
            finally:
                open_now[key] -= 1

    lab = Watching(pool)

    async def both():
        found = await discover(lab, ROUTE, TARGET_SETUP)
        await Tries(lab, ROUTE, TARGET_SETUP, found, tries=20, concurrency=8, answer=False).run()

    asyncio.run(both())


def test_sessions_of_another_mechanism_are_not_taken():
    """A ticket-less TLS 1.2 server issues session IDs only: the ticket counts as not issued."""

    def reply(ask):
        if ask.task.mechanism == "ticket":
            return done(ask, sessions=(mint("session-id", b"i" * 32, ask.time),))
        return Pool(mechanisms=("session-id",))(ask)

    _, result = run(reply)
    found = {m.mechanism: m for m in result.mechanisms}
    assert found["ticket"].state == "not-issued"
    assert not found["ticket"].judged
    assert found["session-id"].judged


@pytest.mark.parametrize("concurrency", [1, 4])
def test_three_silences_end_a_series(concurrency):
    """A series of which three tries in a row got no answer is not asked further, also where
    several connections are open at a time; one that was answered in between is."""

    class Silent(CannedLab):
        """No answer to an offered session; with `every`, to each third one only."""

        every = 1

        async def connect(self, route, config, task, session=None, *, milestones=None):
            attempt = await super().connect(route, config, task, session, milestones=milestones)
            offers = sum(one.offer is not None for one in self.journal)
            if session is not None and offers % self.every == 0:
                ask = next(each for each in self.asks if each.task is task)
                silent = broken(ask, "timeout", offered=task.mechanism)
                attempt = changed(silent, n=attempt.n, ask=attempt.ask)
                self.journal.correct(attempt)
            return attempt

    lab = Silent(Pool(), dice=random.Random(1))
    result = run_on(lab, concurrency=concurrency, target_setup=TLS13_ONLY)
    psk = result.mechanisms[0]
    assert (psk.fixed.order, psk.chained.order) == ("EEE", "EEE")
    lab = Silent(Pool(), dice=random.Random(1))
    lab.every = 3
    result = run_on(lab, concurrency=concurrency, target_setup=TLS13_ONLY)
    psk = result.mechanisms[0]
    assert (len(psk.fixed.order), len(psk.chained.order)) == (5, 5)


def test_tries_begin_with_the_first_session_of_their_mechanism():
    """What takes long to be discovered does not hold up the tries of what is known."""
    pool = Pool()

    class Slow(CannedLab):
        def __init__(self) -> None:
            super().__init__(pool)
            self.tried = asyncio.Event()

        async def connect(self, route, config, task, session=None, **how):
            if task.purpose.experiment == "discover" and task.mechanism != "psk":
                await self.tried.wait()
            elif task.purpose.experiment == "tries":
                self.tried.set()
            return await super().connect(route, config, task, session, **how)

    async def both() -> CannedLab:
        lab = Slow()
        tries = Tries(lab, ROUTE, TARGET_SETUP, tries=5, concurrency=4, answer=False)
        trying = asyncio.create_task(tries.run())
        async with asyncio.timeout(30):
            await discover(lab, ROUTE, TARGET_SETUP, on_full=tries.add)
            tries.complete()
            await trying
        return lab

    lab = asyncio.run(both())
    asked = Counter((ask.task.mechanism, ask.task.purpose.series) for ask in lab.asks)
    for mechanism in ("psk", "ticket", "session-id"):
        assert asked[mechanism, "fixed"] == asked[mechanism, "chained"] == 5


def test_the_chain_that_would_end_alone_is_the_longest():
    """It is told by round trips, its full handshake's too, and only while the rest would not
    last longer."""
    lab = CannedLab(Pool())
    found = asyncio.run(discover(lab, ROUTE, TARGET_SETUP))

    class Low(random.Random):
        """Always what goes first mostly; without that, the first kind of all: a fixed psk try."""

        def random(self) -> float:
            return 0.0

    def chosen(concurrency: int, left: tuple[int, int, int] = (4, 4, 4), *, busy=False):
        """The kind that goes first, with so many tries left: chained psk, fixed psk, others."""
        tries = Tries(
            lab,
            ROUTE,
            TARGET_SETUP,
            found,
            tries=4,
            concurrency=concurrency,
            answer=False,
            shuffle=Low(),
        )
        chained, fixed, others = left
        for kind in tries._pending:
            of_psk = chained if kind.series.series == "chained" else fixed
            tries._pending[kind] = of_psk if kind.mechanism == "psk" else others
        tries._chains["psk"].busy = busy
        first = tries._next()
        return first and (first.mechanism, first.series.series)

    assert chosen(4) == chosen(2, (2, 2, 0)) == ("psk", "chained")
    assert chosen(2) == chosen(4, busy=True) == chosen(2, (2, 2, 0), busy=True) == ("psk", "fixed")


def test_many_tries_are_chosen_from_in_linear_time():
    """Four times the tries are about four times the work."""

    def tried(count: int) -> int:
        lab = CannedLab(Pool(), budget=100_000)
        found = asyncio.run(discover(lab, ROUTE, TLS13_ONLY))
        tries = Tries(lab, ROUTE, TLS13_ONLY, found, tries=count, concurrency=4, answer=False)

        def choose_all() -> None:
            while tries._next() is not None:
                pass

        return steps(choose_all)

    assert tried(400) <= 5 * tried(100)
