"""Expectations and exit statuses: held against real connections, and as a table of tallies."""

from __future__ import annotations

import ssl

import pytest

from tests.features.serve.clients import (
    HANDSHAKE,
    Script,
    context_for,
    fetch,
    fetch_often,
    hello,
    result,
    ticket,
)
from tests.helpers.rows import assert_complete
from tlsresume.errors import ExitStatus, UsageError
from tlsresume.features.serve.behaviours import BEHAVIOURS, State
from tlsresume.features.serve.build import build_report
from tlsresume.features.serve.judge import (
    MORE_TIME,
    SPEAK_HTTP3,
    TWO_CONNECTIONS,
    decide,
    judge,
    verdict_of,
)
from tlsresume.features.serve.ledger import Place
from tlsresume.features.serve.observing import ObservedConnection
from tlsresume.features.serve.options import ServeOptions
from tlsresume.features.serve.results import CommandResult, ServerResult
from tlsresume.features.serve.serving import serve
from tlsresume.features.serve.tally import Tally
from tlsresume.protocols.schemes import Transport


def tally(**numbers: int) -> Tally:
    made = Tally(connections=3, handshaken=3, asked=3, later_handshaken=2)
    for name, number in numbers.items():
        setattr(made, name, number)
    return made


def test_verdicts():
    """A verdict rests on the connections that could have offered, and on no others."""
    for numbers, verdict in (
        ({}, "untested"),
        ({"could": 2}, "never-offers"),
        ({"incapable": 2}, "never-offers"),
        ({"could": 2, "could_offered": 2}, "not-accepted"),
        ({"could": 2, "could_offered": 2, "could_accepted": 1}, "partly"),
        ({"could": 2, "could_offered": 2, "could_accepted": 2}, "resumes"),
        ({"could": 1, "could_offered": 1, "could_accepted": 1, "incapable": 1}, "partly"),
    ):
        assert verdict_of(tally(**numbers)) == verdict, numbers


def test_outcomes():
    """Each expectation comes out right, wrong, or as too few connections to tell."""
    resumed = {"could": 2, "could_offered": 2, "could_accepted": 2, "accepted": 2}
    refused = {"handshaken": 0, "later_handshaken": 0, "asked": 0, "failed": 3}
    silent = {"asked": 0, "silent": 3, "later_silent": 2}
    rows: tuple[tuple[dict[str, int], State | None, str], ...] = (
        (resumed, "resumed", "right"),
        (resumed, "not-resumed", "wrong"),
        (resumed, "offered", "right"),
        (resumed, "connected", "right"),
        (resumed, "refused", "wrong"),
        ({"could": 2, "could_offered": 2}, "resumed", "wrong"),
        ({"could": 2, "could_offered": 2}, "offered", "right"),
        ({"could": 2, "could_offered": 2}, "not-resumed", "right"),
        ({"could": 2, "could_offered": 1}, "offered", "wrong"),
        ({}, "resumed", "too-few"),
        ({"connections": 1, "later_handshaken": 0}, "connected", "too-few"),
        ({"connections": 1, "later_handshaken": 0}, "not-resumed", "too-few"),
        ({"failed": 1}, "connected", "wrong"),
        (refused, "connected", "wrong"),
        (refused, "resumed", "wrong"),
        (refused, "refused", "right"),
        (silent, "refused", "right"),
        ({"strict_arrived": 1, "later_handshaken": 0}, "refused", "wrong"),
        (refused | {"unspoken_version": 3}, "resumed", "not-judged"),
        (resumed, None, "not-judged"),
    )
    for numbers, state, outcome in rows:
        found = judge(tally(**numbers), state, asks_elsewhere=True)
        assert found.outcome == outcome, (numbers, state, found)
        assert found.why
    assert judge(tally(**silent), "refused", asks_elsewhere=False).outcome == "wrong"


#: What a client that is right does in each behaviour.
RIGHT: dict[str, State] = {
    "default": "resumed",
    "tickets": "resumed",
    "session-ids": "resumed",
    "stateful": "resumed",
    "single-use": "resumed",
    "no-tickets": "connected",
    "refuse": "connected",
    "short-lifetime": "connected",
    "rotated-key": "connected",
    "changed-certificate": "connected",
    "hello-retry": "connected",
    "early-data": "connected",
    "late-tickets": "resumed",
    "no-close-notify": "connected",
    "untrusted": "refused",
}


def test_what_is_right_in_each_behaviour():
    """Resumed where the server resumes, refused where nobody vouches for it, else connected."""
    assert_complete(RIGHT, BEHAVIOURS, "tests/features/serve/test_judge.py, RIGHT")
    assert {name: row.right for name, row in BEHAVIOURS.items()} == RIGHT


def test_the_tickets_that_a_client_may_resume_with_are_seen():
    """Where clients are to resume, TLS 1.3 is not served by the stdlib, whose tickets are not
    observed: each client would seem to have none."""
    for name, row in BEHAVIOURS.items():
        unseen = row.right == "resumed" and row.behaviour.tls13_by_stdlib
        assert not unseen, f"{name}: num_tickets cannot stand in a row that is to resume"


