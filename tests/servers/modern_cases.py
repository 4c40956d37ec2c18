"""The table, last part: newer TLS stacks, from PyPI: Go's own, and rustls as Granian has it."""

from __future__ import annotations

from tests.servers.cases import STATEFUL_PSK, Case, TicketTruth

#: Go 1.21 and newer: one ticket, seven days, a random IV first; no hint in TLS 1.2.
GO_TICKETS = {
    "psk": TicketTruth(lifetime=604_800, count=1, key="", stateful=False, max_early_data=0),
    "ticket": TicketTruth(lifetime=0, count=1, key="", stateful=False),
}

MODERN = (
    Case(
        name="go-default",
        server="go-states",
        truth={"psk": "resumed", "ticket": "resumed", "session-id": "not-issued"},
        verdict="resumes",
        tickets=GO_TICKETS,
        findings=("ticket-lifetime-long",),
        source="crypto/tls, Config: tickets unless SessionTicketsDisabled; no session cache",
    ),
    Case(
        name="go-no-tickets",
        server="go-states",
        lines=("no-tickets",),
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "not-issued"},
        verdict="does-not-resume",
        findings=("not-issued",),
        source="crypto/tls, Config.SessionTicketsDisabled",
    ),
    Case(
        name="go-key-for-each-connection",
        server="go-states",
        lines=("key-for-each-connection",),
        truth={"psk": "not-resumed", "ticket": "not-resumed", "session-id": "not-issued"},
        verdict="does-not-resume",
        findings=("never-honoured",),
        source="crypto/tls, Config.GetConfigForClient: keys that are set on the Config that it"
        " returns are used; s_client: New each time",
    ),
    Case(
        name="go-store-once",
        server="go-states",
        lines=("store-once",),
        truth={"psk": "resumed", "ticket": "partly", "session-id": "not-issued"},
        verdict="partly",
        findings=("single-use",),
        ticket_used_once=True,
        source="crypto/tls, Config.WrapSession and UnwrapSession: a store that forgets a state"
        " when it is asked for",
    ),
    Case(
        name="go-only-1.2-certificate-asked",
        server="go-states",
        lines=("only-1.2", "ask-certificate"),
        truth={"ticket": "resumed", "session-id": "not-issued"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="crypto/tls, Config.MaxVersion, ClientAuth RequestClientCert",
    ),
    Case(
        name="rustls-only-1.3",
        server="granian",
        truth={"psk": "resumed"},
        tls_versions=("TLSv1.3",),
        verdict="resumes",
        tickets=STATEFUL_PSK,
        findings=("single-use",),
        never_findings=("cache-miss", "other-ticket-key"),
        ticket_used_once=True,
        source="rustls, ServerConfig: no ticketer, session_storage in memory; TLS 1.3 sessions are"
        " taken out of it",
    ),
    Case(
        name="rustls-both-versions",
        server="granian",
        lines=("--ssl-protocol-min tls1.2",),
        truth={"psk": "resumed", "ticket": "not-issued", "session-id": "resumed"},
        verdict="resumes",
        tickets=STATEFUL_PSK,
        findings=("single-use",),
        ticket_used_once=True,
        source="rustls, ServerConfig: no ticketer, so no TLS 1.2 tickets; s_client: session IDs"
        " are honoured again and again",
    ),
)
