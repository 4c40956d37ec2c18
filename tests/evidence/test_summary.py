"""From a journal to a report: letters, counts, states, who is judged, and the verdict."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.helpers.canned_lab import ROUTE, START, Ask, attempt_of, broken, done, mint
from tests.helpers.purposes import purpose_of
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.observation import Ticket
from tlsresume.evidence.states import letter, verdict_of
from tlsresume.evidence.summary import row, summarise_address
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Task
from tlsresume.results.connection import AlertSeen, Failure, Timings
from tlsresume.results.measured import AddressResult, MechanismResult, Series, wilson_interval
from tlsresume.tickets.key_names import KeyNaming
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

V12, V13 = ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3
VERSION = {"psk": V13, "ticket": V12, "session-id": V12}
NAMES = KeyNaming.learn([])
DICE = random.Random(5)


def ask(number, mechanism="psk", series="fixed", session=None) -> Ask:
    experiment = "discover" if series == "full" else "tries"
    version = VERSION[mechanism]
    return Ask(
        number,
        START + number,
        ROUTE,
        ClientConfig(minimum=version, maximum=version),
        Task(purpose=purpose_of(experiment, series), mechanism=mechanism),
        session,
    )


def handle(mechanism: str, key: int = 1) -> bytes:
    if mechanism == "session-id":
        return DICE.randbytes(32)
    return bytes([key]) * 16 + DICE.randbytes(176)


def full(number, mechanism="psk", *, issued=True) -> Trial:
    if not issued:
        return done(ask(number, mechanism, "full"))
    name = handle(mechanism)
    tickets = () if mechanism == "session-id" else (Ticket(name, 7200, 1.0),)
    return done(ask(number, mechanism, "full"), sessions=(mint(mechanism, name),), tickets=tickets)


def tried(number, how, mechanism="psk", series="fixed", session=None) -> Trial:
    """A try that ended as a letter of `Series.order` says."""
    offer = session or mint(mechanism, handle(mechanism))
    asked = ask(number, mechanism, series, offer)
    match how:
        case "R":
            return done(asked, resumed=True)
        case "N":
            return done(asked)
        case "-":
            return done(asked, offered=None)
        case "E":
            return broken(asked)
        case _:
            return broken(asked, "refused", offered=None)


def journal(tries: dict[tuple[str, str], str], *, unissued=()) -> list[Trial]:
    mechanisms = [*dict.fromkeys(name for name, _ in tries), *unissued]
    found = [full(n + 1, name, issued=name not in unissued) for n, name in enumerate(mechanisms)]
    for (mechanism, series), order in tries.items():
        session = mint(mechanism, handle(mechanism)) if series == "fixed" else None
        found += [
            tried(len(found) + n + 1, how, mechanism, series, session)
            for n, how in enumerate(order)
        ]
    return [changed(attempt, n=n + 1) for n, attempt in enumerate(found)]


def summary(attempts: list[Trial]) -> AddressResult:
    return summarise_address(ROUTE.address, ROUTE.port, Evidence(attempts))


# ---------------------------------------------------------------------- letters


@each_row("how", ["R", "N", "E", "C", "-"])
def test_each_end_of_a_try_has_its_letter(how):
    """R reused, N new, E broke after the offer, C before it, - not offered."""
    assert letter(tried(1, how)) == how


def test_a_series_counts_its_letters():
    """Only tries whose session reached the server count as offered."""
    series = Series.count("RRNEC-R")
    assert (series.offered, series.accepted, series.failed) == (5, 3, 2)
    assert series.rate == pytest.approx(3 / 5)
    assert (Series.count("").rate, Series.count("C-").rate) == (None, None)


@each_row(
    "successes, trials, expected",
    [
        # Newcombe 1998, table I (Wilson, method 3), and the issue's own 5 of 5.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (5, 5, (0.5655, 1.0)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_wilson_interval_is_the_published_one(successes, trials, expected):
    """The interval agrees with published values to four places."""
    assert wilson_interval(successes, trials) == pytest.approx(expected, abs=6e-5)


def test_wilson_interval_holds_the_rate():
    """Within [0, 1], and around the rate, for every count."""
    for trials in range(1, 60):
        for successes in range(trials + 1):
            low, high = wilson_interval(successes, trials)
            assert 0.0 <= low <= successes / trials + 1e-12
            assert successes / trials - 1e-12 <= high <= 1.0
            assert not math.isnan(low)


# ---------------------------------------------------------------------- counting


def test_of_each_ask_the_last_attempt_counts():
    """A connection that was tried again is judged by how that ended."""
    first = changed(tried(1, "E"), n=1, ask=7)
    again = changed(tried(2, "R"), n=2, ask=7, retried=True)
    assert list(Evidence([first, again]).counted) == [again]


@pytest.mark.parametrize("how", ["cancelled", "unsettled"])
def test_what_we_cut_short_is_not_judged(how):
    """Neither an interrupted connection, nor one broken that could not be tried again, nor
    the one before it of the same ask."""
    first = changed(tried(1, "E"), n=1, ask=7)
    if how == "cancelled":
        rest = [changed(first, n=2, error=Failure("handshake", "cancelled", "interrupted"))]
    else:
        first, rest = changed(first, unsettled=True), []
    assert list(Evidence([first, *rest]).counted) == []


def test_attempts_are_in_the_order_of_their_start():
    """The journal is in the order of ends; letters are in that of starts."""
    late, early = tried(5, "N"), tried(3, "R")
    assert [attempt.time for attempt in Evidence([late, early]).counted] == [early.time, late.time]


@pytest.mark.parametrize(
    ("mechanism", "length", "left_out"),
    [("session-id", 32, True), ("psk", 32, True), ("psk", 192, False), ("ticket", 192, False)],
)
def test_a_refusal_that_our_broken_connection_may_explain_is_left_out(mechanism, length, left_out):
    """Only sessions that live in the server's cache can be lost with a connection."""
    session = mint(mechanism, DICE.randbytes(length))
    breaking, after = (
        tried(1, "E", mechanism, session=session),
        tried(2, "N", mechanism, session=session),
    )
    accepted = tried(3, "R", mechanism, session=session)
    other = tried(4, "N", mechanism)
    expected = [breaking, accepted, other] if left_out else [breaking, after, accepted, other]
    assert list(Evidence([breaking, after, accepted, other]).counted) == expected


