"""Group C: with the session the handshake fails, without it it succeeds.

No rule here fits before a control (a handshake without a session, after the
failure) has succeeded: else the server, not the session, is the trouble.
"""

from __future__ import annotations

from tlsresume.diagnosis.rules import Match, rule
from tlsresume.diagnosis.view import OTHER_PLANS, View
from tlsresume.diagnosis.wording import exchange, failure, seconds
from tlsresume.results import Attempt
from tlsresume.wire.handshake import AlertDescription, ProtocolVersion

_ASK = ("control",)
_FRESH = ("control", "retry")

#: What else may break connections now and then, while others resume.
_UNRELIABLE = ("connections that break whatever is offered: load, a limit, the network",)


def _controlled(view: View) -> bool:
    return any(attempt.handshake_done for attempt in view.controls)


def _shown(view: View, attempts: tuple[Attempt, ...] | list[Attempt]) -> tuple[str, ...]:
    control = [exchange(view, a) for a in view.controls if a.handshake_done][:1]
    return (*(exchange(view, attempt) for attempt in attempts[:2]), *control)


def _with_alert(
    view: View, *numbers: AlertDescription, hello: bool | None = False
) -> list[Attempt]:
    """Broken tries that the server ended with one of these alerts; `hello`: whether a
    ServerHello came before it (None: either). None where the handshake fails without the
    session, too."""
    return [
        attempt
        for attempt in _broken(view)
        if hello in (None, attempt.server_hello_seen)
        and any(
            alert.sender == "server" and alert.fatal and alert.description in numbers
            for alert in attempt.alerts
        )
    ]


def _broken(view: View) -> tuple[Attempt, ...]:
    return () if view.hopeless else view.broken


def _times(attempts: list[Attempt], view: View, what: str) -> str:
    good = sum(attempt.handshake_done for attempt in view.controls)
    return (
        f"{what} on {len(attempts)} of {len(view.subject)} connections that offer the session;"
        f" {good} of {len(view.controls)} without it succeed"
    )


@rule(
    "cross-name-refused",
    "C",
    "info",
    cause="The session was made for one name and offered to another, and the server refuses that"
    " where client certificates are checked.",
    advice="This is right behaviour: keep one session per server name.",
    sources=(
        "RFC 6066 section 3",
        "CVE-2025-23419 (nginx), CVE-2025-23048 (httpd)",
        "nginx/nginx#493",
    ),
)
def cross_name_refused(view: View) -> Match | None:
    """A session made for another name is refused here.

    Alert 49 access_denied before any ServerHello, or HTTP 421, for a session that was made
    under another name: `tlsresume probe --cross-name NAME`, or `tlsresume resume
    --servername NAME --any-host`.
    """
    tries = (*view.subject, *view.experiment("cross-name", "offer"))
    crossed = [
        a
        for a in tries
        if a.offer is not None and _made_for(view, a) not in (None, a.plan.server_name)
    ]
    refused = [
        a
        for a in crossed
        if (not a.handshake_done and any(x.description == AlertDescription.access_denied
                                         for x in a.alerts if x.sender == "server"))
        or (a.reused and a.http_status == 421)
    ]  # fmt: skip
    if not refused:
        return None
    how = "alert 49 access_denied" if not refused[0].handshake_done else "HTTP 421"
    return Match(
        seen=(
            (
                f"{how} for the session of {_made_for(view, refused[0])}, offered to"
                f" {refused[0].plan.server_name}"
            ),
        ),
        evidence=_shown(view, refused),
        aside=refused[0].experiment == "cross-name",
    )


def _made_for(view: View, attempt: Attempt) -> str | None:
    if attempt.experiment == "cross-name":
        first = view.experiment("cross-name", "full")
        return first[0].plan.server_name if first else None
    if view.saved is not None:
        return view.saved.server_name
    return attempt.plan.server_name


@rule(
    "no-session-id-context",
    "C",
    "error",
    mechanisms=("psk", "ticket"),
    cause="The server asks for client certificates, but its OpenSSL was given no session id"
    " context; it then aborts every handshake that offers a session.",
    advice="Look for 'session id context uninitialized' in the server's log and set a context, or"
    " switch tickets and session caching off. Clients can work round it by offering no session.",
    directives=("OpenSSL SSL_CTX_set_session_id_context",),
    sources=(
        "SSL_CTX_set_session_id_context(3)",
        "sfackler/rust-openssl#1235",
        "eclipse/mosquitto#454",
        "PostgreSQL commit dda04b9",
    ),
)
def no_session_id_context(view: View) -> Match | None:
    """The server aborts when a session is offered: no session id context.

    Alert 80 internal_error before any ServerHello, each time a session is offered; the same
    handshake without it succeeds and shows a CertificateRequest; a fresh session fails too.
    """
    aborted = _with_alert(view, AlertDescription.internal_error)
    asks = any(a.certificate_requested for a in view.attempts if a.offer is None)
    if not aborted or not asks:
        return None
    if view.saved is not None and view.fresh_is_accepted:
        return None
    return Match(
        seen=(
            _times(aborted, view, "alert 80 internal_error before any ServerHello"),
            "a handshake without a session shows a CertificateRequest",
        ),
        evidence=_shown(view, aborted),
        proven=_controlled(view),
        ask=_FRESH if view.saved is not None else _ASK,
    )


