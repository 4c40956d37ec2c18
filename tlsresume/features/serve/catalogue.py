"""What findings about clients say to people: titles, causes, advice, and the setting of each
client software, as data. How each is recognised is in checks.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tlsresume.features.serve.codes import SEVERITIES, Code
from tlsresume.findings.engine import Entry
from tlsresume.results.connection import MECHANISMS, Mechanism

#: Client software by what it calls itself in HTTP; the first that fits.
SOFTWARE: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "requests": r"^python-requests/",
        "httpx": r"^python-httpx/",
        "aiohttp": r"aiohttp/",
        "urllib3": r"^python-urllib3/",
        "Python urllib": r"^Python-urllib/",
        "Go": r"^Go-http-client/",
        "gRPC": r"grpc",
        "curl": r"^curl/",
        "Wget": r"^Wget/",
        "lftp": r"^lftp/",
        "OkHttp": r"^okhttp/",
        "Java": r"^(Java-http-client|Java)/",
        ".NET": r"\.NET|^Microsoft",
        "Ruby": r"Ruby",
        "PHP": r"PHP|Guzzle",
        "Node": r"^(node|undici|axios|got)\b",
        "browser": r"^(Edg|OPR|Firefox|HeadlessChrome|Chrome|Safari)/",
    }.items()
}


def software_of(label: str | None) -> str | None:
    """The software that a client is, by the name that it gives itself."""
    if label is None:
        return None
    return next((name for name, pattern in SOFTWARE.items() if pattern.search(label)), None)


class ClientSetting(NamedTuple):
    """What to set in one client software, by the name that SOFTWARE or people have for it."""

    software: str
    words: str

    @property
    def text(self) -> str:
        """The line, beginning with the software's name."""
        return f"{self.software}: {self.words}"


def _entry(
    code: Code,
    *,
    settings: Mapping[str, str] | None = None,
    mechanisms: tuple[Mechanism, ...] = MECHANISMS,
    **texts: Any,
) -> Entry:
    """The entry of one code; `settings` are what to set, by client software."""
    own = tuple(ClientSetting(*each) for each in (settings or {}).items())
    return Entry(
        code=code,
        group="S",
        severity=SEVERITIES[code],
        mechanisms=mechanisms,
        settings=own,
        **texts,
    )


_KEEP_SESSIONS: Mapping[str, str] = {
    "requests": "one Session with keep-alive keeps connections, not TLS sessions: an HTTPAdapter"
    " whose ssl_context's sockets are given session=",
    "urllib3": "one PoolManager keeps connections, not TLS sessions: give wrap_socket session=",
    "httpx": "one Client keeps connections, not TLS sessions",
    "aiohttp": "one ClientSession keeps connections, not TLS sessions",
    "Python urllib": "http.client with SSLContext.wrap_socket(..., session=previous.session)",
    "Python ssl": "SSLContext.wrap_socket(..., session=old.session), taken after the first read",
    "Go": "tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)}",
    "gRPC": "grpc-go: credentials.NewTLS with a ClientSessionCache; C core: grpc.ssl_session_cache",
    "Node": "one https.Agent for all requests (agent: false keeps nothing); maxCachedSessions > 0",
    "Java": "one SSLContext and one HttpClient for all connections; "
    "SSLSessionContext.setSessionCacheSize",
    "OkHttp": "one OkHttpClient for all calls",
    "curl": "one process or handle for all transfers; libcurl: CURLSHOPT_SHARE with"
    " CURL_LOCK_DATA_SSL_SESSION; between processes --ssl-sessions FILE (8.12 and newer)",
    "Wget": "has no session cache: one process with keep-alive, or Wget2 with --tls-resume",
    "lftp": "has no session cache for HTTPS",
    "Perl": "IO::Socket::SSL with SSL_session_cache_size, and one context (SSL_reuse_ctx) for all",
    "PHP": "curl with one handle, or curl_share_init with CURL_LOCK_DATA_SSL_SESSION; streams"
    " have no session cache",
    "Ruby": "one Net::HTTP object, started again, keeps its session",
    ".NET": "one HttpClient; do not set SslClientAuthenticationOptions.AllowTlsResume to false",
    "OpenSSL": "SSL_CTX_sess_set_new_cb, and SSL_set_session before each connection",
    "GnuTLS": "gnutls_session_get_data2 after the first read, gnutls_session_set_data before"
    " the handshake",
    "mbedTLS": "mbedtls_ssl_get_session after the first read, mbedtls_ssl_set_session before the"
    " handshake; MBEDTLS_SSL_SESSION_TICKETS",
    "ESP-IDF": "esp_tls_get_client_session and esp_tls_cfg_t.client_session",
}