@pytest.mark.slow
def test_a_client_that_is_right_everywhere():
    """A client that resumes and verifies is as expected in every behaviour."""
    with serve("all", expect={"": "right"}) as serving:
        for name in serving.ports:
            context = context_for(serving)
            if name != "untrusted":
                fetch_often(serving, context, behaviour=name, times=2)
                continue
            with pytest.raises(ssl.SSLCertVerificationError):
                fetch(serving, context, behaviour=name)
        report = serving.report()
    wrong = [server.behaviour for server in report.servers if server.outcome != "right"]
    assert (wrong, report.exit_status, report.verdict) == ([], 0, "resumes"), report.why


def test_a_client_that_never_verifies():
    """A client that talks to a server of an unknown authority is not as expected."""
    with serve("untrusted", expect={"": "right"}) as serving:
        context = context_for(serving)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        fetch_often(serving, context, times=2)
        assert serving.report().exit_status == ExitStatus.NOT_AS_ASKED


@pytest.mark.slow
def test_exit_statuses():
    """0 as expected, 3 not, 4 after one connection with a hint to make two, 5 after none; and 0
    where nothing is expected."""
    for times, offers, expect, status in (
        (2, True, {"": "resumed"}, ExitStatus.OK),
        (2, False, {"": "resumed"}, ExitStatus.NOT_AS_ASKED),
        (2, False, {"default": "not-resumed"}, ExitStatus.OK),
        (2, True, {"": "offered"}, ExitStatus.OK),
        (1, True, {"": "right"}, ExitStatus.INCONCLUSIVE),
        (0, True, {"": "right"}, ExitStatus.UNREACHABLE),
        (2, False, {}, ExitStatus.OK),
        (0, False, {}, ExitStatus.OK),
    ):
        with serve("default", expect=expect) as serving:
            context = context_for(serving)
            session = None
            for _ in range(times):
                session = fetch(serving, context, session if offers else None)
            report = serving.report()
        assert report.exit_status == status, (times, offers, expect, report.why)
        assert report.why
        assert any("two connections" in hint for hint in report.hints) == (status == 4)


def test_hints_say_what_is_missing():
    """A behaviour that the command never reached asks for more time, a client that came over TCP
    where QUIC is judged for HTTP/3, one connection for two; many names are cut short."""

    def server(name: str, came: int = 0, transport: Transport = "tcp", *, ran: bool = True):
        command = CommandResult(exit=0, timed_out=False, runs=1, seconds=1.0, output=())
        return ServerResult(
            behaviour=name, transport=transport, url="https://localhost/", connections=came,
            expected="resumed", outcome="right" if came > 1 else "too-few", clients=(),
            command=command if ran and transport == "tcp" else None,
        )  # fmt: skip

    for servers, expected in (
        ((server("default", 1),), (TWO_CONNECTIONS,)),
        ((server("default", 2), server("default", 0, "quic")), (SPEAK_HTTP3,)),
        ((server("default", 2), server("default", 1, "quic")), (TWO_CONNECTIONS,)),
        ((server("default", 2), server("refuse", ran=False)), (MORE_TIME,)),
        (
            (server("default", 1), server("refuse", ran=False)),
            (TWO_CONNECTIONS, MORE_TIME),
        ),
    ):
        decision = decide(servers, ran=True)
        assert (decision.status, decision.hints) == (ExitStatus.INCONCLUSIVE, expected)
    many = [server(name, 1) for name in ("default", "tickets", "stateful", "refuse", "untrusted")]
    assert decide(many, ran=True).why == (
        "too few connections to tell in default, tickets, stateful and 2 more"
    )


def test_the_worst_judged_client_decides():
    """Of two clients the one that does not resume decides; one that made a single connection
    does not."""
    with serve("default", expect={"": "right"}) as serving:
        fetch_often(serving, context_for(serving))
        once = context_for(serving)
        once.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        fetch(serving, once)
        assert serving.report().exit_status == 0
        fetch(serving, once)
        report = serving.report()
    assert len(report.servers[0].clients) == 2
    assert report.exit_status == 3


def test_parallel_first_connections_are_not_blamed():
    """Connections that began before the first ticket left could not have offered it."""
    place = Place("default", BEHAVIOURS["default"])
    scripted = Script(place)

    def meanwhile() -> None:  # two more begin before the first one's ticket has left
        for each in others:
            each.message(False, HANDSHAKE, hello())

    others = [ObservedConnection(scripted.ledger, place, 10 + n, "127.0.0.1") for n in range(2)]
    scripted.clock.now += 1
    scripted.connect(hello(), ticket(b"one"), then=meanwhile)
    report = build_report(scripted.ledger, [place], expected={}, commands={})
    client = result(report)
    assert (client.connections, client.could_offer, client.verdict) == (3, 0, "untested")


def test_options_that_make_no_sense():
    """What cannot be served is refused before anything listens."""
    for options in (
        {"behaviours": ("nonsense",)},
        {"behaviours": ("session-ids",), "tls": "1.3"},
        {"behaviours": ("hello-retry",), "tls": "1.2"},
    ):
        with pytest.raises(UsageError):
            ServeOptions(**options).rows()
    with pytest.raises(UsageError):
        ServeOptions(expect={"refuse": "right"}).expected(ran=False)
    rows = ServeOptions(behaviours=("all",), tls="1.2").rows()
    assert "session-ids" in rows
    assert "late-tickets" not in rows