def test_a_refusal_before_the_break_counts():
    """What ended before our connection broke was the server's own answer."""
    session = mint("session-id", DICE.randbytes(32))
    before = changed(tried(1, "N", "session-id", session=session), timings=Timings(total=5.0))
    breaking = tried(2, "E", "session-id", session=session)
    assert before in Evidence([before, breaking]).counted


# ------------------------------------------------------------------------ states

BROKEN = "the handshake fails when the session is offered"
ANYWAY = "connections break here, with the session and without it"


@each_row(
    "fixed, chained, state, reason",
    [
        ("RRRRR", "RRRRR", "resumed", None),
        ("RRRR", "CRRRC", "resumed", None),
        ("RR-RR", "RRRRR", "resumed", None),
        ("NNNNN", "NNNNN", "not-resumed", "never accepted"),
        ("NNENN", "NNNNN", "not-resumed", "never accepted"),
        ("EE", "EE", "not-resumed", BROKEN),
        ("EECC", "CE", "untested", ANYWAY),
        ("RRRRE", "RRRRC", "resumed", None),
        ("RRRRN", "RRRRR", "partly", None),
        ("RRRRR", "RRRRN", "partly", None),
        ("RRRRR", "RRRRE", "partly", None),
        ("RNNNN", "RRRRR", "resumed", "single-use: a ticket is accepted once"),
        ("NRNNN", "RRRRR", "resumed", "single-use: a ticket is accepted once"),
        ("R-NNN", "RRRCR", "resumed", "single-use: a ticket is accepted once"),
        ("NNNNN", "RRRRR", "partly", None),
        ("RRNNN", "RRRRR", "partly", None),
        ("RNNNN", "RRRRN", "partly", None),
        ("REEEE", "RRRRR", "partly", None),
        ("CCC", "CC", "untested", "no try got as far as offering the session: the peer: refused"),
        ("", "", "untested", "no try got as far as offering the session"),
    ],
)
def test_states_of_psk(fixed, chained, state, reason):
    """Acceptance makes the state; what never reached the server is no answer of its, and
    where connections break before they offer anything, those that offered tell nothing."""
    (psk,) = summary(journal({("psk", "fixed"): fixed, ("psk", "chained"): chained})).mechanisms
    assert (psk.fixed.order, psk.chained.order) == (fixed, chained)
    assert (psk.state, psk.reason) == (state, reason)


