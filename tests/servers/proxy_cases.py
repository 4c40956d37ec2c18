"""The table, first part: servers that stand in front of others, and pools of them."""

from __future__ import annotations

from tests.servers.cases import ALL_RESUMED, HALF, STATEFUL_PSK, Case, tickets

NGINX = (
    Case(
        name="nginx-default",
        server="nginx",
        truth={**ALL_RESUMED, "session-id": "not-resumed"},
        verdict="resumes",
        tickets=tickets(300),
        source="nginx manual: ssl_session_tickets is on by default; the default of"
        " ssl_session_cache, none, names a session to the client but does not store it;"
        " ssl_session_timeout is 5m. SSL_CTX_set_num_tickets(3): two tickets",
    ),
    Case(
        name="nginx-cache-shared",
        server="nginx",
        lines=("ssl_session_cache shared:S:1m;",),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(300),
        source="nginx manual: a shared cache serves all workers",
    ),
    Case(
        name="nginx-cache-off",
        server="nginx",
        lines=("ssl_session_cache off;",),
        truth={**ALL_RESUMED, "session-id": "not-issued"},
        verdict="resumes",
        tickets=tickets(300),
        source="nginx manual: off tells a client that sessions may not be reused;"
        " tickets are not touched by it",
    ),
    Case(
        name="nginx-tickets-off-cache-shared",
        server="nginx",
        lines=("ssl_session_tickets off;", "ssl_session_cache shared:S:1m;"),
        truth={**ALL_RESUMED, "ticket": "not-issued"},
        verdict="resumes",
        tickets=STATEFUL_PSK,
        source="nginx manual: no tickets, a shared cache; SSL_CTX_set_options(3),"
        " SSL_OP_NO_TICKET: TLS 1.3 tickets become names in the cache",
    ),
    Case(
        name="nginx-tickets-off-cache-none",
        server="nginx",
        lines=("ssl_session_tickets off;", "ssl_session_cache none;"),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "not-resumed"},
        verdict="does-not-resume",
        findings=("never-honoured",),
        source="nginx manual: none names sessions but stores none, and tickets are off",
    ),
    Case(
        name="nginx-tickets-off-cache-off",
        server="nginx",
        lines=("ssl_session_tickets off;", "ssl_session_cache off;"),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "not-issued"},
        verdict="does-not-resume",
        source="nginx manual: no tickets, sessions may not be reused; s_client: TLS 1.3"
        " tickets are sent all the same, and none is honoured",
    ),
    Case(
        name="nginx-only-1.2",
        server="nginx",
        lines=("ssl_protocols TLSv1.2;", "ssl_session_cache shared:S:1m;"),
        truth={"ticket": "resumed", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="nginx manual: ssl_protocols",
    ),
    Case(
        name="nginx-only-1.3",
        server="nginx",
        lines=("ssl_protocols TLSv1.3;",),
        truth={"psk": "resumed"},
        tls_versions=("TLSv1.3",),
        verdict="resumes",
        source="nginx manual: ssl_protocols",
    ),
    Case(
        name="nginx-timeout-1h-key-file-48",
        server="nginx",
        lines=("ssl_session_timeout 1h;", "ssl_session_ticket_key {stek48};"),
        truth={**ALL_RESUMED, "session-id": "not-resumed"},
        verdict="resumes",
        tickets=tickets(3600, key="stek48"),
        source="nginx manual: ssl_session_timeout; the first 16 bytes of the file of"
        " ssl_session_ticket_key name the key",
    ),
    Case(
        name="nginx-key-file-80",
        server="nginx",
        lines=("ssl_session_ticket_key {stek80};", "ssl_session_cache shared:S:1m;"),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(300, key="stek80"),
        source="nginx manual: ssl_session_ticket_key, 80 bytes",
    ),
    Case(
        name="nginx-early-data",
        server="nginx",
        lines=("ssl_early_data on;",),
        truth={**ALL_RESUMED, "session-id": "not-resumed"},
        verdict="resumes",
        tickets=tickets(300, early=16384),
        source="nginx manual: ssl_early_data on; s_client: 16384 bytes, and tickets that"
        " can be used again, so no anti-replay",
    ),
    Case(
        name="nginx-client-certificate-optional",
        server="nginx",
        lines=(
            "ssl_verify_client optional;",
            "ssl_client_certificate {ca};",
            "ssl_session_cache shared:S:1m;",
        ),
        truth=ALL_RESUMED,
        verdict="resumes",
        source="nginx manual: ssl_verify_client optional asks for a certificate and goes"
        " on without one",
    ),
)

