"""Sessions that get past a client certificate which the server demands (group W).

Such a session was made under another name (`probe --cross-name`), or on a connection that the
server refused for want of a certificate.
"""

from __future__ import annotations

from tlsresume.evidence.answers import AnswerClass, answer_of
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import Answers
from tlsresume.findings.crossed_names import (
    Crossing,
    answers_of,
    crossings,
    exchanges,
    served,
    told,
)
from tlsresume.findings.engine import Match
from tlsresume.findings.refusals import refusal_words, refused_by_status, refuses_client
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.units import connections

#: So many answers of each side are enough to call it the server's habit.
_ENOUGH = 3


@rule(
    "client-certificate-bypassed",
    "W",
    "error",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    harm="security",
    cause="The server demands a client certificate on full handshakes, and serves connections that"
    " resume a session which was made without one, or with one that it does not accept: whoever"
    " gets such a session passes without a certificate.",
    advice="Bind sessions to what they were checked for: update nginx (1.27.4 and 1.26.3 mend"
    " CVE-2025-23419), httpd (2.4.64, CVE-2025-23048), Go (CVE-2025-68121: GetConfigForClient,"
    " Config.Clone), Traefik (GHSA-gv8r-9rw9-9697) and wolfSSL (CVE-2026-11703, session IDs)."
    " Where names differ in client certificates, as with HAProxy's crt-list with verify per name,"
    " or Node's and Bun's addContext: give each its own session id context and ticket key, put"
    " them on addresses or ports of their own, or switch tickets and session caching off; and let"
    " the application check the certificate on each request.",
    settings=set_in(
        nginx="ssl_session_tickets off, ssl_session_cache off in each server block",
        httpd="SSLSessionTickets off, SSLSessionCache none",
        haproxy="bind ... no-tls-tickets; tune.ssl.cachesize 0; http-request deny if !{ ssl_c_used }",
        **{"Node, Bun": "https.createServer({sessionIdContext, ticketKeys}), requestCert"},
        Go="tls.Config.SessionTicketsDisabled, VerifyConnection",
        Traefik="tls.options (clientAuth), one entry point for each",
        wolfSSL="wolfSSL_CTX_set_session_cache_mode",
        OpenSSL="SSL_CTX_set_session_id_context, per name",
    ),
    sources=(
        "RFC 8446 section 4.6.1",
        "CVE-2025-23419 (nginx), CVE-2025-23048 (httpd)",
        "CVE-2025-68121 (Go), GHSA-gv8r-9rw9-9697 (Traefik)",
        "CVE-2026-11703 (wolfSSL), oven-sh/bun#42998",
    ),
)
def client_certificate_bypassed(view: View) -> Match | None:
    """A session gets past the client certificate that the server demands.

    Without a session the server asks for a certificate and refuses (alert 116, 40, 42; HTTP
    400, 401, 403, 495, 496; or it closes); a session made under another name (`tlsresume probe
    --cross-name NAME`), or on a connection that was refused, is resumed and the request on it
    served (2xx, 3xx).
    """
    return _across_names(view) or _under_one_name(view)


def _under_one_name(view: View) -> Match | None:
    """Sessions of refused connections that are served, with the request, when they resume."""
    without = view.without_session
    refused = [a for a in without if refused_by_status(a) is not None]
    again = [a for a in view.made(Answers.OFFER) if a.resumed]
    passed = [a for a in (*view.accepted, *again) if served(a)]
    if view.saved is not None or not refused or not passed or any(map(served, without)):
        return None
    enough = len(refused) >= _ENOUGH and len(passed) >= _ENOUGH
    return Match(
        proven=enough,
        ask=("answers",),
        severity=None if enough else "warning",
        seen=said(
            f"without a session: {refusal_words(refused[0])}, on {connections(len(refused))}",
            f"resumed, with a session of such a connection: {answers_of(passed)}, on"
            f" {connections(len(passed))}",
        ),
        evidence=shown(view, refused[0], passed[0]),
    )


def bypassing(view: View) -> list[Crossing]:
    """Offers that were served where the control was refused for its client certificate."""
    return [
        c
        for c in crossings(view)
        if c.resumed
        and (served(c.offer) or _unread(c))
        and c.control is not None
        and refuses_client(c.control)
    ]


def _unread(crossing: Crossing) -> bool:
    """Whether TLS itself refused the control and took the offer, in a protocol whose answers
    are not read, or where none was asked for."""
    if crossing.offer is None or crossing.control is None or crossing.control.handshake_done:
        return False
    answer = answer_of(crossing.offer)
    return answer is None or answer.kind is AnswerClass.UNREAD


def _across_names(view: View) -> Match | None:
    passed = bypassing(view)
    if not passed:
        return None
    made = (
        "each session was made with the client certificate given, which the other name refuses"
        if passed[0].with_certificate
        else "the session was made without a client certificate"
    )
    return Match(
        seen=(*told(passed), made),
        evidence=exchanges(view, passed),
        aside=True,
        severity=None if any(served(c.offer) for c in passed) else "warning",
        not_known=()
        if any(served(c.offer) for c in passed)
        else ("whether requests are served, too: no answer was read",),
    )