def test_a_control_that_fails_by_luck_excuses_nothing():
    """Where some tries resume and some are refused by an alert, as in a pool of nodes with
    different versions, a control that meets the wrong node does not take the refusals back."""
    alert = AlertSeen("server", 2, 70, "protocol_version")
    seen = journal({("psk", "fixed"): "RERRE", ("psk", "chained"): ""})
    control = changed(tried(9, "C"), state=None, purpose=purpose_of("control", "full"), n=9)
    refused = [
        attempt if attempt.handshake_done else changed(attempt, alerts=(alert,))
        for attempt in (*seen, control)
    ]
    (psk,) = summary(refused).mechanisms
    assert psk.state == "partly"


@pytest.mark.parametrize(("kind", "state"), [("openssl", "untested"), ("reset", "not-issued")])
def test_a_connection_that_broke_before_its_tickets(kind, state):
    """Where TLS itself broke behind the handshake, what the server issues is not known."""
    broke = changed(full(1, issued=False), error=Failure("data", kind, "bad record"))
    (psk,) = summary([broke]).mechanisms
    assert psk.state == state
    assert ("bad record" in (psk.reason or "")) == (state == "untested")


def test_session_ids_stand_in_for_no_broken_ticket():
    """Where the handshake that asks for a ticket fails, no client gets as far as the ID."""
    failed = changed(
        full(1, "ticket", issued=False),
        handshake_done=False,
        error=Failure("handshake", "openssl", "unexpected message"),
    )
    (ids,) = summary([failed, full(2, "session-id")]).mechanisms
    assert (ids.mechanism, ids.judged) == ("session-id", False)


def test_never_offered_is_not_resumed():
    """A session that no client would still offer does not resume, and the reason says so."""
    found = summary(journal({("psk", "fixed"): "---", ("psk", "chained"): "--C"}))
    assert found.mechanisms[0].state == "not-resumed"
    assert found.mechanisms[0].reason is not None
    assert found.mechanisms[0].reason.startswith("never offered")


def test_only_tls13_tickets_may_be_single_use():
    """In TLS 1.2 a ticket or ID that is accepted once works in part."""
    tries = {("ticket", "fixed"): "RNNNN", ("ticket", "chained"): "RRRRR"}
    assert summary(journal(tries)).mechanisms[0].state == "partly"


def test_a_server_that_hangs_up_is_not_judged():
    """That no TLS 1.3 ticket came until the server left, without a word, is no answer."""
    attempts = journal({}, unissued=["psk"])
    (psk,) = summary([changed(a, closed="hung-up") for a in attempts]).mechanisms
    assert (psk.state, psk.tickets) == ("untested", None)
    assert psk.reason is not None
    assert "hung up" in psk.reason


