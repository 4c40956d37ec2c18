"""The table, third part: the servers that TLS libraries bring along."""

from __future__ import annotations

from tests.servers.cases import ALL_RESUMED, STATEFUL_PSK, Case, TicketTruth, tickets

GNUTLS = (
    Case(
        name="gnutls-default",
        server="gnutls",
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(21600),
        source="gnutls-serv manual: tickets and a resumption database unless --noticket"
        " and --nodb are given; s_client: two tickets, 6 h",
    ),
    Case(
        name="gnutls-noticket",
        server="gnutls",
        lines=("--noticket",),
        truth={**ALL_RESUMED, "psk": "not-issued", "ticket": "not-issued"},
        verdict="partly",
        source="gnutls-serv manual: --noticket; GnuTLS resumes in TLS 1.3 by tickets only",
    ),
    Case(
        name="gnutls-noticket-nodb",
        server="gnutls",
        lines=("--noticket", "--nodb"),
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "not-resumed"},
        verdict="does-not-resume",
        source="gnutls-serv manual: --noticket, --nodb; s_client: TLS 1.2 session IDs are"
        " named but not honoured",
    ),
    Case(
        name="gnutls-only-1.2",
        server="gnutls",
        lines=("--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2"),
        truth={"ticket": "resumed", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="gnutls-serv manual: --priority",
    ),
)

S_SERVER = (
    Case(
        name="s_server-default",
        server="s_server",
        lines=("-www",),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(7200),
        source="openssl-s_server(1); SSL_CTX_set_timeout(3): 7200 s for this program",
    ),
    Case(
        name="s_server-interactive",
        server="s_server",
        truth=ALL_RESUMED,
        verdict="resumes",
        source="openssl-s_server(1): without -www it answers nothing by itself",
    ),
    Case(
        name="s_server-no_ticket",
        server="s_server",
        lines=("-www", "-no_ticket"),
        truth={**ALL_RESUMED, "ticket": "not-issued"},
        verdict="resumes",
        tickets=STATEFUL_PSK,
        ticket_used_once=True,
        source="openssl-s_server(1): -no_ticket; in TLS 1.3 stateful tickets remain",
    ),
    Case(
        name="s_server-no_cache",
        server="s_server",
        lines=("-www", "-no_cache"),
        truth={**ALL_RESUMED, "session-id": "not-issued"},
        verdict="resumes",
        tickets=tickets(7200),
        source="openssl-s_server(1): -no_cache disables the session cache",
    ),
    Case(
        name="s_server-num_tickets-0",
        server="s_server",
        lines=("-www", "-num_tickets", "0"),
        truth={**ALL_RESUMED, "psk": "not-issued"},
        verdict="partly",
        source="openssl-s_server(1): -num_tickets counts TLS 1.3 tickets only",
    ),
    Case(
        name="s_server-early-data-anti-replay",
        server="s_server",
        lines=("-early_data", "-max_early_data", "8192"),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets={"psk": TicketTruth(count=2, max_early_data=8192, stateful=True)},
        findings=("single-use",),
        ticket_used_once=True,
        source="SSL_CTX_set_max_early_data(3), replay protection: with early data each"
        " ticket is kept in the cache and honoured once",
    ),
    Case(
        name="s_server-early-data-no-anti-replay",
        server="s_server",
        lines=("-early_data", "-max_early_data", "8192", "-no_anti_replay"),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(7200, early=8192),
        never_findings=("single-use",),
        source="SSL_CTX_set_max_early_data(3): SSL_OP_NO_ANTI_REPLAY",
    ),
    Case(
        name="s_server-only-1.2",
        server="s_server",
        lines=("-www", "-tls1_2"),
        truth={"ticket": "resumed", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="openssl-s_server(1): -tls1_2",
    ),
    Case(
        name="s_server-only-1.3-other-group",
        server="s_server",
        lines=("-www", "-tls1_3", "-groups", "P-521"),
        truth={"psk": "resumed"},
        tls_versions=("TLSv1.3",),
        verdict="resumes",
        source="RFC 8446 section 4.1.4: a HelloRetryRequest does not forbid resumption",
    ),
)
