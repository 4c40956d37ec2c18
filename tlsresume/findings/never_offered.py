"""Sessions that were not offered: our own ClientHello does not have them (group A)."""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import Elicit
from tlsresume.evidence.summary import hung_up
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.nginx_default_server import default_server
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.units import span


@rule(
    "file-unreadable",
    "A",
    "error",
    needs=TRIES,
    cause="No session can be made of the bytes of the file, so nothing was offered.",
    advice="Save the session again; a file that was cut, edited or converted holds none, nor does"
    " a certificate or a key. A session of a cipher that this OpenSSL does not know is refused too.",
    sources=("d2i_SSL_SESSION(3)", "openssl-sess_id(1)", "RFC 7468 section 2"),
)
def file_unreadable(view: View) -> Match | None:
    """The file holds no session that OpenSSL can read.

    The PEM block or the ASN.1 inside is damaged or of something else: the error says where,
    and the exit status is 7. Or d2i_SSL_SESSION(3) fails on the bytes; OpenSSL's error queue is
    shown, where it gives a reason.
    """
    failed = [a for a in view.attempts if a.error is not None and a.error.step == "session"]
    if not failed:
        return None
    error = failed[0].error
    call = error.stack.call if error and error.stack else "d2i_SSL_SESSION"
    return Match(seen=(f"{call} failed",), evidence=(error.message if error else call,))


@rule(
    "captured-too-early",
    "A",
    "warning",
    needs=TRIES,
    mechanisms=("psk",),
    cause="A TLS 1.3 session becomes resumable with a NewSessionTicket, which comes after the"
    " handshake; this one was saved before any came.",
    advice="Read from the connection after the handshake (for HTTP: send a request and read the"
    " reply) and save then. tlsresume save waits for the ticket; --ticket-wait sets how long."
    " openssl s_client -reconnect does not wait, and so shows New each time with TLS 1.3; its"
    " -sess_out may write such a file when its input ends at once.",
    sources=(
        "SSL_get_session(3), NOTES",
        "openssl/openssl#10714",
        "openssl/openssl#8018",
        "openssl/openssl#3008",
        "openssl/openssl#2259",
        "curl/curl#3202",
        "pyca/pyopenssl#1291",
    ),
)
def captured_too_early(view: View) -> Match | None:
    """The session was saved before any ticket came.

    The session has no ticket and the ClientHello no pre_shared_key. `tlsresume inspect
    FILE` shows the first of these offline.
    """
    session = view.session
    if session is None or not view.withheld:
        return None
    if session.fields.tls_version < ProtocolVersion.TLSv1_3 or session.fields.ticket:
        return None
    return Match(
        seen=("the session has no ticket, so the ClientHello has no pre_shared_key",),
        evidence=("SSL_SESSION: no ticket [10]", *shown(view, *view.withheld[:2])),
    )


@rule(
    "lifetime-zero",
    "A",
    "warning",
    needs=Part.OUTCOME | Part.TICKETS,
    mechanisms=("psk",),
    cause="The server gives its TLS 1.3 tickets a lifetime of 0, which tells clients to discard"
    " them at once.",
    advice="Give tickets a lifetime, or stop issuing them.",
    settings=set_in(
        nginx="ssl_session_timeout", haproxy="tune.ssl.lifetime", OpenSSL="SSL_CTX_set_timeout"
    ),
    sources=("RFC 8446 section 4.6.1", "openssl/openssl#18977"),
)
def lifetime_zero(view: View) -> Match | None:
    """The server's tickets have a lifetime of 0: not to be used.

    ticket_lifetime is 0 in every NewSessionTicket of TLS 1.3. (In TLS 1.2 a hint of 0
    states nothing, and such tickets are used.)
    """
    if view.saved is not None:
        saved = view.saved.session
        if not view.withheld or not saved.fields.ticket or saved.lifetime != 0:
            return None
        return Match(
            seen=("the saved ticket has a lifetime of 0",),
            evidence=("SSL_SESSION: no lifetime hint [9]", *shown(view, *view.withheld[:2])),
        )
    brought = [a for a in view.attempts if a.tickets and a.tls_version is ProtocolVersion.TLSv1_3]
    if not brought or any(ticket.lifetime for a in brought for ticket in a.tickets):
        return None
    return Match(
        seen=(f"lifetime 0 in each ticket of {len(brought)} connections",),
        evidence=("NewSessionTicket.ticket_lifetime: 0", *shown(view, *brought[:2])),
        shown_by=tuple(attempt.n for attempt in brought),
    )