POOL = (
    Case(
        name="pool-separate-keys",
        server="nginx-pool",
        lines=("a: ssl_session_ticket_key {stek48};", "b: ssl_session_ticket_key {other_stek48};"),
        truth={"psk": HALF, "ticket": HALF, "session-id": "not-resumed"},
        verdict="partly",
        findings=("other-ticket-key",),
        source="nginx manual: ssl_session_ticket_key must be the same on servers that"
        " share sessions; here it is not, and HAProxy alternates",
    ),
    Case(
        name="pool-keys-made-at-start",
        server="nginx-pool",
        lines=("ssl_session_cache shared:S:1m;",),
        truth={"psk": HALF, "ticket": HALF, "session-id": HALF},
        verdict="partly",
        findings=("other-ticket-key",),
        source="nginx manual: without ssl_session_ticket_key each server makes a random"
        " key; a cache is shared by workers, not by servers",
    ),
    Case(
        name="pool-shared-key",
        server="nginx-pool",
        lines=("ssl_session_ticket_key {stek48};", "ssl_session_cache shared:S:1m;"),
        truth={"psk": "resumed", "ticket": "resumed", "session-id": HALF},
        verdict="resumes",
        tickets=tickets(300, key="stek48"),
        never_findings=("other-ticket-key",),
        source="nginx manual: one ssl_session_ticket_key for both servers; their session"
        " caches stay separate",
    ),
    Case(
        name="pool-shared-key-other-certificate",
        server="nginx-pool",
        lines=(
            "ssl_session_ticket_key {stek48};",
            "a: ssl_certificate {certificate};",
            "a: ssl_certificate_key {certificate};",
            "b: ssl_certificate {other_certificate};",
            "b: ssl_certificate_key {other_certificate};",
        ),
        truth={"psk": HALF, "ticket": HALF, "session-id": "not-resumed"},
        verdict="partly",
        tickets=tickets(300, key="stek48"),
        findings=("context-changed",),
        never_findings=("other-ticket-key",),
        source="SSL_CTX_set_session_id_context(3): a session is resumed only in the same"
        " context; s_client: nginx derives it from its certificates",
    ),
)

HAPROXY = (
    Case(
        name="haproxy-default",
        server="haproxy",
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(7200),
        source="HAProxy manual: tune.ssl.cachesize is 20000 by default, tune.ssl.lifetime"
        " 300 s, and tickets are on; s_client: their lifetime is OpenSSL's own, 7200 s,"
        " until tune.ssl.lifetime is given",
    ),
    Case(
        name="haproxy-no-tls-tickets",
        server="haproxy",
        lines=("no-tls-tickets",),
        truth={**ALL_RESUMED, "ticket": "not-issued"},
        verdict="resumes",
        tickets=STATEFUL_PSK,
        source="HAProxy manual: no-tls-tickets disables stateless resumption and forces"
        " stateful resumption",
    ),
    Case(
        name="haproxy-cachesize-0",
        server="haproxy",
        lines=("tune.ssl.cachesize 0",),
        truth={**ALL_RESUMED, "session-id": "not-issued"},
        verdict="resumes",
        tickets=tickets(7200),
        source="HAProxy manual: tune.ssl.cachesize 0 disables the session cache",
    ),
    Case(
        name="haproxy-no-tickets-cachesize-0",
        server="haproxy",
        lines=("no-tls-tickets", "tune.ssl.cachesize 0"),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "not-issued"},
        verdict="does-not-resume",
        source="HAProxy manual: neither tickets nor a cache; s_client: TLS 1.3 tickets are"
        " sent all the same, and none is honoured",
    ),
    Case(
        name="haproxy-ticket-keys",
        server="haproxy",
        lines=("tls-ticket-keys {stek_lines}", "tune.ssl.lifetime 600"),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(600, key="stek_lines"),
        source="HAProxy manual: tls-ticket-keys, the penultimate key encrypts; tune.ssl.lifetime",
    ),
    Case(
        name="haproxy-only-1.2",
        server="haproxy",
        lines=("ssl-max-ver TLSv1.2",),
        truth={"ticket": "resumed", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="HAProxy manual: ssl-max-ver",
    ),
    Case(
        name="haproxy-only-1.3",
        server="haproxy",
        lines=("ssl-min-ver TLSv1.3",),
        truth={"psk": "resumed"},
        tls_versions=("TLSv1.3",),
        verdict="resumes",
        source="HAProxy manual: ssl-min-ver",
    ),
    Case(
        name="haproxy-0rtt",
        server="haproxy",
        lines=("allow-0rtt",),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(7200, early=15360),
        source="HAProxy manual: allow-0rtt; s_client: 15360 bytes, which is tune.bufsize"
        " less tune.maxrewrite",
    ),
    Case(
        name="haproxy-two-connections-per-client",
        server="haproxy",
        lines=(
            "stick-table type ip size 100 store conn_cur",
            "tcp-request connection track-sc0 src",
            "tcp-request connection reject if { sc0_conn_cur gt 2 }",
        ),
        truth=ALL_RESUMED,
        verdict="resumes",
        source="HAProxy manual: a third connection at the same time is closed at once;"
        " that says nothing of resumption",
    ),
)
