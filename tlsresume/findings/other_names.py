"""Sessions made for one name and offered to another: `probe --cross-name`, `resume --any-host`.

Three connections are compared, for the name A that was asked for and the other name B: a full
handshake with A, the offer of its session under B, and the control, a full handshake with B.
Where `--cert` gave a client certificate, A and B are tried with it, too, and B's own session,
made with it, is offered without it. Without a control nothing is called safe.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import CrossName
from tlsresume.evidence.trial import Trial
from tlsresume.findings.certificate_bypass import bypassing
from tlsresume.findings.crossed_names import (
    Crossing,
    by_first,
    crossings,
    denied,
    ending,
    exchanges,
    served,
    told,
)
from tlsresume.findings.engine import Match
from tlsresume.findings.refusals import refuses_client
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import shown_with_control
from tlsresume.findings.wording import shown
from tlsresume.transports.library import covers

_SOURCES = ("RFC 8446 section 4.6.1", "RFC 6066 section 3")


@rule(
    "cross-name-refused",
    "C",
    "info",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
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
    --servername NAME --any-host`. A warning where alert 49 ends a connection with the client
    certificate that the other name accepts without a session, as nginx 1.27.4 to 1.29.1 do.
    """
    saved = _saved_refused(view)
    if saved is not None:
        return saved
    refused = [c for c in crossings(view) if c.refused]
    if not refused:
        return None
    broken = [
        c
        for c in refused
        if c.with_certificate
        and c.offer is not None
        and not c.offer.handshake_done
        and _served_with_certificate(c.control)
    ]
    return Match(
        seen=told(broken or refused),
        evidence=exchanges(view, broken or refused),
        aside=True,
        severity="warning" if broken else None,
        advice=_BROKEN if broken else None,
    )


_BROKEN = (
    "Clients that keep one session for several names, as browsers may with one certificate, fail"
    " here although their certificate is good: nginx 1.27.4 to 1.29.1 do that, update it. Until"
    " then let clients keep one session per server name."
)


def _served_with_certificate(control: Trial | None) -> bool:
    return control is not None and control.handshake_done and not refuses_client(control)


def _saved_refused(view: View) -> Match | None:
    """A session of a file, that another name refuses."""
    made_for = view.saved.server_name if view.saved is not None else None
    if made_for is None:
        return None
    refused = [a for a in view.subject if made_for != a.server_name and denied(a)]
    if not refused:
        return None
    how = "alert 49 access_denied" if not refused[0].handshake_done else "HTTP 421"
    return Match(
        seen=(f"{how} for the session of {made_for}, offered to {refused[0].server_name}",),
        evidence=shown_with_control(view, refused),
    )


@rule(
    "cross-name-other-certificate",
    "D",
    "warning",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    cause="The server resumed a session under a name that the session's certificate is not for. A"
    " client verified that certificate once, for another name, and verifies nothing on resumption.",
    advice="A server must resume only where the certificate of the session is good for the new"
    " name; a client must not offer a session to a name that its certificate does not cover."
    " Give names with certificates of their own their own session id context and ticket key.",
    settings=set_in(
        nginx="ssl_session_ticket_key, ssl_session_cache: those of the default server count",
        haproxy="bind ... no-tls-tickets",
        OpenSSL="SSL_CTX_set_session_id_context, per name",
    ),
    sources=_SOURCES,
)
def cross_name_other_certificate(view: View) -> Match | None:
    """Resumed under a name that the session's certificate is not for.

    `tlsresume probe --cross-name NAME`: the offer is resumed, and the certificate in the
    session does not cover the other name.
    """
    passed = bypassing(view)
    found = [
        c
        for c in crossings(view)
        if c.resumed and c not in passed and not c.refused and _leaf_covers(c) is False
    ]
    if not found:
        return None
    names = ", ".join(dict.fromkeys(c.name for c in found))
    return Match(
        seen=(
            *told(found),
            f"the certificate in the session does not cover {names}",
        ),
        evidence=exchanges(view, found),
    )


def _leaf_covers(crossing: Crossing) -> bool | None:
    offer = crossing.offer.offer if crossing.offer is not None else None
    leaf = offer.leaf if offer is not None else None
    return covers(leaf, crossing.name) if leaf else None


