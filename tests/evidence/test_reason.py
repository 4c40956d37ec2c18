"""Why one attempt did not resume, in one sentence, for each thing it can show."""

from __future__ import annotations

import pytest

from tests.helpers.canned_lab import ROUTE, START, Ask, broken, done, mint
from tests.helpers.purposes import purpose_of
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.evidence.observation import Ticket
from tlsresume.evidence.states import disagreement
from tlsresume.findings.one_connection import why_not_resumed
from tlsresume.lab import Task
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

V12, V13 = ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3
VERSION = {"psk": V13, "ticket": V12, "session-id": V12}
KEY, OTHER = b"k" * 16, b"o" * 16


def ask(session: Session, **config) -> Ask:
    version = session.fields.tls_version
    chosen = ClientConfig(**({"minimum": version, "maximum": version} | config))
    task = Task(purpose=purpose_of("resume", "resume"), mechanism=session.mechanism)
    return Ask(1, START, ROUTE, chosen, task, session)


def ticket(name: bytes, length: int = 176) -> bytes:
    return name + bytes(length - len(name))


def reason(session: Session, new: bytes | None = None, config=None, **seen) -> str | None:
    tickets = () if new is None else (Ticket(new, 7200, 1.0),)
    return why_not_resumed(session, done(ask(session, **(config or {})), tickets=tickets, **seen))


@pytest.mark.parametrize("mechanism", VERSION)
def test_a_resumed_session_needs_no_reason(mechanism):
    """Reused is reused."""
    assert reason(mint(mechanism, b"x" * 32), resumed=True) is None


def test_a_broken_connection_is_no_refusal():
    """Its error speaks for itself."""
    session = mint("psk", ticket(KEY))
    assert why_not_resumed(session, broken(ask(session))) is None


@each_row(
    "session, config, words",
    [
        (mint("psk", ticket(KEY), START - 9000), {}, "expired: the ticket is 9000 s old"),
        (mint("psk", b""), {}, "captured too early"),
        (
            mint("psk", ticket(KEY)),
            {"minimum": V12, "maximum": V12},
            "the session is TLSv1.3, which this client may not use here",
        ),
        (
            mint("ticket", ticket(KEY)),
            {"minimum": V13, "maximum": V13},
            "the session is TLSv1.2, which this client may not use here",
        ),
        (mint("ticket", ticket(KEY)), {"tickets": False}, "told to use no tickets"),
        (mint("psk", ticket(KEY)), {}, "gave no reason"),
    ],
)
def test_why_it_was_not_offered(session, config, words):
    """Each rule of OpenSSL's client that keeps a session back has its words."""
    found = reason(session, config=config, offered=None)
    assert found is not None
    assert found.startswith("not offered: ")
    assert words in found


@each_row(
    "mechanism, handle, new, words",
    [
        ("psk", ticket(KEY), ticket(KEY, 208), "its new ticket names the same key"),
        ("psk", ticket(KEY), ticket(OTHER), "begins with 6f6f6f6f, the offered one with 6b6b6b6b"),
        ("psk", ticket(KEY), ticket(KEY[:15] + b"!"), f"begins with {KEY[:15].hex()}21, the"),
        ("psk", ticket(KEY), None, "sent no new ticket"),
        ("psk", b"a" * 32, b"b" * 32, "its new tickets are stateful (32 bytes)"),
        ("psk", b"a" * 32, ticket(KEY), "the ticket is stateful (32 bytes), those"),
        ("psk", ticket(KEY), b"b" * 32, "its new tickets are stateful (32 bytes)"),
        ("ticket", ticket(KEY), ticket(OTHER), "another ticket key, unless"),
        ("ticket", ticket(KEY), None, "sent no new ticket"),
        ("session-id", b"i" * 32, None, "gave no session ID"),
    ],
)
def test_why_it_was_declined(mechanism, handle, new, words):
    """What the server gave instead is what is known."""
    found = reason(mint(mechanism, handle), new)
    assert found is not None
    assert found.startswith("offered, and declined: ")
    assert words in found


def test_a_new_session_id_is_said():
    """A server with a cache gives another ID."""
    found = reason(mint("session-id", b"i" * 32), server_session_id=b"n" * 32)
    assert found is not None
    assert "gave a new session ID" in found


def test_another_version_was_chosen():
    """A session of one version cannot be accepted in another."""
    session = mint("ticket", ticket(KEY))
    found = reason(session, config={"maximum": V13}, tls_version=V13)
    assert found == "offered, declined: the server chose TLSv1.3, the session is TLSv1.2"


def test_where_openssl_and_the_wire_disagree_that_is_the_answer():
    """Nothing is called declined that the wire shows accepted."""
    session = mint("psk", ticket(KEY))
    attempt = changed(done(ask(session)), accepted=True)
    assert why_not_resumed(session, attempt) == disagreement(attempt)
    assert disagreement(attempt) is not None
