"""Resumption that works and is easily misread, and what comes with it (group D)."""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import Tries
from tlsresume.evidence.states import tried
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.units import connections

_MANY = (
    "In TLS 1.2 clients use one ticket for many connections; of those that begin together all but"
    " one get a full handshake here. Let the server accept tickets until they expire."
)


@rule(
    "single-use",
    "D",
    "info",
    needs=TRIES | Part.TICKETS,
    mechanisms=("psk", "ticket"),
    cause="This server accepts each ticket once (protection against replay), and gives new ones"
    " each time.",
    advice="Right behaviour: clients use each ticket once and keep the newest.",
    sources=("RFC 8446 appendix C.4", "RFC 8446 section 8.1", "openssl/openssl#6313"),
)
def single_use(view: View) -> Match | None:
    """Each ticket is accepted once.

    Fresh tickets resume every time, the same ticket again does not, and one key name at
    most is seen. In TLS 1.2, where clients use a ticket many times, it is a warning.
    """
    if view.saved is not None:
        return None
    found = tried(view.attempts, view.mechanism, view.naming)
    if not found.single_use:
        return None
    refused = [a for a in view.declined if a.made_for(Tries.FIXED)]
    many = view.mechanism == "ticket"
    return Match(
        severity="warning" if many else None,
        advice=_MANY if many else None,
        explains_refusals=True,
        seen=said(
            f"fresh tickets resumed {found.chained.accepted} of {found.chained.offered} times, the same one"
            f" again {found.fixed.accepted} of {found.fixed.offered}"
        ),
        evidence=shown(view, *refused[:2]),
    )


@rule(
    "resumed-by-id",
    "D",
    "info",
    needs=Part.OUTCOME,
    mechanisms=("ticket",),
    cause="A session that holds no ticket was resumed by its session ID, while tickets were"
    " tested.",
    advice="Count it for the session cache, not for tickets.",
    sources=("drwetter/testssl.sh#1089", "RFC 5077 section 3.4"),
)
def resumed_by_id(view: View) -> Match | None:
    """Resumed by session ID, not by ticket.

    The ClientHello offered the session by its ID, with no ticket, and the ServerHello
    echoes it.
    """
    by_id = [a for a in view.accepted if a.offered == "session-id"]
    if not by_id:
        return None
    return Match(seen=(connections(len(by_id)),), evidence=shown(view, *by_id[:2]))


@rule(
    "ticket-renewed",
    "D",
    "info",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("ticket",),
    cause="The server resumed the session and gave a new ticket with it; a changed ticket is no"
    " sign of a new session.",
    advice="Nothing to mend. Tools that compare tickets call this 'not supported'.",
    sources=("RFC 5077 section 3.3", "nabla-c0d3/sslyze#53"),
)
def ticket_renewed(view: View) -> Match | None:
    """resumed, with a new ticket.

    The ServerHello accepts the session, no Certificate is sent, and a NewSessionTicket
    comes all the same.
    """
    renewed = [a for a in view.accepted if a.tickets]
    if not renewed:
        return None
    return Match(
        seen=(f"a new ticket on {len(renewed)} of {connections(len(view.accepted))} resumed",),
        evidence=shown(view, *renewed[:2]),
    )


@rule(
    "session-id-changed",
    "D",
    "info",
    needs=Part.OUTCOME,
    mechanisms=("psk",),
    cause="In TLS 1.3 the session ID in the hellos is a leftover: it changes on each connection,"
    " resumed or not.",
    advice="Nothing to mend. Resumption is decided by pre_shared_key in the ServerHello.",
    sources=("RFC 8446 section D.4", "google/conscrypt#985", "openssl/openssl#16576"),
)
def session_id_changed(view: View) -> Match | None:
    """Session IDs differ, which means nothing in TLS 1.3.

    The ServerHello of TLS 1.3 echoes whatever session_id the client sent, resumed or not.
    """
    ids = {a.server_session_id for a in view.accepted if a.server_session_id}
    if len(ids) < 2:
        return None
    return Match(
        seen=(f"{len(ids)} session IDs on {connections(len(view.accepted))} resumed",),
        evidence=shown(view, view.accepted[0]),
    )


@rule(
    "resumption-not-verified",
    "D",
    "info",
    needs=TRIES | Part.CERTIFICATE,
    cause="On a resumed connection the server sends no certificate, so nothing was verified: what"
    " is shown is the result stored in the session.",
    advice="To check the certificate, its expiry or its revocation, make a full handshake.",
    sources=("SSL_get_verify_result(3)", "curl/curl#18902", "nodejs/node#3940"),
)
def resumption_not_verified(view: View) -> Match | None:
    """resumed: nothing was verified on this connection.

    No Certificate message was sent; the verify result is the one stored in the session.
    """
    resumed = [a for a in view.accepted if a.verification and a.verification.stored]
    if view.saved is None or not resumed:
        return None
    stored = resumed[0].verification
    return Match(
        seen=(f"verify result then: {stored.message if stored else ''}",),
        evidence=shown(view, resumed[0]),
    )


@rule(
    "hello-retry",
    "D",
    "info",
    needs=Part.OUTCOME,
    mechanisms=("psk",),
    cause="The server asked for another key share first (HelloRetryRequest); the session was"
    " resumed all the same, a round trip later.",
    advice="To save the round trip, let clients offer a group first that the server has.",
    settings=set_in(nginx="ssl_ecdh_curve", haproxy="curves", tlsresume="--groups"),
    sources=("RFC 8446 section 4.1.4",),
)
def hello_retry(view: View) -> Match | None:
    """A HelloRetryRequest came first.

    A HelloRetryRequest came before the ServerHello that accepts the session.
    """
    retried = [a for a in view.accepted if a.hello_retry]
    if not retried:
        return None
    return Match(
        seen=(f"on {len(retried)} of {connections(len(view.accepted))} resumed",),
        evidence=shown(view, *retried[:2]),
    )