@rule(
    "cross-name-answered-by-other",
    "D",
    "warning",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    cause="The server resumed the session under another name, and answers as the name that it was"
    " made for: requests for one host are served by another.",
    advice="Choose the host by the name in each request (and let 421 say where it is not served),"
    " not by the name that the session was made with; or keep sessions of names apart.",
    settings=set_in(
        nginx="server_name, with ssl_session_cache and tickets per default server",
        haproxy="use_backend by req.hdr(host), not by ssl_fc_sni of the session",
        OpenSSL="SSL_get_servername, SSL_CTX_set_tlsext_servername_callback",
    ),
    sources=(*_SOURCES, "RFC 9110 section 15.5.20"),
)
def cross_name_answered_by_other(view: View) -> Match | None:
    """Resumed under another name, and answered by the session's own.

    `tlsresume probe --cross-name NAME`: the two names answer differently without a session,
    and the resumed connection gets the answer of the session's own name.
    """
    found = [c for c in crossings(view) if c.resumed and not c.refused and by_first(c)]
    if not found:
        return None
    own = found[0].full.config.server_name or "the session's own name"
    return Match(
        seen=(*told(found), f"the answer is that of {own}"),
        evidence=exchanges(view, found),
    )


@rule(
    "cross-name-accepted",
    "D",
    "info",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    cause="The server resumed a session under another name than it was made for.",
    advice="If the two names have different rules on client certificates, check the server's"
    " version: nginx 1.27.4 and httpd 2.4.64 refuse this.",
    sources=("RFC 6066 section 3", "CVE-2025-23419 (nginx), CVE-2025-23048 (httpd)"),
)
def cross_name_accepted(view: View) -> Match | None:
    """A session made for one name is accepted under another.

    `tlsresume probe --cross-name NAME`: the session resumes, its certificate covers the other
    name, and the request on it is answered as one without a session.
    """
    passed = bypassing(view)
    taken = [
        c
        for c in crossings(view)
        if c.resumed
        and c.settled
        and not c.refused
        and c not in passed
        and _leaf_covers(c) is not False
        and not by_first(c)
    ]
    if not taken:
        return None
    return Match(
        seen=told(taken),
        evidence=exchanges(view, taken),
    )


@rule(
    "certificate-carried",
    "W",
    "info",
    needs=TRIES | Part.CERTIFICATE | Part.ANSWER,
    cause="A session that was made with a client certificate goes on without it: the server takes"
    " the client's identity from the session.",
    advice="Right by the RFC, and worth knowing: that a certificate was revoked, or has expired, is"
    " not seen until the session ends. Keep sessions short where that matters, and delete them"
    " with the certificate.",
    settings=set_in(
        nginx="ssl_session_timeout", haproxy="tune.ssl.lifetime", OpenSSL="SSL_CTX_set_timeout"
    ),
    sources=("RFC 8446 section 2.2", "RFC 8446 section 4.6.1"),
)
def certificate_carried(view: View) -> Match | None:
    """A session made with a client certificate is served without it.

    `tlsresume probe --cross-name NAME --cert FILE`: the other name's own session, made with
    the certificate, is offered by a client that has none, is resumed, and served.
    """
    carried = [a for a in view.made(CrossName.CARRIED) if a.resumed is True and served(a)]
    if not carried:
        return None
    names = ", ".join(dict.fromkeys(a.config.server_name or "no name" for a in carried))
    return Match(
        seen=(f"SNI {names}, its own session, without the certificate: {ending(carried[0])}",),
        evidence=shown(view, *carried[:2]),
    )


@rule(
    "cross-name-untested",
    "D",
    "info",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    cause="What the other name does without a session, or with the session, could not be seen; so"
    " nothing is known of whether sessions pass from name to name.",
    advice="Look at why the connections below failed, and try again. This is no sign of safety.",
    sources=_SOURCES,
)
def cross_name_untested(view: View) -> Match | None:
    """Sessions under another name could not be tried.

    `tlsresume probe --cross-name NAME`: no session could be had under the target's own name, or
    the control, a full handshake under the other name, could not be made.
    """
    made = view.made(CrossName)
    fulls = [a for a in made if a.made_for(CrossName.FULL, CrossName.WITH_CERT_FULL)]
    if not fulls:
        return None
    found = list(crossings(view))
    if any(c.offer is not None and (c.settled or c.refused) for c in found):
        return None
    control = next((c.control for c in found if c.control is not None), None)
    told = [f"without a session: {ending(control)}"] if control is not None else []
    if not any(c.offer is not None for c in found):
        own = fulls[-1].config.server_name or "no name"
        told.append(f"no session could be had under {own}: {ending(fulls[-1])}")
    elif control is None:
        told.append("the control, a handshake without a session, was not made")
    return Match(
        seen=tuple(told),
        evidence=shown(view, *made),
        not_known=("whether sessions are accepted under the other name",),
    )