_DATA_SESSIONS: Mapping[str, str] = {
    "Python ftplib": "in a subclass of FTP_TLS, ntransfercmd with"
    " self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)",
    "curl": "does it by itself; libcurl: CURLOPT_SSL_SESSIONID_CACHE is not 0",
    "lftp": "does it by itself; set ftp:ssl-copy-sid yes",
    "Java": "Apache Commons Net: a subclass of FTPSClient whose _prepareDataSocket_ puts the"
    " session into the SSLSessionContext under the data connection's host and port",
    ".NET": "FluentFTP with FluentFTP.GnuTLS: SslStream cannot choose a session",
    "OpenSSL": "SSL_set_session(data, SSL_get1_session(control)) before the handshake",
    "GnuTLS": "gnutls_session_get_data2 of the control connection, gnutls_session_set_data before"
    " the handshake",
}

_ENTRIES = (
    _entry(
        "never-offers",
        title="the client never offers a session",
        tells="Each connection that began after the client had got a session, under the same"
        " name, made a full handshake. A TLS 1.3 server alone cannot tell a client that keeps no"
        " session from one that takes it before the ticket has come: session-ids (TLS 1.2) and"
        " late-tickets beside it can.",
        cause="Most TLS libraries keep a session only where the program asks for it, and many"
        " HTTP clients do not. Connections that are kept alive hide it, until they are not.",
        advice="Keep the session of each connection, and offer it on the next one to the same"
        " name and port.",
        settings=_KEEP_SESSIONS,
        sources=("RFC 8446 section 4.6.1", "RFC 5077 section 3.1"),
    ),
    _entry(
        "no-psk-modes",
        title="the client says that it can use no TLS 1.3 ticket",
        tells="No ClientHello of its TLS 1.3 connections has psk_key_exchange_modes with"
        " psk_dhe_ke.",
        cause="Without that extension a server must not resume with it, and need not send a"
        " ticket. Libraries leave it out where no session cache is set.",
        advice="Set a session cache; the library then announces the extension by itself.",
        settings={
            "Go": "tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)}",
            "GnuTLS": "no %NO_TICKETS in the priority string, and no GNUTLS_NO_TICKETS",
            "mbedTLS": "mbedtls_ssl_conf_tls13_key_exchange_modes with PSK_EPHEMERAL, and"
            " MBEDTLS_SSL_SESSION_TICKETS",
        },
        sources=("RFC 8446 section 4.2.9",),
        mechanisms=("psk",),
    ),
    _entry(
        "no-ticket-extension",
        title="the client takes no TLS 1.2 ticket",
        tells="No ClientHello of its TLS 1.2 connections has the session_ticket extension.",
        cause="Tickets are off in the client. With a server that keeps session IDs it can still"
        " resume; many servers keep none.",
        advice="Let the client take tickets.",
        settings={
            "urllib3": "it sets OP_NO_TICKET: give it an SSLContext of your own",
            "requests": "urllib3 sets OP_NO_TICKET: give it an SSLContext of your own, by an"
            " HTTPAdapter",
            "OpenSSL": "no SSL_OP_NO_TICKET",
            "Java": "jdk.tls.client.enableSessionTicketExtension=true",
            "Go": "no SessionTicketsDisabled, and a ClientSessionCache",
            "GnuTLS": "gnutls_session_ticket_enable_client, no GNUTLS_NO_TICKETS",
            "mbedTLS": "MBEDTLS_SSL_SESSION_TICKETS, mbedtls_ssl_conf_session_tickets",
        },
        sources=("RFC 5077 section 3.2",),
        mechanisms=("ticket",),
    ),
    _entry(
        "no-session-ids",
        title="the client offers no TLS 1.2 session ID",
        tells="It was given session IDs and nothing else, and offered none.",
        cause="Some libraries resume by tickets only (Go), others by nothing where no session is"
        " kept.",
        advice="Nothing, where the servers it talks to issue tickets.",
        sources=("RFC 5246 section 7.4.1.2",),
        mechanisms=("session-id",),
    ),
    _entry(
        "took-session-too-early",
        title="the client takes its session before the ticket has come",
        tells="It resumes on TLS 1.2, where the session is there with the handshake, and never"
        " offers on TLS 1.3; or it offers where tickets come with the handshake, and not where"
        " they come with the first answer.",
        cause="In TLS 1.3 a ticket is a message after the handshake. A session that is taken"
        " right after the handshake, or before anything was read, holds none.",
        advice="Take the session after the first read, or by the library's callback.",
        settings={
            "Python ssl": "read SSLSocket.session after the first recv(), not after do_handshake",
            "OpenSSL": "SSL_CTX_sess_set_new_cb, instead of SSL_get1_session after SSL_connect",
            "Node": "the socket's 'session' event, instead of getSession() in 'secureConnect'",
            "GnuTLS": "gnutls_session_get_data2 after the first gnutls_record_recv",
            "mbedTLS": "mbedtls_ssl_get_session after mbedtls_ssl_read gave"
            " MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET",
            "Ruby": "OpenSSL::SSL::SSLContext#session_new_cb, instead of SSLSocket#session",
        },
        sources=("RFC 8446 section 4.6.1", "SSL_get_session(3), NOTES"),
        mechanisms=("psk",),
    ),
    _entry(
        "ticket-used-twice",
        title="the client offers a TLS 1.3 ticket more than once",
        tells="The same ticket came on several connections.",
        cause="Whoever watches the network can link connections that show the same ticket, and"
        " servers that accept each ticket once then make a full handshake.",
        advice="Offer each ticket once, and take the new ones that come with each connection.",
        settings={
            "Python ssl": "take session= anew from each connection, after a read",
            "OpenSSL": "take each session by SSL_CTX_sess_set_new_cb; drop it when it is used",
        },
        sources=("RFC 8446 appendix C.4",),
        mechanisms=("psk",),
    ),
    _entry(
        "offered-past-lifetime",
        title="the client offers a ticket that has expired",
        tells="A TLS 1.3 ticket was older than the lifetime that came with it. In TLS 1.2 the"
        " lifetime is a hint, and this is no fault.",
        cause="The client does not look at ticket_lifetime. The server makes a full handshake,"
        " and the offer costs bytes and privacy for nothing.",
        advice="Drop tickets when their lifetime has passed.",
        sources=("RFC 8446 section 4.6.1",),
        mechanisms=("psk",),
    ),
    _entry(
        "offers-across-names",
        title="the client offers a session under another server name",
        tells="A session came under another name (SNI) than the one it was issued under.",
        cause="Its cache is not keyed by the name. A server behind the same address can then"
        " link the two, and a server that is not careful resumes a session that was verified for"
        " another name.",
        advice="Key the session cache by name and port.",
        sources=("RFC 8446 section 4.6.1", "RFC 6066 section 3"),
    ),
    _entry(
        "offers-across-ports",
        title="the client offers a session at another port",
        tells="A session came to another port than the one that issued it.",
        cause="Its cache is keyed by the host alone. Another service on the same host cannot"
        " use it as a rule, and makes a full handshake.",
        advice="Nothing, where all ports are one service; else key the cache by name and port.",
        settings={"Go": "a ClientSessionCache of its own for each service"},
        sources=("RFC 8446 section 4.6.1",),
    ),
    _entry(
        "data-connection-offers-nothing",
        title="FTP data connections do not offer the control connection's session",
        tells="When the client made a data connection its control connection had a session, and"
        " the data connection offered none.",
        cause="Servers use the session to know that both connections are of one client. vsftpd"
        " (require_ssl_reuse), ProFTPD and FileZilla Server demand it by default: there each"
        " transfer of this client fails, with 425, 450 or 522.",
        advice="Give each data connection the session of its control connection.",
        settings=_DATA_SESSIONS,
        sources=("RFC 4217 section 10.2", "vsftpd.conf(5), require_ssl_reuse"),
    ),
    _entry(
        "data-connection-other-session",
        title="FTP data connections offer another session than the control connection's",
        tells="A data connection offered a session that was got neither on its control connection"
        " nor on a data connection beside that.",
        cause="The client looks its sessions up by name, or keeps one for all. A server that"
        " demands the control connection's session refuses the transfer.",
        advice="Take the session for a data connection from its own control connection.",
        settings=_DATA_SESSIONS,
        sources=("RFC 4217 section 10.2", "vsftpd.conf(5), require_ssl_reuse"),
    ),
    _entry(
        "wrong-ticket-age",
        title="the client is wrong about the age of its ticket",
        tells="The age in the offer differs by more than 2 seconds from the time since the"
        " ticket left.",
        cause="A clock that was set, that stood still while the device slept, or a unit that was"
        " mistaken (milliseconds). Servers refuse early data then, and some the session.",
        advice="Count the age with a monotonic clock, in milliseconds, from the ticket's arrival.",
        sources=("RFC 8446 section 4.2.11.1",),
        mechanisms=("psk",),
    ),
    _entry(
        "cuts-connection",
        title="the client ends connections without close_notify",
        tells="The stream ended without close_notify. A reset alone is not counted: it may hide"
        " one.",
        cause="The program closes the socket under TLS. A server built on OpenSSL forgets the"
        " session of such a connection where it keeps it in a cache.",
        advice="Shut TLS down before closing the socket.",
        settings={
            "OpenSSL": "SSL_shutdown",
            "Python ssl": "SSLSocket.unwrap()",
            "GnuTLS": "gnutls_bye",
            "mbedTLS": "mbedtls_ssl_close_notify",
        },
        sources=("RFC 8446 section 6.1", "SSL_shutdown(3)"),
    ),
    _entry(
        "early-data-unasked",
        title="the client sends early data with a ticket that allows none",
        tells="A ClientHello announced early data with a ticket that came without"
        " max_early_data_size.",
        cause="The client does not look at the ticket's early_data extension. Early data can be"
        " replayed, and a server that does not expect it may break the connection.",
        advice="Send early data only with tickets that allow it, and only what may be repeated.",
        sources=("RFC 8446 section 4.2.10",),
        mechanisms=("psk",),
    ),
    _entry(
        "gives-up-when-refused",
        title="the client gives up when its session is refused",
        tells="It offered a session, the server went on with a full handshake, and the client"
        " ended the connection.",
        cause="A server may refuse any session, as after a rotation of its keys or a restart;"
        " the client must then go on with the full handshake.",
        advice="Go on where the ServerHello accepts no session; report it to the library's"
        " authors.",
        sources=("RFC 8446 section 4.2.11", "RFC 5077 section 3.1"),
    ),
    _entry(
        "fails-here",
        title="the client fails with this behaviour of the server, and works with the default",
        tells="Connections, or the command, failed here and not in `default`.",
        cause="The client does not cope with something that servers are free to do.",
        advice="See what the evidence names; `tlsresume serve --behaviour NAME` shows it alone.",
        sources=("RFC 8446 section 4.1.4", "RFC 8446 section 6.1"),
    ),
    _entry(
        "offers-across-client-certificates",
        title="the client offers a session that belongs to another client certificate",
        tells="A session of a connection with one client certificate (or none) was offered on a"
        " connection that, once it was refused, showed another. Seen only where sessions are"
        " refused, as in `refuse`.",
        cause="The session cache is not keyed by the client's certificate. A resumed connection"
        " carries the identity of the first, so requests run under the wrong one.",
        advice="Key the cache by the client certificate too, or have one cache for each.",
        settings={
            "curl": "7.50.1 or newer",
            "Go": "a ClientSessionCache for each certificate",
            "Java": "an SSLContext for each certificate",
            "OpenSSL": "an SSL_CTX, and sessions of its own, for each certificate",
        },
        sources=("CVE-2016-5420", "RFC 8446 section 4.6.2"),
    ),
    _entry(
        "offers-after-failed-verification",
        title="the client offers a session of a server that it refused",
        tells="It refused the certificate of the connection that the session came from, by an"
        " alert, or by asking nothing in `untrusted` while it asks elsewhere.",
        cause="The session was kept before, or although, verification failed. A resumed"
        " connection carries no certificate, so the next one succeeds without any verification.",
        advice="Keep a session only once the connection that it came from was verified.",
        settings={"curl": "8.6.0 or newer"},
        sources=("CVE-2024-0853", "SSL_set_session(3), NOTES"),
    ),
    _entry(
        "offers-unverified-session",
        title="a session that was got without verification lets the client pass verification",
        tells="In `untrusted` a request for {url}strict arrived on a resumed connection.",
        cause="The session of a connection without verification was offered on one that should"
        " have verified. A resumed connection carries no certificate, so nothing was verified.",
        advice="Key the session cache by what is verified (authority, name, verification on or"
        " off), or have one cache for each.",
        settings={
            "curl": "one share handle for each setting of CURLOPT_SSL_VERIFYPEER",
            "Python ssl": "an SSLContext, and sessions of its own, for each setting",
            "Go": "a ClientSessionCache for each tls.Config",
        },
        sources=("SSL_set_session(3), NOTES", "RFC 8446 section 4.6.1"),
    ),
)

TEXTS: Mapping[str, Entry] = {entry.code: entry for entry in _ENTRIES}

#: The pages of `tlsresume explain`, in the order of the codes.
ENTRIES: tuple[Entry, ...] = tuple(TEXTS[code] for code in SEVERITIES)
