"""What befell an address as a whole: it stopped answering, or fails for some clients always."""

from __future__ import annotations

from tests.helpers.evidence import Story, alert
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.evidence.trial import Trial
from tlsresume.findings.judge import judge
from tlsresume.results.connection import Failure, FailureKind, Mechanism
from tlsresume.results.judged import Finding
from tlsresume.tls.registry import AlertDescription

MECHANISMS: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")


def found(story: Story, code: str) -> Finding | None:
    return next((f for f in judge([story.view()]) if f.code == code), None)


def unanswered(story: Story, count: int, kind: FailureKind = "refused") -> Story:
    """Connections that failed before anything was offered."""
    for _ in range(count):
        words = f"connection {kind}"
        story._tell("tries", "full", error=Failure("connect", kind, words))
    return story


def beside(story: Story, mechanism: Mechanism, attempts: list[Trial]) -> Story:
    """The story with attempts of another mechanism after its own."""
    for attempt in attempts:
        n = len(story.journal) + 1
        later = changed(attempt, n=n, ask=n, time=story.now, mechanism=mechanism)
        story.journal.append(later)
    return story


@each_row("mechanism", MECHANISMS)
@each_row("kind", ["refused", "timeout", "closed"])
def test_a_server_that_dies_of_a_session(mechanism, kind):
    """After the first session was offered nothing is answered any more: that is said, with
    what may have happened, and no cause that a control would have to prove."""
    story = Story(mechanism).full().broken(kind="closed")
    finding = found(unanswered(story, 3, kind), "stopped-answering")
    assert finding is not None
    assert finding.severity == "warning"
    assert "no handshake after #1: 4 connections failed" in finding.evidence[0]
    assert "connection " + kind in finding.evidence[0]
    assert "the first that offered a session" in finding.evidence[1]
    assert "ended the server" in finding.candidates[0]
    assert found(story, "dies-on-session") is None


def test_a_server_that_goes_away_while_sessions_resume():
    """Sessions had resumed before: the session is not suspected."""
    story = unanswered(Story("psk").full().resumed(), 4)
    finding = found(story, "stopped-answering")
    assert finding is not None
    assert len(finding.evidence) == 1
    assert not any("session that was offered" in one for one in finding.candidates)
    assert any("ban" in one for one in finding.candidates)


@each_row(
    "story",
    [
        Story("psk").full().broken(kind="closed").broken(kind="closed").control(),
        unanswered(Story("psk").full().resumed(), 4).full(),
        unanswered(Story("psk").full().resumed(), 3),
        unanswered(Story("psk").full().resumed(), 5, "cancelled"),
        unanswered(Story("psk"), 9),
    ],
    ids=["control", "back", "few", "ours", "never-there"],
)
def test_it_is_not_said_without_reason(story):
    """Not where handshakes succeed afterwards, failures are few or ours, or none succeeded."""
    assert found(story, "stopped-answering") is None


def test_a_version_that_was_never_spoken_is_no_silence():
    """Handshakes of another mechanism that never succeeded say nothing of this one."""
    alone = unanswered(Story("psk"), 6, "alert").journal
    story = beside(Story("ticket").full().resumed(), "psk", alone)
    assert found(story, "stopped-answering") is None


def test_what_is_made_once_more_counts_here():
    """The attempt that offered the session, and was then made again in vain, is told."""
    story = unanswered(Story("psk").full().broken(kind="closed"), 4)
    again = story.journal[-1]
    story.journal[-1] = changed(again, ask=story.journal[1].ask, retried=True)
    finding = found(story, "stopped-answering")
    assert finding is not None
    assert "the first that offered a session" in finding.evidence[1]


def test_clients_with_tickets_are_turned_away():
    """Handshakes with the session_ticket extension fail, those without it succeed."""
    odd = "SSL_do_handshake failed: unexpected message"
    broken = Failure("handshake", "openssl", odd)
    story = Story("session-id").full().resumed()
    failed = Story("ticket")._tell("discover", "full", error=broken, server_hello_seen=True)
    assert found(story, "fails-with-tickets") is None
    finding = found(beside(story, "ticket", [failed]), "fails-with-tickets")
    assert finding is not None
    assert "unexpected message" in finding.evidence[0]
    assert any("newSessionTicketCount" in line for line in finding.directives)


def test_a_version_that_one_node_refuses_is_no_fault_of_tickets():
    """The handshake with the extension met a node that does not speak TLS 1.2."""
    broken = Failure("handshake", "alert", "the server sent alert 70 protocol_version")
    refused = (alert(AlertDescription.protocol_version),)
    failed = Story("ticket")._tell("discover", "full", error=broken, alerts=refused)
    story = beside(Story("session-id").full(), "ticket", [failed])
    assert found(story, "fails-with-tickets") is None


def test_a_ticket_handshake_that_succeeds_once_clears_the_extension():
    """One that broke beside one that did not is no rule."""
    broken = Failure("handshake", "closed", "the server closed the connection in the handshake")
    failed = Story("ticket")._tell("discover", "full", error=broken)
    (good,) = Story("ticket").full().journal
    story = beside(Story("session-id").full(), "ticket", [failed, good])
    assert found(story, "fails-with-tickets") is None