def test_two_keys_are_not_single_use():
    """Where a second key is seen, refused re-use has another explanation."""
    attempts = journal({("psk", "fixed"): "RNNNN", ("psk", "chained"): "RRRRR"})
    keys = [(Ticket(handle("psk", 1 + n % 2), 7200, 1.0),) for n in range(len(attempts))]
    attempts = [changed(a, tickets=key) for a, key in zip(attempts, keys, strict=True)]
    assert summary(attempts).mechanisms[0].state == "partly"


# ------------------------------------------------------------------------ judged

ALL = "RRRRR"


@each_row(
    "issued, unissued, judged",
    [
        (["psk", "ticket", "session-id"], [], ["psk", "ticket"]),
        (["psk", "ticket"], ["session-id"], ["psk", "ticket"]),
        (["psk", "session-id"], ["ticket"], ["psk", "session-id"]),
        (["ticket"], ["psk", "session-id"], ["psk", "ticket"]),
        ([], ["psk", "ticket", "session-id"], ["psk", "session-id"]),
        (["session-id"], ["ticket"], ["session-id"]),
        (["psk"], [], ["psk"]),
    ],
)
def test_what_an_ordinary_client_offers_is_judged(issued, unissued, judged):
    """TLS 1.3 is judged by psk; 1.2 by the ticket if one is issued, else by the session ID."""
    tries = {(name, series): ALL for name in issued for series in ("fixed", "chained")}
    found = summary(journal(tries, unissued=unissued))
    assert [m.mechanism for m in found.mechanisms if m.judged] == judged
    assert {m.mechanism for m in found.mechanisms} == {*issued, *unissued}


# ----------------------------------------------------------------------- verdict


def address(*states: Any) -> AddressResult:
    """An address with these states; one in brackets is reported, not judged."""
    mechanisms = tuple(
        MechanismResult(
            mechanism="psk",
            tls_version="TLSv1.3",
            state=state.strip("()"),
            judged=not state.startswith("("),
        )
        for state in states
    )
    return AddressResult(address="192.0.2.1", port=443, mechanisms=mechanisms)


@each_row(
    "states, whole, left_out",
    [
        ([["resumed"]], "resumes", "untested"),
        ([["resumed", "resumed"], ["resumed"]], "resumes", "untested"),
        ([["resumed"], ["not-resumed"]], "partly", "partly"),
        ([["resumed"], ["not-issued"]], "partly", "partly"),
        ([["partly"]], "partly", "partly"),
        ([["not-resumed"], ["not-issued"]], "does-not-resume", "does-not-resume"),
        ([["not-issued"]], "does-not-resume", "does-not-resume"),
        ([["untested"]], "untested", "untested"),
        ([["resumed"], ["untested"]], "untested", "untested"),
        ([["not-resumed"], ["untested"]], "untested", "untested"),
        ([["not-issued", "untested"]], "untested", "untested"),
        ([["partly"], ["untested"]], "partly", "partly"),
        ([["resumed", "(not-resumed)"]], "resumes", "untested"),
        ([[]], "untested", "untested"),
        ([], "untested", "untested"),
    ],
)
def test_verdicts(states, whole, left_out):
    """Every judged mechanism of every address makes the verdict; what lacks is never hidden,
    and what is untested is not counted as not resuming."""
    addresses = [address(*each) for each in states]
    assert verdict_of(addresses, incomplete=False) == whole
    assert verdict_of(addresses, incomplete=True) == left_out


# ------------------------------------------------------------------------ errors


def failed(number, mechanism, kind, *, alert=None) -> Trial:
    alerts = () if alert is None else (AlertSeen("server", 2, alert, "an alert"),)
    return broken(ask(number, mechanism, "full"), kind, alerts=alerts)


def test_an_address_that_speaks_one_version_has_no_error():
    """A version that is not spoken is no error of the address."""
    found = summary([failed(1, "psk", "alert", alert=70), full(2, "ticket")])
    assert (found.error, found.tls_versions) == (None, ("TLSv1.2",))
    assert found.unspoken == ("TLSv1.3",)


