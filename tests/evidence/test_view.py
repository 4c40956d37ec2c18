"""What is derived from attempts before anything is judged."""

from __future__ import annotations

from tests.helpers.evidence import LEAF, STATEFUL, Story, alert
from tests.helpers.trials import changed
from tlsresume.evidence.offer import Offer
from tlsresume.findings.view import NotRun, WhyNotRun
from tlsresume.results.connection import Failure
from tlsresume.tls.registry import AlertDescription

ODD = alert(AlertDescription.unexpected_message)


def test_tries_are_sorted_by_how_they_ended() -> None:
    """Accepted, declined, withheld and broken tries are told apart; full handshakes are none."""
    story = Story("psk").full().resumed().declined().withheld().broken(alerts=(ODD,))
    view = story.view()
    assert [len(group) for group in (view.accepted, view.declined, view.withheld, view.broken)] == [
        1, 1, 1, 1,
    ]  # fmt: skip
    assert len(view.subject) == 4
    assert len(view.full) == 1


def test_experiments_are_no_tries() -> None:
    """What an experiment offered does not count among the tries."""
    view = Story("psk").full().resumed().retry("RN").view()
    assert len(view.subject) == 1
    assert len(view.at_once) == 2
    assert view.fresh_is_accepted is False
    assert view.settled("retry")
    assert not view.settled("control")


def test_a_broken_retry_is_no_acceptance() -> None:
    """Fresh sessions that could not be tried leave the question open, or say no."""
    story = Story("psk").full("retry")
    assert story.view().fresh_is_accepted is None
    story.broken(None, "retry", "at-once", alerts=(ODD,))
    assert story.view().fresh_is_accepted is False


def test_a_skipped_experiment_is_settled() -> None:
    """What will not be made is not asked for again."""
    story = Story("psk").full()
    story.skipped.append(NotRun("control", WhyNotRun.NO_BUDGET))
    assert story.view().settled("control")


def test_controls_come_after_the_failure_and_follow_its_plan() -> None:
    """A handshake before the failure, or with another plan, is no control."""
    story = Story("psk").full().broken(alerts=(ODD,))
    assert story.view().controls == ()
    story.full("unpinned")
    assert story.view().controls == ()
    story.control()
    assert len(story.view().controls) == 2
    assert not story.view().hopeless


def test_a_failing_control_makes_it_hopeless() -> None:
    """Where the handshake fails without the session, the session is not the cause."""
    story = Story("psk").full().broken(alerts=(ODD,))
    story._tell("control", "full", error=Failure("handshake", "alert", "alert 10"))
    assert story.view().hopeless


def test_what_we_cut_short_or_spoilt_does_not_count() -> None:
    """Cancelled attempts, unsettled ones and all but the last of an ask are left out."""
    story = Story("psk").full().resumed().resumed().resumed()
    cancelled = Failure("handshake", "cancelled", "we stopped it")
    story.journal[1] = changed(story.journal[1], error=cancelled)
    story.journal[2] = changed(story.journal[2], unsettled=True)
    assert len(story.view().subject) == 1
    story.journal[3] = changed(story.journal[3], ask=story.journal[0].ask)
    assert len(story.view().subject) == 1
    assert story.view().full == ()


def test_key_names_follow_the_order_of_time() -> None:
    """Key names are those of issued tickets, in the order in which the connections began."""
    view = Story("ticket").full(key="a").declined(key="b").declined(key="a").resumed().view()
    first, second, third = view.keys_in_order
    assert first == third != second
    assert view.offered_key(view.declined[0]) == first
    assert view.issued_key(view.declined[0]) == second


def test_stateful_sessions_are_known_by_their_shape() -> None:
    """A session ID, and a ticket of 32 bytes in TLS 1.3, stand for an entry of a cache."""
    assert Story("session-id").full().resumed().view().stateful
    assert Story("psk").full(key=STATEFUL).resumed().view().stateful
    assert not Story("psk").full().resumed().view().stateful
    assert not Story("ticket").full(key=STATEFUL).resumed().view().stateful


def test_elsewhere_is_the_same_mechanism_on_other_addresses() -> None:
    """Attempts of another address are apart, and those of another mechanism are left out."""
    story = Story("psk").full().resumed()
    away = changed(story.journal[0], address="192.0.2.20", ask=90, n=90)
    other = changed(story.journal[0], mechanism="ticket", ask=91, n=91)
    story.journal += [away, other]
    view = story.view()
    assert view.elsewhere == (away,)
    assert len(view.attempts) == 2


def test_the_certificate_of_a_session_is_known_by_its_fingerprint() -> None:
    """The leaf in a session is named as the leaf on the wire is."""
    story = Story("psk")
    assert Offer.of(story.session()).certificate == LEAF
    assert Offer.of(story.session(peer=None)).certificate is None
