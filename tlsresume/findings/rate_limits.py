"""The server says in clear that it limits connections (group W)."""

from __future__ import annotations

from tlsresume.evidence.fails_without_session import limited
from tlsresume.evidence.observation import Part
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import failure
from tlsresume.units import connections


@rule(
    "rate-limited",
    "W",
    "info",
    needs=Part.OUTCOME | Part.PURPOSE,
    cause="The server turned connections away, and said that it does so for their number: SMTP's"
    " and FTP's 421 or 450. Those it took are what the verdict rests on; waiting was tried.",
    advice="Wait a minute or more, and ask for less: --tries 1. --concurrency 1 helps against a"
    " limit on connections at a time only. Or have this client's address excepted.",
    settings=set_in(
        postfix=(
            "smtpd_client_connection_rate_limit, smtpd_client_event_limit_exceptions",
            "smtpd_client_connection_count_limit",
        ),
        exim="smtp_accept_max_per_host",
        vsftpd="max_per_ip, max_clients",
        proftpd="MaxClientsPerHost, MaxConnectionRate",
        pyftpdlib="FTPServer.max_cons, max_cons_per_ip",
    ),
    sources=("RFC 5321 section 4.2.3", "RFC 959 section 4.2.2", "postconf(5)"),
)
def rate_limited(view: View) -> Match | None:
    """The server limits connections, and says so.

    SMTP's or FTP's 421 or 450 came before TLS, where a greeting or an answer was due.
    """
    turned = [a for a in view.everything if limited(a)]
    if not turned:
        return None
    return Match(
        seen=(f"on {len(turned)} of {connections(len(view.everything))}: {failure(turned[0])}",),
        evidence=tuple(f"#{a.n} {failure(a)}" for a in turned[:3]),
    )