def test_a_version_that_broke_without_a_clear_reason_is_not_called_unspoken():
    """Only an alert that says so, or a choice between both, shows that a version is not spoken."""
    broke = failed(1, "psk", "closed")
    assert summary([broke, full(2, "ticket")]).unspoken == ()
    chose = changed(full(3, "ticket"), mechanism=None, purpose=purpose_of("discover", "both"))
    assert summary([broke, full(2, "ticket"), chose]).unspoken == ("TLSv1.3",)


def test_the_error_of_an_address_is_the_telling_one():
    """Where one version is refused as such, and another breaks, the break is the error."""
    found = summary([failed(1, "psk", "alert", alert=70), failed(2, "ticket", "reset")])
    assert found.error is not None
    assert found.error.kind == "reset"
    assert found.mechanisms == ()


def test_neither_version_is_said_so():
    """A server that refuses each version as such speaks older ones only."""
    names = ("psk", "ticket", "session-id")
    found = summary([failed(n, name, "alert", alert=70) for n, name in enumerate(names)])
    assert found.error is not None
    assert "neither TLSv1.2 nor TLSv1.3" in found.error.message


# -------------------------------------------------------------------------- rows


def test_a_row_says_only_what_is_known():
    """Acceptance is unknown until a ServerHello came."""
    known = row(tried(1, "N"), NAMES)
    assert (known.offered, known.accepted, known.reused) == (True, False, False)
    unknown = row(tried(1, "E"), NAMES)
    assert (unknown.offered, unknown.accepted, unknown.reused) == (True, None, None)
    assert unknown.error == "the peer: reset"
    assert row(attempt_of(ask(1, "psk", "full")), NAMES).offered is False


def test_a_row_names_the_port_that_was_connected_to():
    """An FTPS data connection has a port of its own, which a log would be searched for."""
    assert row(changed(tried(1, "R"), port=50021), NAMES).port == 50021


def test_full_handshakes_beside_the_tries_are_timed():
    """Full handshakes made under the tries' own conditions are the better comparison."""
    attempts = journal({("psk", "fixed"): "RRN"})
    attempts = [
        changed(a, timings=Timings(handshake=9.0 if a.experiment == "discover" else 4.0))
        for a in attempts
    ]
    timing = summary(attempts).mechanisms[0].timing
    assert (timing.full_ms, timing.resumed_ms) == (4.0, 4.0)
    timing = summary(attempts[:2]).mechanisms[0].timing
    assert (timing.full_ms, timing.resumed_ms) == (9.0, 4.0)


def test_single_use_is_told_from_several_fixed_sessions():
    """Where a broken connection cost the fixed session, each one that followed is used once."""
    attempts = journal({("psk", "fixed"): "", ("psk", "chained"): "RRRRR"})
    first, second = (mint("psk", DICE.randbytes(32)) for _ in range(2))
    for how, session in (("R", first), ("N", first), ("R", second), ("N", second)):
        number = len(attempts) + 1
        attempts.append(changed(tried(number, how, session=session), n=number))
    (psk,) = summary(attempts).mechanisms
    assert (psk.fixed.order, psk.state) == ("RNRN", "resumed")
    attempts.append(changed(tried(99, "R", session=second), n=len(attempts) + 1))
    assert summary(attempts).mechanisms[0].state == "partly"


def test_a_version_that_is_not_spoken_is_told_by_itself():
    """Of one version people read that it is not spoken, of two that neither is."""

    def denied(number, mechanism):
        alert = AlertSeen("server", 2, 70, "protocol_version")
        return broken(ask(number, mechanism, "full"), "alert", alerts=(alert,))

    for mechanisms, words in (
        (("psk",), ": it does not speak TLSv1.3"),
        (("psk", "ticket"), ": it speaks neither TLSv1.2 nor TLSv1.3"),
    ):
        error = summary([denied(n, mechanism) for n, mechanism in enumerate(mechanisms)]).error
        assert error is not None
        assert error.message.endswith(words), error.message
