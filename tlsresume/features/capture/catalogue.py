"""The findings of `capture` as data: severity, title, cause, advice, sources.

How each is told stands with its check in checks.py. Findings that probes have too keep the
text of their rule.
"""

from __future__ import annotations

from tlsresume.findings.catalogue import RULES
from tlsresume.findings.engine import Entry
from tlsresume.findings.software import ServerSetting, Software

_RULE = {rule.code: rule for rule in RULES}

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="separate-keys",
        group="P",
        severity="warning",
        mechanisms=("psk", "ticket"),
        title="nodes behind one name have ticket keys of their own",
        cause="Several ticket keys are in use under one name at the same time, and tickets of a key"
        " are refused now and taken again later: a connection that reaches another node than the"
        " one that issued its ticket makes a full handshake.",
        tells="Tickets of one key name are refused, and later that key issues or accepts again,"
        " while another key is in use. A rotation never goes back.",
        advice="Give all nodes the same ticket keys, and rotate them together; or let the balancer"
        " send a client to the same node.",
        settings=(
            ServerSetting.of(Software.NGINX, text="nginx: ssl_session_ticket_key FILE;"),
            ServerSetting.of(Software.HAPROXY, text="HAProxy: bind ... ssl tls-ticket-keys FILE"),
            ServerSetting.of(Software.HTTPD, text="Apache: SSLSessionTicketKeyFile FILE"),
        ),
        sources=("RFC 5077 section 5.5", "RFC 8446 section 4.6.1"),
    ),
    Entry(
        code="rotated",
        group="P",
        severity="info",
        mechanisms=("psk", "ticket"),
        title="sessions from before a change of the ticket key were refused",
        cause="The server began to use another ticket key, by a rotation or a restart, and did not"
        " keep the old one to decrypt with.",
        tells="Tickets of the old key are refused from some time on, and only those; the old key"
        " neither issues nor accepts after that, and another key does.",
        advice="When rotating, keep the old key for decryption as long as its tickets live. Give"
        " the server key files, so that a restart does not make new keys.",
        settings=(
            ServerSetting.of(
                Software.NGINX,
                text="nginx: list the new ssl_session_ticket_key first, and the old one after it",
            ),
            ServerSetting.of(
                Software.HAPROXY, text="HAProxy: tls-ticket-keys, whose penultimate line encrypts"
            ),
        ),
        sources=("RFC 5077 section 5.5", "RFC 9325 section 3.4"),
    ),
    Entry(
        code="refused-always",
        group="P",
        severity="warning",
        mechanisms=("psk", "ticket", "session-id"),
        title="the server never takes the sessions that clients offer",
        cause="Clients come back with sessions, and each time the server makes a full handshake: its"
        " ticket keys change before clients return, a cache is too small or not shared, or what"
        " terminates TLS now is not what issued the sessions.",
        tells="At least three offers, none accepted, and none of them late, offered before, or of"
        " another TLS version.",
        advice="Probe the server for the cause: tlsresume probe HOST. Compare what clients offer with"
        " the keys in use: tlsresume capture --ticket-keys FILE.",
        sources=("RFC 8446 section 2.2", "RFC 5077 section 3.4"),
    ),
    Entry(
        code="never-offers",
        group="P",
        severity="info",
        mechanisms=("psk", "ticket", "session-id"),
        title="client programs come back without offering a session",
        cause="The program keeps no sessions: it has no session cache, makes a new TLS context for"
        " each connection, closes before the tickets arrive, or was told not to resume.",
        tells="The same program (by its fingerprint) from the same address made at least three"
        " connections after one that could have given it a session, and offered none in any.",
        advice="In the client: reuse one TLS context or connection pool, and keep the sessions that"
        " arrive after the handshake. `tlsresume serve` shows a client's behaviour in detail.",
        sources=("RFC 8446 appendix C.4", "SSL_CTX_set_session_cache_mode(3)"),
    ),
    Entry(
        code="ticket-used-twice",
        group="P",
        severity="info",
        mechanisms=("psk",),
        title="clients offer the same TLS 1.3 ticket more than once",
        cause="A client that uses a ticket again lets an observer link its connections; a server that"
        " accepts each ticket once makes a full handshake.",
        tells="The same PSK identity stands in the ClientHello of two connections.",
        advice="In the client: keep all tickets of a connection, and use each once.",
        sources=("RFC 8446 appendix C.4", "RFC 9325 section 3.4"),
    ),
    Entry(
        code="offered-past-lifetime",
        group="P",
        severity="info",
        mechanisms=("psk", "ticket"),
        title="clients offer tickets whose lifetime is over",
        cause="A client keeps tickets longer than their lifetime says, or its clock runs differently.",
        tells="The capture shows when the ticket was issued and for how long (in TLS 1.3 with a key"
        " log), and its offer after that.",
        advice="In the client: drop tickets at the end of their lifetime; on the server: a lifetime"
        " that fits how soon clients come back.",
        settings=(
            ServerSetting.of(Software.NGINX, text="nginx: ssl_session_timeout TIME;"),
            ServerSetting.of(Software.OPENSSL, text="OpenSSL: SSL_CTX_set_timeout(3)"),
        ),
        sources=("RFC 8446 section 4.6.1", "RFC 5077 section 3.3"),
    ),
)

_ENTRY = {entry.code: entry for entry in ENTRIES}


def text_of(code: str) -> Entry:
    """The text of a finding of `capture`, shared or its own. Raises KeyError."""
    return _ENTRY.get(code) or _RULE[code]