@rule(
    "expired-at-client",
    "A",
    "warning",
    needs=TRIES,
    mechanisms=("psk",),
    cause="The ticket is older than the lifetime the server gave it, and OpenSSL does not offer"
    " an expired TLS 1.3 ticket; it says nothing about that.",
    advice="Save a new session. If it should be young, check the client's clock first.",
    sources=("RFC 8446 section 4.6.1", "openssl/openssl#18792", "rustls/rustls#2204"),
)
def expired_at_client(view: View) -> Match | None:
    """Not offered: by this client's clock the ticket has expired.

    By this machine's clock the session is older than ticket_lifetime, and the ClientHello
    has no pre_shared_key. In TLS 1.2 OpenSSL offers a session however old it is.
    """
    session = view.session
    if session is None or not view.withheld or not session.lifetime:
        return None
    age = session.age(view.withheld[0].time)
    if age <= session.lifetime or not session.fields.ticket:
        return None
    return Match(
        seen=said(
            f"the ticket is {span(age)} old, the server said its tickets last"
            f" {span(session.lifetime)}"
        ),
        evidence=(
            f"NewSessionTicket.ticket_lifetime: {session.lifetime}",
            *shown(view, *view.withheld[:2]),
        ),
        not_known=("whether the server would still have taken it",),
    )


@rule(
    "version-not-allowed",
    "A",
    "warning",
    needs=TRIES,
    cause="A session belongs to the TLS version it was made with, and this client was not allowed"
    " to speak that version.",
    advice="Allow the session's version (leave out --tls), or save a session of the other one.",
    sources=("SSL_CTX_set_min_proto_version(3)", "RFC 8446 section 4.2.11"),
)
def version_not_allowed(view: View) -> Match | None:
    """Not offered: the session's TLS version is not allowed here.

    The session's version is outside the range of the ClientHello, which then does not offer
    it.
    """
    session = view.session
    if session is None or not view.withheld:
        return None
    config, version = view.withheld[0].config, session.fields.tls_version
    if config.minimum <= version <= config.maximum:
        return None
    return Match(
        seen=said(
            f"the session is {version.label}; allowed were {config.minimum.label} to"
            f" {config.maximum.label}"
        ),
        evidence=shown(view, *view.withheld[:2]),
    )


@rule(
    "client-ticket-off",
    "A",
    "warning",
    needs=TRIES,
    mechanisms=("ticket",),
    cause="With SSL_OP_NO_TICKET the client sends no session_ticket extension, so a session that"
    " is a ticket cannot be offered as one.",
    advice="Let the client use tickets.",
    sources=("SSL_CTX_set_options(3)", "RFC 5077 section 3.2"),
)
def client_ticket_off(view: View) -> Match | None:
    """Not offered as a ticket: this client was told to use none.

    SSL_OP_NO_TICKET was set (`tlsresume resume --no-ticket` does it), so the ClientHello
    has no session_ticket extension; OpenSSL offers the session's ID instead, which a server
    with tickets does not know.
    """
    session = view.session
    tries = [a for a in view.subject if not a.config.tickets and not a.resumed]
    if session is None or not tries or not session.fields.ticket:
        return None
    return Match(
        seen=("SSL_OP_NO_TICKET is set, and the session is a ticket",),
        evidence=shown(view, *tries[:2]),
    )


_SPEAK_FIRST = (
    "First see whether tickets come after data, as with some servers: --send TEXT, or an https://"
    " target. If none come then: switch resumption on, where it is wanted; where it is off by design"
    " (PostgreSQL, say), this is right."
)

_NOT_ISSUED = {
    "psk": "no NewSessionTicket after the handshake, {waited}",
    "ticket": "no session_ticket extension in the ServerHello, and no NewSessionTicket",
    "session-id": "the session ID in the ServerHello is empty",
}