@rule(
    "aged-ticket-alert",
    "C",
    "error",
    mechanisms=("psk", "ticket"),
    cause="The server answers tickets past a certain age with alert 80 instead of a full"
    " handshake; young ones resume.",
    advice="Upgrade the server; until then, let clients drop sessions well before that age.",
    directives=("haproxy tune.ssl.lifetime",),
    sources=("haproxy/haproxy#3499", "proftpd/proftpd#1931"),
)
def aged_ticket_alert(view: View) -> Match | None:
    """The server aborts on old tickets instead of declining them.

    Alert 80 internal_error for old sessions, while a fresh one resumes: `tlsresume probe
    --age SECONDS`, or `tlsresume resume` with an old file.
    """
    aborted = _with_alert(view, AlertDescription.internal_error)
    aged = [
        a
        for a in view.experiment("age")
        if a.offered and not a.handshake_done
        and any(x.description == AlertDescription.internal_error for x in a.alerts)
    ]  # fmt: skip
    young = [a for a in (*view.at_once, *view.experiment("age")) if a.reused]
    if not (aborted or aged):
        return None
    if view.saved is None and (not aged or not young):
        return None
    if view.saved is not None and view.fresh_is_accepted is False:
        return None
    attempt = (aborted or aged)[0]
    return Match(
        seen=(
            f"alert 80 internal_error for a session {seconds(view.age(attempt))} old",
            *((f"one {seconds(view.age(young[-1]))} old resumes",) if young else ()),
        ),
        evidence=_shown(view, aborted or aged),
        proven=bool(young),
        ask=_FRESH if aborted else (),
        aside=not aborted,
        severity="warning" if not aborted else None,
    )


@rule(
    "ems-dropped",
    "C",
    "error",
    mechanisms=("ticket", "session-id"),
    cause="The session was made with the extended master secret and offered without it; the"
    " server must abort then.",
    advice="Let the client send extended_master_secret, as it did when the session was made.",
    directives=(
        "Java -Djdk.tls.useExtendedMasterSecret=true",
        "OpenSSL: clear SSL_OP_NO_EXTENDED_MASTER_SECRET",
    ),
    sources=("RFC 7627 section 5.3", "openssl/openssl#9791"),
)
def ems_dropped(view: View) -> Match | None:
    """The session has extended master secret, this ClientHello has not.

    The session's flags say extended master secret, the ClientHello has no such extension,
    and the server sends alert 40 (older OpenSSL: 47); without the session the handshake
    succeeds.
    """
    session = view.session
    if session is None or not session.fields.extended_master_secret:
        return None
    broken = [
        a
        for a in _with_alert(
            view, AlertDescription.handshake_failure, AlertDescription.illegal_parameter
        )
        if not a.plan.extended_master_secret
    ]
    if not broken:
        return None
    return Match(
        seen=("no extended_master_secret in the ClientHello; the session was made with it",),
        evidence=("SSL_SESSION.flags [13]: bit 0 set", *_shown(view, broken)),
        proven=_controlled(view),
        ask=_ASK,
    )


