"""Discovery: which versions are spoken, what is issued, and what stays in doubt."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.helpers.canned_lab import ROUTE, CannedLab, Pool, attempt_of, broken, done
from tests.helpers.trials import changed
from tlsresume.errors import BudgetSpent
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import Discovery, discover
from tlsresume.options import ConnectOptions
from tlsresume.results.connection import AlertSeen, Failure, Traffic
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")
V12, V13 = ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3


def run(reply, target_setup=TARGET_SETUP, budget=200) -> tuple[Discovery, CannedLab]:
    lab = CannedLab(reply, budget=budget)
    return asyncio.run(discover(lab, ROUTE, target_setup)), lab


def version_alert(ask):
    return broken(ask, "alert", alerts=(AlertSeen("server", 2, 70, "protocol_version"),))


def test_each_mechanism_is_asked_for_once():
    """A server that speaks both versions costs one full handshake per mechanism."""
    found, lab = run(Pool())
    assert list(found.full) == ["psk", "ticket", "session-id"]
    assert all(found.issued(name) for name in found.full)
    assert (len(lab.asks), found.both, found.in_doubt) == (3, None, {})


@pytest.mark.parametrize(("allowed", "expected"), [(V12, ["ticket", "session-id"]), (V13, ["psk"])])
def test_only_allowed_versions_are_asked_for(allowed, expected):
    """What the user did not allow is not offered."""
    found, lab = run(Pool(), replace(TARGET_SETUP, options=ConnectOptions(tls=(allowed,))))
    assert list(found.full) == expected
    assert {ask.config.maximum for ask in lab.asks} == {ask.config.minimum for ask in lab.asks}


def test_session_ids_are_asked_for_without_tickets():
    """Only a client that takes no tickets shows whether session IDs work."""
    _, lab = run(Pool())
    assert [ask.config.tickets for ask in lab.asks] == [
        ask.task.mechanism != "session-id" for ask in lab.asks
    ]


def test_where_nothing_listens_nothing_more_is_asked():
    """One refused connection is enough."""
    refused = Failure("connect", "refused", "refused")
    found, lab = run(lambda ask: attempt_of(ask, error=refused, offered=None))
    assert len(lab.asks) == 1
    assert found.in_doubt == {}


def test_a_version_alert_settles_it():
    """A server that says it is the version is believed."""
    pool = Pool()
    found, lab = run(lambda ask: version_alert(ask) if ask.config.minimum == V13 else pool(ask))
    assert (found.in_doubt, found.both, len(lab.asks)) == ({}, None, 3)


@pytest.mark.parametrize("kind", ["timeout", "reset", "closed", "alert"])
def test_a_server_that_chooses_tls12_speaks_no_tls13(kind):
    """TLS 1.3 alone breaks, but offered both, the server chooses 1.2: nothing is in doubt."""
    pool = Pool()

    def reply(ask):
        if ask.config.minimum == V13:
            return broken(ask, kind)
        return done(ask, tls_version=V12) if ask.task.purpose.series == "both" else pool(ask)

    found, lab = run(reply)
    assert (found.in_doubt, len(lab.asks)) == ({}, 4)


@pytest.mark.parametrize("kind", ["timeout", "reset", "closed", "alert"])
def test_a_server_that_breaks_at_tls13_in_any_hello_is_in_doubt(kind):
    """Where both versions together break as well, TLS 1.3 is not known to be unspoken."""
    pool = Pool()
    found, _ = run(lambda ask: broken(ask, kind) if ask.config.maximum == V13 else pool(ask))
    assert list(found.in_doubt) == [ProtocolVersion.TLSv1_3]


def test_a_server_that_then_chooses_tls13_is_in_doubt():
    """TLS 1.3 that broke and works at the next connection was not tested."""
    pool = Pool()

    def reply(ask):
        if ask.task.purpose.series == "both":
            return done(ask)
        return broken(ask) if ask.config.minimum == V13 else pool(ask)

    assert list(run(reply)[0].in_doubt) == [ProtocolVersion.TLSv1_3]


def test_silence_at_tls12_is_in_doubt():
    """TLS 1.2 that gets no answer is named once, for both of its mechanisms."""
    pool = Pool()
    found, _ = run(lambda ask: broken(ask, "timeout") if ask.config.maximum == V12 else pool(ask))
    assert list(found.in_doubt) == [ProtocolVersion.TLSv1_2]


def test_a_version_that_the_server_chose_is_spoken():
    """TLS 1.2 that breaks behind a ServerHello of TLS 1.2 was not tested."""
    pool = Pool()

    def reply(ask):
        if ask.config.maximum == V13:
            return pool(ask)
        return changed(broken(ask, "closed"), server_hello_seen=True, tls_version=V12)

    found, _ = run(reply)
    assert list(found.in_doubt) == [ProtocolVersion.TLSv1_2]
    assert found.presumed is None


@pytest.mark.parametrize("kind", ["reset", "closed", "alert"])
def test_tls12_that_breaks_off_is_presumed_to_be_unspoken(kind):
    """Nothing is in doubt, but what was seen is kept to be told."""
    pool = Pool()
    found, _ = run(lambda ask: broken(ask, kind) if ask.config.maximum == V12 else pool(ask))
    assert found.in_doubt == {}
    assert found.presumed is found.full["ticket"]


@pytest.mark.parametrize("maximum", [V12, V13])
def test_a_version_that_the_server_denies_is_not_presumed(maximum):
    """The alert protocol_version says all there is to say."""
    pool = Pool()
    found, _ = run(lambda ask: version_alert(ask) if ask.config.maximum == maximum else pool(ask))
    assert found.presumed is None


@pytest.mark.parametrize("kind", ["timeout", "reset"])
def test_one_mechanism_of_a_spoken_version_is_in_doubt(kind):
    """A mechanism that breaks, where its version is spoken, is named by itself."""
    pool = Pool()
    found, _ = run(
        lambda ask: broken(ask, kind) if ask.task.mechanism == "session-id" else pool(ask)
    )
    assert list(found.in_doubt) == ["session-id"]


def silent(ask):
    return broken(ask, "timeout", traffic=Traffic(sent=200))


def test_a_peer_that_never_answers_is_asked_twice():
    """Each silence costs the whole timeout: one hello of each version is enough."""
    found, lab = run(silent)
    assert [ask.task.mechanism for ask in lab.asks] == ["psk", "ticket"]
    assert (found.in_doubt, found.both) == ({}, None)


def test_silence_at_tls13_alone_says_nothing_of_tls12():
    """Some servers never answer a ClientHello of TLS 1.3: with TLS 1.2 all is asked for."""
    pool = Pool()

    def reply(ask):
        if ask.config.minimum == V13:
            return silent(ask)
        return done(ask, tls_version=V12) if ask.task.purpose.series == "both" else pool(ask)

    found, lab = run(reply)
    assert (list(found.full), found.in_doubt) == (["psk", "ticket", "session-id"], {})
    assert found.issued("session-id")
    assert len(lab.asks) == 4


def test_the_others_do_not_wait_for_a_ticket():
    """TLS 1.2 is asked for as soon as the handshake of TLS 1.3 is done."""

    both = asyncio.Event()

    class Waits(CannedLab):
        async def connect(self, route, config, task, session=None, *, milestones=None):
            if task.mechanism != "psk":
                attempt = await super().connect(route, config, task, session)
                if len(self.journal) == 2:
                    both.set()
                return attempt
            self.budget.reserve()
            milestones.reach(milestones.handshake)
            async with asyncio.timeout(5):
                await both.wait()
            return await super().connect(route, config, task, session)

    lab = Waits(Pool())
    found = asyncio.run(discover(lab, ROUTE, TARGET_SETUP))
    assert [attempt.mechanism for attempt in lab.journal][-1] == "psk"
    assert list(found.full) == ["psk", "ticket", "session-id"]


@pytest.mark.parametrize(
    ("mechanisms", "quiet"), [(("ticket", "session-id"), 1), (("psk", "ticket"), 0)]
)
def test_a_ticket_that_is_overdue_is_told_once(mechanisms, quiet):
    """Who waits longer for it can begin while the first wait goes on."""
    told = []
    lab = CannedLab(Pool(mechanisms=mechanisms))
    asyncio.run(discover(lab, ROUTE, TARGET_SETUP, lambda: told.append("quiet")))
    assert len(told) == quiet


@pytest.mark.parametrize("budget", [0, 1, 2])
def test_a_spent_budget_is_raised_plainly(budget):
    """A budget that ends within discovery raises BudgetSpent itself, not a group."""
    with pytest.raises(BudgetSpent):
        run(Pool(), budget=budget)


def test_a_server_that_breaks_at_everything_is_asked_no_more():
    """Where no version works there is nothing to compare with."""
    found, lab = run(broken)
    assert (found.in_doubt, found.both, len(lab.asks)) == ({}, None, 3)


def nodes_of_two_ages(*orders_of_psk: bool):
    """Nodes of which some speak TLS 1.2 only: whether each handshake of TLS 1.3 in turn meets one
    that speaks it. Those of TLS 1.2 say that TLS 1.3 is spoken."""
    speaks = iter(orders_of_psk)
    good = Pool()

    def reply(ask):
        if ask.task.mechanism == "psk":
            return good(ask) if next(speaks) else version_alert(ask)
        return changed(good(ask), speaks_tls13=True)

    return reply


def test_a_version_that_only_some_nodes_speak_is_asked_for_again():
    """TLS 1.3 is refused as a version, and the random of a TLS 1.2 handshake says that it is
    spoken: it is asked for again until a node that speaks it is met."""
    found, lab = run(nodes_of_two_ages(False, False, True))
    assert found.issued("psk")
    assert (len(lab.asks), found.contradicted, found.in_doubt) == (5, None, {})


def test_a_version_that_is_spoken_and_never_met_is_named():
    """A device on the way that passes on a server's random may look so: it is asked for a few
    times, and told."""
    found, lab = run(nodes_of_two_ages(*[False] * 20))
    assert found.contradicted is found.full["psk"]
    assert len(lab.asks) == 7


def test_a_server_of_tls12_is_asked_once():
    """Nothing says that it speaks TLS 1.3."""
    good = Pool()
    found, lab = run(lambda ask: version_alert(ask) if ask.task.mechanism == "psk" else good(ask))
    assert (len(lab.asks), found.contradicted) == (3, None)
