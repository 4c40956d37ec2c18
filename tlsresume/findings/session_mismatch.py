"""The session and this handshake do not go together (group C).

Another secret than the ticket's, a cipher that one side no longer has, the extended
master secret on one side only: one side must abort, and says how.
"""

from __future__ import annotations

from tlsresume.evidence.purposes import Unpinned
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import (
    ASK,
    ask_again,
    controlled,
    failed_for,
    fails_with_it,
    has_alert,
    shown_with_control,
    with_alert,
)
from tlsresume.findings.wording import exchange, said
from tlsresume.tls.registry import AlertDescription
from tlsresume.transports.failures import FailureReason


@rule(
    "ems-dropped",
    "C",
    "error",
    needs=CONTROLLED,
    mechanisms=("ticket", "session-id"),
    cause="The session was made with the extended master secret and offered without it; the"
    " server must abort then.",
    advice="Let the client send extended_master_secret, as it did when the session was made.",
    settings=set_in(
        Java="-Djdk.tls.useExtendedMasterSecret=true",
        OpenSSL=": clear SSL_OP_NO_EXTENDED_MASTER_SECRET",
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
        for a in with_alert(
            view, AlertDescription.handshake_failure, AlertDescription.illegal_parameter
        )
        if not a.allowed_extended_master_secret
    ]
    if not broken:
        return None
    return Match(
        seen=("no extended_master_secret in the ClientHello; the session was made with it",),
        evidence=("SSL_SESSION.flags [13]: bit 0 set", *shown_with_control(view, broken)),
        proven=controlled(view),
        ask=ASK,
    )


@rule(
    "cipher-removed",
    "C",
    "error",
    needs=CONTROLLED,
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
    broken = with_alert(
        view, AlertDescription.illegal_parameter, AlertDescription.handshake_failure
    )
    here = [a for a in broken if a.config.ciphers is not None and name not in a.config.ciphers]
    unpinned = [a for a in view.made(Unpinned) if a.handshake_done]
    there = [
        a
        for a in view.broken
        if a.config.ciphers == name
        and not a.server_hello_seen
        and has_alert(a, AlertDescription.handshake_failure)
    ]
    if here:
        return Match(
            seen=(f"the session's cipher {name} is not in this client's list",),
            evidence=shown_with_control(view, here),
            proven=controlled(view),
            ask=ASK,
        )
    if there and not view.settled("unpinned") and not controlled(view):
        return Match(seen=("only its cipher was offered",), proven=False, ask=(*ASK, "unpinned"))
    if there and not controlled(view) and unpinned and unpinned[0].cipher != name:
        return Match(
            seen=said(
                f"the server has nothing in common with a client that offers only {name};"
                f" it now uses {unpinned[0].cipher}"
            ),
            evidence=(*shown_with_control(view, there), exchange(view, unpinned[0])),
        )
    return None


@rule(
    "wrong-binder",
    "C",
    "error",
    needs=CONTROLLED,
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
    broken = with_alert(view, AlertDescription.illegal_parameter, AlertDescription.decrypt_error)
    if not broken or (view.saved is not None and view.fresh_is_accepted is False):
        return None
    number = broken[0].alerts[-1].description
    what = f"alert {number} before any ServerHello"
    return fails_with_it(view, broken, what, ask=ask_again(view))


@rule(
    "wrong-secret",
    "C",
    "error",
    needs=CONTROLLED,
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
        for a in view.blamed
        if a.server_hello_seen
        and (
            has_alert(a, AlertDescription.bad_record_mac, AlertDescription.decrypt_error)
            or failed_for(a, FailureReason.BAD_RECORD_MAC)
        )
    ]
    if not broken:
        return None
    what = "'bad record mac' after an accepting ServerHello"
    return fails_with_it(view, broken, what, ask=ask_again(view))


@rule(
    "ems-changed",
    "C",
    "error",
    needs=CONTROLLED,
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
        a for a in view.blamed if a.server_hello_seen and failed_for(a, FailureReason.EMS_MISMATCH)
    ]
    if not broken:
        return _server_dropped_ems(view)
    return fails_with_it(view, broken, "'inconsistent extms' after the ServerHello")


def _server_dropped_ems(view: View) -> Match | None:
    """RFC 7627 section 5.3 from the other side: the server has none any more, and aborts."""
    session = view.session
    now = [a for a in view.controls if a.handshake_done]
    if session is None or not session.fields.extended_master_secret or not now:
        return None
    broken = [
        a
        for a in with_alert(
            view, AlertDescription.handshake_failure, AlertDescription.illegal_parameter
        )
        if a.allowed_extended_master_secret
    ]
    if not broken or any(a.extended_master_secret is not False for a in now):
        return None
    return Match(
        seen=("the session has extended master secret, the server has none now",),
        evidence=("SSL_SESSION.flags [13]: bit 0 set", *shown_with_control(view, broken)),
    )