@rule(
    "not-issued",
    "A",
    "warning",
    needs=CONTROLLED | Part.SECRET | Part.ANSWER | Part.TICKETS,
    cause="The server gave nothing to resume with.",
    advice="If resumption is wanted, switch it on; where it is off by design (PostgreSQL, say),"
    " this is right.",
    settings=set_in(
        nginx="ssl_session_tickets on; ssl_session_cache shared:SSL:10m: in the default server of the port, or in http",
        haproxy=": no no-tls-tickets, tune.ssl.cachesize > 0",
        httpd="SSLSessionTickets on; SSLSessionCache shmcb:...",
        Envoy="session_ticket_keys, not disable_stateless_session_resumption",
        Go="tls.Config.SessionTicketsDisabled = false",
        Caddy="session_tickets: not disabled",
        Exim="tls_resumption_hosts = *",
        Java="-Djdk.tls.server.enableSessionTicketExtension=true",
        h2o="ssl-session-resumption: mode: all",
        lighttpd=(
            "ssl.stek-file (a key out of use gives no tickets)",
            "ssl.openssl.ssl-conf-cmd: no -SessionTicket in Options (it has no session cache)",
        ),
        OpenSSL="SSL_CTX_set_num_tickets, SSL_OP_NO_TICKET",
        rustls="ServerConfig.ticketer, session_storage, send_tls13_tickets",
        Erlang="ssl {session_tickets, stateful | stateless}",
    ),
    sources=(
        "RFC 5077 section 3.2",
        "RFC 8446 section 4.6.1",
        "pocoproject/poco#5417",
        "chatmail/relay#456",
        "PostgreSQL commit dda04b9",
    ),
)
def not_issued(view: View) -> Match | None:
    """The server issues no session of this kind.

    TLS 1.3: no NewSessionTicket within the time that is named, also after application data
    where there was any to send; a server that hangs up before it said anything may have wanted
    another protocol, and is not judged. TLS 1.2: no NewSessionTicket in the handshake; for session
    IDs, an empty session_id in the ServerHello.
    """
    full = tuple(attempt for attempt in view.full if not attempt.cut_short)
    if view.subject or not full:
        return None
    elicited = view.made(Elicit)
    brought = [a for a in full if any(s.mechanism == view.mechanism for s in a.sessions)]
    if brought:
        return _issued_late(view, brought) if set(brought) <= set(elicited) else None
    if view.mechanism == "psk" and all(hung_up(a) for a in full):
        return _hung_up(view, full)
    longest = max(((a.timings.total or 0) - (a.timings.handshake or 0)) / 1000 for a in full)
    asked = any(a.response for a in full)
    silent = view.mechanism == "psk" and not asked
    nginx = default_server(view)
    waited = f"none within {longest:.1f} s" + (", nor after data and its answer" if asked else "")
    return Match(
        seen=said(
            f"{_NOT_ISSUED[view.mechanism].format(waited=waited)}, on {len(full)} full"
            f" handshake{'' if len(full) == 1 else 's'}",
            *nginx.seen,
        ),
        evidence=shown(view, *full[:2]),
        proven=view.mechanism != "psk" or bool(elicited),
        ask=said("elicit" if view.mechanism == "psk" else None, *nginx.ask),
        advice=nginx.advice if not silent else _SPEAK_FIRST,
        settings=nginx.settings,
        not_known=("whether tickets come after data",) if silent else (),
    )


def _hung_up(view: View, full: tuple[Trial, ...]) -> Match:
    """That no ticket came is no answer where the server ended the connection so soon."""
    return Match(
        seen=said(
            "the server closes the connection after the handshake, without a ticket, an answer"
            f" or a close_notify, on {len(full)} of {len(full)} full handshakes"
        ),
        evidence=shown(view, *full[:2]),
        proven=False,
        ask=("elicit",),
        severity="warning",
        title="the server hangs up before a ticket could come",
        advice="Speak what this server expects: an ALPN name (--alpn h2 for gRPC and HTTP/2), an"
        " https:// target, --send TEXT, or a client certificate (--cert). Many servers send"
        " tickets with their first answer.",
        settings=(),
        not_known=("whether tickets come to a client that speaks its protocol",),
    )


def _issued_late(view: View, brought: list[Trial]) -> Match:
    late = brought[0].timings.first_ticket
    came = "later" if late is None else f"after {late / 1000:.1f} s"
    what = "with data and its answer" if brought[0].response else "with more patience"
    return Match(
        seen=(f"no ticket came in the first round; {what} one came {came}",),
        evidence=shown(view, *brought[:2]),
        advice="Clients that save their session before then never resume here. Raise --ticket-wait"
        " to test this server.",
    )