@rule(
    "cipher-removed",
    "C",
    "error",
    mechanisms=("ticket", "session-id"),
    cause="TLS 1.2 resumes with the session's own cipher only, and one side no longer has it.",
    advice="Offer the session's cipher again, or drop the session and make a new one.",
    sources=("RFC 5246 section 7.4.1.2", "openssl/openssl#7246", "openssl/openssl#7999"),
)
def cipher_removed(view: View) -> Match | None:
    """The session's cipher is no longer available.

    Alert 47 or 40 for a ClientHello without the session's cipher, or with that cipher
    alone; with other ciphers the handshake succeeds.
    """
    session = view.session
    if session is None:
        return None
    name = session.fields.cipher_name
    broken = _with_alert(
        view, AlertDescription.illegal_parameter, AlertDescription.handshake_failure
    )
    here = [a for a in broken if a.plan.ciphers is not None and name not in a.plan.ciphers]
    unpinned = [a for a in view.experiment("unpinned") if a.handshake_done]
    there = [
        a
        for a in view.broken
        if a.plan.ciphers == name and not a.server_hello_seen
        and any(x.description == AlertDescription.handshake_failure for x in a.alerts)
    ]  # fmt: skip
    if here:
        return Match(
            seen=(f"the session's cipher {name} is not in this client's list",),
            evidence=_shown(view, here),
            proven=_controlled(view),
            ask=_ASK,
        )
    if there and not view.settled("unpinned") and not _controlled(view):
        return Match(seen=("only its cipher was offered",), proven=False, ask=(*_ASK, "unpinned"))
    if there and not _controlled(view) and unpinned and unpinned[0].cipher != name:
        return Match(
            seen=(
                (
                    f"the server has nothing in common with a client that offers only {name};"
                    f" it now uses {unpinned[0].cipher}"
                ),
            ),
            evidence=(*_shown(view, there), exchange(view, unpinned[0])),
        )
    return None


@rule(
    "wrong-binder",
    "C",
    "error",
    mechanisms=("psk",),
    cause="The server knows the ticket, but the PSK binder does not fit: the secret in this"
    " session does not belong to its ticket.",
    advice="Delete the session and save it again; only a whole, unedited session can be resumed.",
    sources=(
        "RFC 8446 section 4.2.11.2",
        "wolfSSL/wolfssl#11105",
        "openssl/openssl#17501",
    ),
)
def wrong_binder(view: View) -> Match | None:
    """The session's secret does not belong to its ticket (PSK binder).

    Alert 47 illegal_parameter (some stacks: 51 decrypt_error) before any ServerHello; the
    same handshake without the session succeeds, and a fresh session resumes.
    """
    broken = _with_alert(view, AlertDescription.illegal_parameter, AlertDescription.decrypt_error)
    if not broken or (view.saved is not None and view.fresh_is_accepted is False):
        return None
    number = broken[0].alerts[-1].description
    return Match(
        seen=(_times(broken, view, f"alert {number} before any ServerHello"),),
        evidence=_shown(view, broken),
        proven=_controlled(view),
        ask=_FRESH if view.saved is not None else _ASK,
    )


@rule(
    "wrong-secret",
    "C",
    "error",
    mechanisms=("ticket", "session-id"),
    cause="The server accepted the session, but the keys of both sides differ: this session's"
    " secret does not belong to its ticket or ID, or the server's nodes mix them up.",
    advice="Delete the session and save it again. If fresh sessions fail too, look at how the"
    " server's nodes share keys and caches.",
    sources=("Mbed-TLS/mbedtls#9641", "openssl/openssl#15951"),
)
def wrong_secret(view: View) -> Match | None:
    """accepted, and then the keys do not match.

    The ServerHello accepts the session, and then one side cannot decrypt the other's
    Finished: 'bad record mac'.
    """
    broken = [
        a
        for a in _broken(view)
        if a.server_hello_seen
        and (
            any(x.description in (AlertDescription.bad_record_mac, AlertDescription.decrypt_error)
                for x in a.alerts)
            or _says(a, "bad record mac", "decryption failed", "digest check failed")
        )
    ]  # fmt: skip
    if not broken:
        return None
    return Match(
        seen=(_times(broken, view, "'bad record mac' after an accepting ServerHello"),),
        evidence=_shown(view, broken),
        proven=_controlled(view),
        ask=_FRESH if view.saved is not None else _ASK,
    )


def _says(attempt: Attempt, *words: str) -> bool:
    stack = attempt.error.stack if attempt.error else None
    return stack is not None and any(
        word in entry.reason for entry in stack.entries for word in words
    )


@rule(
    "ems-changed",
    "C",
    "error",
    mechanisms=("ticket", "session-id"),
    cause="The server resumed the session, but with another extended master secret setting than"
    " it was made with; a client must abort then.",
    advice="Delete this session. A client must drop a session after a failed resumption and"
    " connect again without it.",
    sources=("RFC 7627 section 5.3", "envoyproxy/envoy#18757"),
)
def ems_changed(view: View) -> Match | None:
    """The server changed its extended master secret setting under the session.

    The ServerHello accepts the session, and OpenSSL ends the handshake with 'inconsistent
    extms'.
    """
    broken = [
        a for a in _broken(view) if a.server_hello_seen and _says(a, "inconsistent extms", "extms")
    ]
    if not broken:
        return _server_dropped_ems(view)
    return Match(
        seen=(_times(broken, view, "'inconsistent extms' after the ServerHello"),),
        evidence=_shown(view, broken),
        proven=_controlled(view),
        ask=_ASK,
    )


