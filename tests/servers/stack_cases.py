"""The table, fourth part: TLS stacks that no web server uses."""

from __future__ import annotations

from tests.servers.cases import ALL_RESUMED, HALF, STATEFUL_PSK, Case, tickets
from tests.servers.oracle import State

_STATEFUL = "-Djdk.tls.server.enableSessionTicketExtension=false"

JAVA = (
    Case(
        name="java-default",
        server="java",
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(86400, count=None),
        source="JSSE Reference Guide: stateless resumption is the default, and tickets live as"
        " long as sessions, 24 h",
    ),
    Case(
        name="java-stateful",
        server="java",
        lines=(_STATEFUL, "timeout=600"),
        truth={**ALL_RESUMED, "ticket": "not-issued"},
        verdict="resumes",
        tickets=STATEFUL_PSK,
        findings=("single-use",),
        ticket_used_once=True,
        source="JSSE Reference Guide: jdk.tls.server.enableSessionTicketExtension=false keeps"
        " sessions in the server's cache; s_client: a TLS 1.3 ticket is taken once",
    ),
    Case(
        name="java-only-1.2",
        server="java",
        lines=("TLSv1.2",),
        truth={"ticket": "resumed", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="SSLSocket.setEnabledProtocols",
    ),
    Case(
        name="java-context-each",
        server="java",
        lines=("context-each",),
        truth=dict.fromkeys(ALL_RESUMED, "not-resumed"),
        verdict="does-not-resume",
        findings=("never-honoured",),
        source="the keys of stateless tickets and the session cache belong to an SSLContext",
    ),
    Case(
        name="java-context-each-stateful",
        server="java",
        lines=(_STATEFUL, "context-each"),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "not-resumed"},
        verdict="does-not-resume",
        tickets=STATEFUL_PSK,
        findings=("never-honoured",),
        source="the session cache belongs to an SSLContext",
    ),
    Case(
        name="java-pool",
        server="java-pool",
        truth={"psk": HALF, "ticket": HALF, "session-id": HALF},
        verdict="partly",
        findings=("other-ticket-key",),
        source="each process makes ticket keys of its own, which nothing can set; their names"
        " have four bytes",
    ),
)

ERLANG = (
    Case(
        name="erlang-default",
        server="erlang",
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "resumed"},
        verdict="partly",
        findings=("not-issued",),
        source="ssl(3erl): session_tickets is disabled by default, reuse_sessions is true; OTP"
        " knows no tickets in TLS 1.2",
    ),
    Case(
        name="erlang-no-reuse",
        server="erlang",
        lines=("{reuse_sessions,false}",),
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "not-resumed"},
        verdict="does-not-resume",
        findings=("not-issued", "never-honoured"),
        source="ssl(3erl): reuse_sessions; s_client: IDs are named all the same",
    ),
    Case(
        name="erlang-only-1.2",
        server="erlang",
        lines=("{versions,['tlsv1.2']}",),
        truth={"ticket": "not-issued", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="ssl(3erl): versions",
    ),
)

NSS = (
    Case(
        name="nss-tickets",
        server="nss",
        lines=("-u",),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(172_800, count=1),
        source="selfserv: -u enables tickets; s_client: one ticket, two days",
    ),
    Case(
        name="nss-default",
        server="nss",
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "resumed"},
        verdict="partly",
        source="selfserv: no tickets without -u; NSS resumes in TLS 1.3 by tickets only",
    ),
    Case(
        name="nss-no-cache",
        server="nss",
        lines=("-N",),
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "not-resumed"},
        verdict="does-not-resume",
        source="selfserv: -N does not use the server session cache; s_client: IDs are named"
        " all the same",
    ),
)

#: wolfSSL's cache has rows of three sessions, chosen by a hash of the ID (ssl_sess.c): where three
#: later ones meet in the row of a session, it is gone.
_RESUMED_OR_PUSHED_OUT: tuple[State, ...] = ("resumed", "partly")

WOLFSSL = (
    Case(
        name="wolfssl-default",
        server="wolfssl",
        truth=ALL_RESUMED | {"session-id": _RESUMED_OR_PUSHED_OUT},
        verdict="resumes",
        tickets=tickets(300, count=1),
        source="wolfSSL manual: SESSION_TICKET_HINT_DEFAULT 300; s_client: one ticket",
    ),
    Case(
        name="wolfssl-no-ticket",
        server="wolfssl",
        lines=("no-ticket",),
        truth={
            "psk": "not-issued",
            "ticket": "not-issued",
            "session-id": _RESUMED_OR_PUSHED_OUT,
        },
        verdict="partly",
        source="wolfSSL manual: wolfSSL_CTX_NoTicketTLSv12, wolfSSL_CTX_no_ticket_TLSv13",
    ),
    Case(
        name="wolfssl-no-cache",
        server="wolfssl",
        lines=("no-cache",),
        truth={**ALL_RESUMED, "session-id": "not-issued"},
        verdict="resumes",
        tickets=tickets(300, count=1),
        source="wolfSSL manual: wolfSSL_CTX_set_session_cache_mode",
    ),
)
