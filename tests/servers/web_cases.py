"""The table, second part: Apache httpd, stunnel and Node."""

from __future__ import annotations

from tests.servers.cases import ALL_RESUMED, STATEFUL_PSK, Case, tickets

SHMCB = "SSLSessionCache shmcb:cache(512000)"

APACHE = (
    Case(
        name="apache-cache-shmcb",
        server="apache",
        lines=(SHMCB,),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(300),
        source="httpd manual: SSLSessionTickets is on by default, SSLSessionCacheTimeout"
        " 300 s; shmcb is shared by all processes",
    ),
    Case(
        name="apache-cache-none",
        server="apache",
        lines=("SSLSessionCache none",),
        truth={**ALL_RESUMED, "session-id": "not-issued"},
        verdict="resumes",
        tickets=tickets(300),
        source="httpd manual: SSLSessionCache none disables the cache between processes;"
        " s_client: no session ID is sent",
    ),
    Case(
        name="apache-tickets-off-cache-shmcb",
        server="apache",
        lines=("SSLSessionTickets off", SHMCB),
        truth={**ALL_RESUMED, "ticket": "not-issued"},
        verdict="resumes",
        tickets=STATEFUL_PSK,
        source="httpd manual: SSLSessionTickets off; SSL_CTX_set_options(3),"
        " SSL_OP_NO_TICKET: TLS 1.3 tickets become names in the cache",
    ),
    Case(
        name="apache-tickets-off-cache-none",
        server="apache",
        lines=("SSLSessionTickets off", "SSLSessionCache none"),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "not-issued"},
        verdict="does-not-resume",
        source="httpd manual: neither tickets nor a cache; s_client: TLS 1.3 tickets are"
        " sent all the same, and none is honoured",
    ),
    # Not SSLSessionTicketKeyFile: see test_causes.
    Case(
        name="apache-cache-timeout",
        server="apache",
        lines=("SSLSessionCacheTimeout 900", SHMCB),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(900),
        source="httpd manual: SSLSessionCacheTimeout",
    ),
    Case(
        name="apache-only-1.2",
        server="apache",
        lines=("SSLProtocol -all +TLSv1.2", SHMCB),
        truth={"ticket": "resumed", "session-id": "resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="httpd manual: SSLProtocol",
    ),
    Case(
        name="apache-only-1.3",
        server="apache",
        lines=("SSLProtocol -all +TLSv1.3", SHMCB),
        truth={"psk": "resumed"},
        tls_versions=("TLSv1.3",),
        verdict="resumes",
        source="httpd manual: SSLProtocol",
    ),
)

STUNNEL = (
    Case(
        name="stunnel-default",
        server="stunnel",
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(300),
        source="stunnel manual: sessionResume is yes by default; s_client: the lifetime is 300 s",
    ),
    Case(
        name="stunnel-no-ticket",
        server="stunnel",
        lines=("options = NO_TICKET", "sessionCacheSize = 100"),
        truth={**ALL_RESUMED, "psk": "partly", "ticket": "not-issued"},
        verdict="partly",
        tickets=STATEFUL_PSK,
        chain=("Reused", "New", "Reused"),
        source="stunnel manual: options = NO_TICKET; the internal cache stays; s_client: of"
        " the two TLS 1.3 tickets of a full handshake only the second is honoured, and the"
        " ticket of a resumed one never",
    ),
    Case(
        name="stunnel-session-resume-no",
        server="stunnel",
        lines=("sessionResume = no",),
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "not-issued"},
        verdict="does-not-resume",
        source="stunnel manual: sessionResume = no disallows resumption",
    ),
)

NODE_CACHE = (
    "server.on('newSession', (id, data, done) => { sessions.set(hex(id), data); done(); });",
    "server.on('resumeSession', (id, done) => done(null, sessions.get(hex(id)) || null));",
)
NODE_NO_TICKET = "secureOptions: constants.SSL_OP_NO_TICKET"

NODE = (
    Case(
        name="node-default",
        server="node",
        truth={**ALL_RESUMED, "session-id": "not-resumed"},
        verdict="resumes",
        tickets=tickets(7200),
        source="Node manual, tls: tickets are on, and without the resumeSession event no"
        " session ID can be resumed; s_client: without sessionTimeout the lifetime is"
        " OpenSSL's own, 7200 s",
    ),
    Case(
        name="node-ticket-keys",
        server="node",
        lines=("ticketKeys: fs.readFileSync('{stek48}')", "sessionTimeout: 1200"),
        truth={**ALL_RESUMED, "session-id": "not-resumed"},
        verdict="resumes",
        tickets=tickets(1200, key="stek48"),
        source="Node manual, tls: ticketKeys, 48 bytes; sessionTimeout",
    ),
    Case(
        name="node-no-ticket",
        server="node",
        lines=(NODE_NO_TICKET,),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "not-resumed"},
        verdict="does-not-resume",
        findings=("never-honoured",),
        source="Node manual, tls: secureOptions; the cache is the application's, and here"
        " there is none",
    ),
    Case(
        name="node-no-ticket-own-cache",
        server="node",
        lines=(NODE_NO_TICKET, *NODE_CACHE),
        truth={"psk": "not-resumed", "ticket": "not-issued", "session-id": "resumed"},
        verdict="partly",
        tickets=STATEFUL_PSK,
        source="Node manual, tls: the newSession and resumeSession events; s_client: they"
        " do not serve TLS 1.3",
    ),
    Case(
        name="node-only-1.2",
        server="node",
        lines=("maxVersion: 'TLSv1.2'",),
        truth={"ticket": "resumed", "session-id": "not-resumed"},
        tls_versions=("TLSv1.2",),
        verdict="resumes",
        source="Node manual, tls: maxVersion",
    ),
    Case(
        name="node-only-1.3",
        server="node",
        lines=("minVersion: 'TLSv1.3'",),
        truth={"psk": "resumed"},
        tls_versions=("TLSv1.3",),
        verdict="resumes",
        source="Node manual, tls: minVersion",
    ),
)