def _server_dropped_ems(view: View) -> Match | None:
    """RFC 7627 section 5.3 from the other side: the server has none any more, and aborts."""
    session = view.session
    now = [a for a in view.controls if a.handshake_done]
    if session is None or not session.fields.extended_master_secret or not now:
        return None
    broken = [
        a
        for a in _with_alert(
            view, AlertDescription.handshake_failure, AlertDescription.illegal_parameter
        )
        if a.plan.extended_master_secret
    ]
    if not broken or any(a.extended_master_secret is not False for a in now):
        return None
    return Match(
        seen=("the session has extended master secret, the server has none now",),
        evidence=("SSL_SESSION.flags [13]: bit 0 set", *_shown(view, broken)),
    )


@rule(
    "mixed-version-pool",
    "C",
    "error",
    cause="Nodes behind this name speak different TLS versions, so a session of one version meets"
    " nodes that do not speak it.",
    advice="Configure the same TLS versions on every node.",
    directives=("nginx ssl_protocols", "haproxy ssl-min-ver", "httpd SSLProtocol"),
    sources=("curl/curl#1006", "openssl/openssl#852", "wolfSSL/wolfssl#10015"),
)
def mixed_version_pool(view: View) -> Match | None:
    """Nodes here speak different TLS versions.

    On some connections alert 70 protocol_version or 'wrong version number', on others of
    the same TLS version a finished handshake.
    """
    everything = [a for a in (*view.attempts, *view.elsewhere) if a.experiment not in OTHER_PLANS]
    refused = [
        a
        for a in everything
        if not a.handshake_done
        and (
            any(x.sender == "server" and x.description == AlertDescription.protocol_version
                for x in a.alerts)
            or _says(a, "wrong version number", "unsupported protocol")
        )
    ]  # fmt: skip
    spoke = [a for a in everything if a.handshake_done]
    if not refused or not spoke or not any(a in refused for a in view.attempts):
        return None
    version = {"psk": ProtocolVersion.TLSv1_3}.get(view.mechanism, ProtocolVersion.TLSv1_2)
    return Match(
        seen=(
            (
                f"{version.label} was refused on {len(refused)} of"
                f" {len(refused) + len(spoke)} connections"
            ),
        ),
        evidence=(exchange(view, refused[0]), exchange(view, spoke[0])),
    )


@rule(
    "dies-on-session",
    "C",
    "error",
    cause="The peer ends the connection, without an alert, when a session is offered.",
    advice="Compare with the server's log: an old broker, a missing session id context, or a"
    " middlebox that drops the larger ClientHello. Clients can work round it by offering none.",
    sources=("eclipse/mosquitto#454", "emqx/emqx#16456", "espressif/esp-mqtt#331"),
)
def dies_on_session(view: View) -> Match | None:
    """The connection dies, without a word, when a session is offered.

    FIN, RST or silence where a ServerHello is due, each time a session is offered and never
    without one; no alert.
    """
    broken = _broken(view)
    died = [
        a
        for a in broken
        if a.error is not None
        and a.error.kind in ("closed", "reset", "timeout")
        and not any(alert.fatal and alert.sender == "server" for alert in a.alerts)
    ]
    if len(died) < len(broken) or not died:
        return None
    how = died[0].error.kind if died[0].error else "closed"
    said = {"closed": "FIN", "reset": "RST", "timeout": "silence"}[how]
    return Match(
        seen=(_times(died, view, f"{said} instead of an answer"),),
        evidence=_shown(view, died),
        proven=_controlled(view) and not view.accepted,
        ask=_ASK,
        candidates=_UNRELIABLE if view.accepted else (),
        not_known=("which device ends the connection: the server, or one on the way",),
    )


@rule(
    "fails-with-session",
    "C",
    "error",
    cause="The handshake fails when the session is offered and succeeds without it, in a way that"
    " fits no cause known to this tool.",
    advice="Look at the server's log at the times that -v lists; clients can work round it by offering no"
    " session.",
    sources=("SSL_set_session(3)", "SSL_get_error(3)"),
)
def fails_with_session(view: View) -> Match | None:
    """The handshake fails only when the session is offered.

    Handshakes that offer the session fail, the same one without it succeeds, and no other
    cause of this group fits.
    """
    broken = list(_broken(view))
    if not broken:
        return None
    return Match(
        seen=(_times(broken, view, failure(broken[0])),),
        evidence=_shown(view, broken),
        proven=_controlled(view) and not view.accepted,
        ask=_ASK,
        candidates=_UNRELIABLE if view.accepted else (),
    )
