"""Say in one sentence why a session was not resumed, from its own connection alone.

Only what is seen on that connection is used, so the sentence names what
happened; which cause lies behind it is for the rules, that compare several.
"""

from __future__ import annotations

from tlsresume.evidence.states import disagreement
from tlsresume.evidence.trial import Trial
from tlsresume.sessions.session import Session
from tlsresume.tickets.key_names import is_stateful
from tlsresume.tls.registry import ProtocolVersion


def why_not_resumed(session: Session, attempt: Trial) -> str | None:
    """One sentence; None where the session was resumed, or the connection failed."""
    if attempt.resumed or not attempt.handshake_done:
        return None
    told = disagreement(attempt)
    if told is not None:
        return told
    if attempt.offered is None:
        return f"not offered: {_why_not_offered(session, attempt)}"
    fields = session.fields
    if attempt.tls_version is not None and attempt.tls_version != fields.tls_version:
        return (
            f"offered, declined: the server chose {attempt.tls_version.label},"
            f" the session is {fields.tls_version.label}"
        )
    return f"offered, and declined: {_declined(session, attempt)}"


def _why_not_offered(session: Session, attempt: Trial) -> str:
    usable, why = session.usable(attempt.time)
    if not usable:
        return why
    version = session.fields.tls_version
    if not attempt.allowed_version(version):
        return f"the session is {version.label}, which this client may not use here"
    if version < ProtocolVersion.TLSv1_3 and not attempt.config.tickets and session.fields.ticket:
        return "this client was told to use no tickets, and the session is one"
    return "OpenSSL left it out of the ClientHello and gave no reason"


def _declined(session: Session, attempt: Trial) -> str:
    old, new = session.fields.ticket, attempt.tickets[-1].ticket if attempt.tickets else None
    if session.mechanism == "session-id":
        given = "a new session ID" if attempt.server_session_id else "no session ID"
        return f"the server made a full handshake and gave {given}"
    if old is None or new is None:
        return "the server made a full handshake and sent no new ticket"
    if is_stateful(new):
        return f"the server made a full handshake; its new tickets are stateful ({len(new)} bytes)"
    if is_stateful(old):
        return f"the ticket is stateful ({len(old)} bytes), those the server makes now are not"
    if old[:16] == new[:16]:
        return "the server made a full handshake, and its new ticket names the same key"
    shown = 4 if old[:4] != new[:4] else 16
    return (
        f"the new ticket begins with {new[:shown].hex()}, the offered one with"
        f" {old[:shown].hex()}:"
        " another ticket key, unless this server's tickets name none"
    )
