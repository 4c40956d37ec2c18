"""Ages: how long a server honours a session, found out in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.helpers.canned_lab import ROUTE, START, Ask, CannedLab, Pool, broken, done, mint
from tests.helpers.rows import each_row
from tlsresume.evidence.observation import Ticket
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.age import find_lifetime, offer_at_ages
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.across_addresses import lifetimes
from tlsresume.options import ConnectOptions
from tlsresume.results.connection import Mechanism
from tlsresume.targets.target import parse_target

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")


class Forgetful:
    """A server that honours sessions for a while, and promises something else."""

    def __init__(self, honours: float, promises: int = 7200, *, alerts: bool = False) -> None:
        self.honours, self.promises, self.alerts = honours, promises, alerts
        self.seen: list[bytes] = []
        self._born: dict[bytes, float] = {}

    def __call__(self, ask: Ask) -> Trial:
        if ask.session is None:
            return self._issue(ask)
        handle = ask.session.fields.ticket or ask.session.fields.session_id
        self.seen.append(handle)
        lifetime = ask.session.lifetime
        age = ask.time - self._born[handle]
        if ask.session.mechanism == "psk" and lifetime is not None and age > lifetime + 1:
            return done(ask, offered=None, accepted=None)  # as OpenSSL withholds it
        if age <= self.honours:
            return done(ask, resumed=True)
        if self.alerts:
            return broken(ask, "alert")
        return done(ask)

    def _issue(self, ask: Ask) -> Trial:
        mechanism = ask.task.mechanism
        assert mechanism is not None
        handles = [bytes([len(self._born) + n]) * 32 + b"x" * 160 for n in range(2)]
        if mechanism != "psk":
            handles = handles[:1]
        if mechanism == "session-id":
            handles = [handles[0][:32]]
        self._born |= dict.fromkeys(handles, ask.time)
        hint = {} if mechanism == "session-id" else {"ticket_lifetime_hint": self.promises}
        sessions = tuple(mint(mechanism, handle, ask.time, **hint) for handle in handles)
        tickets = tuple(Ticket(h, self.promises, 2.0) for h in handles)
        return done(ask, sessions=sessions, tickets=() if mechanism == "session-id" else tickets)


def ask_ages(server, ages, mechanism: Mechanism = "psk") -> tuple[CannedLab, list[str]]:
    lab = CannedLab(server)
    said: list[str] = []
    asyncio.run(offer_at_ages(setup(lab, mechanism), ages, said.append))
    return lab, said


def setup(lab: CannedLab, mechanism: Mechanism = "psk") -> MechanismSetup:
    config = TARGET_SETUP.config_for(mechanism)
    return MechanismSetup(
        lab=lab, route=ROUTE, target_setup=TARGET_SETUP, mechanism=mechanism, config=config
    )


def search(server, longest: float, mechanism: Mechanism = "psk", **how) -> CannedLab:
    lab = CannedLab(server, **how)
    asyncio.run(find_lifetime(setup(lab, mechanism), longest, lambda _line: None))
    return lab


@pytest.mark.parametrize("mechanism", ["psk", "ticket", "session-id"])
def test_an_hour_is_waited_for(mechanism: Mechanism) -> None:
    """A session is offered when it is as old as was asked, each age with one of its own."""
    lab, said = ask_ages(server := Forgetful(1800), [3600.0, 60.0], mechanism)
    assert lab.wall_time() - START == pytest.approx(3600, abs=2)
    (found,) = lifetimes(lab.journal)
    assert (found.honoured_s, found.refused_s) == (60, 3600)
    assert len(set(server.seen)) == 2
    assert not found.raised_hint
    assert any("in 60 s" in line for line in said), said
    assert said[-1] == f"{mechanism}: new at age 3600 s"


def test_a_ticket_past_its_lifetime_is_offered_with_a_raised_hint() -> None:
    """What OpenSSL would withhold is offered as a copy that claims a longer life, and the
    result says so."""
    lab, _ = ask_ages(Forgetful(9000, promises=300), [200.0, 8000.0])
    (found,) = lifetimes(lab.journal)
    assert found.honoured_s == 8000
    assert found.refused_s is None
    assert found.promised_s == 300
    assert found.raised_hint
    offers = [ask.session for ask in lab.asks if ask.session]
    assert [session.lifetime for session in offers] == [300, 8060]


@each_row("honours", [1, 3, 17, 100, 299, 1800, 6999])
@each_row("mechanism", ["psk", "ticket", "session-id"])
def test_the_lifetime_is_found(honours: float, mechanism: Mechanism) -> None:
    """The span between taken and refused holds the truth, and is a second or 5 % wide."""
    lab = search(Forgetful(honours), 7200, mechanism)
    (found,) = lifetimes(lab.journal)
    good, bad = found.honoured_s or 0.0, found.refused_s
    assert bad is not None
    # Connections take time of their own: a few hundredths of a second here.
    assert good <= honours + 0.5
    assert bad >= honours - 0.5
    assert bad - good <= max(1.0, 0.05 * good) + 1e-6


@pytest.mark.parametrize("honours", [300, 900, 1700, 3599])
def test_the_search_takes_at_most_three_times_the_greatest_age(honours: float) -> None:
    """The time that a search may take is bounded, wherever the truth lies."""
    lab = search(Forgetful(honours), 3600)
    assert lab.now() <= 3 * 3600
    assert lab.budget.used < 60


def test_a_session_that_is_never_refused_ends_the_search() -> None:
    """At the greatest age the search is over; nothing is claimed beyond it."""
    lab = search(Forgetful(10**9), 1000)
    (found,) = lifetimes(lab.journal)
    assert found.honoured_s == 1000
    assert found.refused_s is None
    assert lab.now() == pytest.approx(1000, abs=5)


def test_an_alert_for_old_sessions_is_told_from_a_refusal() -> None:
    """Where the handshake fails at an age, the youngest such age is named."""
    lab = search(Forgetful(300, alerts=True), 1000)
    (found,) = lifetimes(lab.journal)
    assert found.alert_at_s == found.refused_s
    assert 300 <= (found.alert_at_s or 0) <= 320


def test_a_server_that_issues_nothing_ends_at_once() -> None:
    """Without sessions there is nothing to wait for."""
    lab = CannedLab(Pool(mechanisms=()))
    asyncio.run(find_lifetime(setup(lab), 3600, lambda _line: None))
    asyncio.run(offer_at_ages(setup(lab), [3600.0], lambda _line: None))
    assert lab.now() < 1
    assert lifetimes(lab.journal) == ()


def test_an_interrupt_leaves_what_is_known() -> None:
    """Whatever was offered before a search was cancelled is in the result."""

    class Interrupted(CannedLab):
        async def wait(self, seconds: float) -> None:
            await super().wait(seconds)
            if self.now() > 500:
                raise asyncio.CancelledError

    lab = Interrupted(Forgetful(10**9))

    async def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            await find_lifetime(setup(lab), 3600, lambda _line: None)

    asyncio.run(run())
    (found,) = lifetimes(lab.journal)
    assert found.honoured_s == 256
