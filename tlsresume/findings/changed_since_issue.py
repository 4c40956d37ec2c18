"""Sessions declined since something changed after they were made (group B).

Version, cipher hash, extended master secret, or the kind of sessions that are issued. What the
session says of each is compared with the handshake that declined it. Names and certificates are
in `changed_name_or_certificate`.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import NoEMS, Unpinned
from tlsresume.evidence.trial import Trial
from tlsresume.findings.comparisons import kind, leaf_change
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import has_alert
from tlsresume.findings.wording import said, shown
from tlsresume.results.connection import Mechanism
from tlsresume.tickets.key_names import is_stateful
from tlsresume.tls.registry import AlertDescription, cipher_hash
from tlsresume.units import connections

_TICKETS: tuple[Mechanism, ...] = ("psk", "ticket")


@rule(
    "version-changed",
    "B",
    "error",
    needs=CONTROLLED,
    cause="A session resumes only in the TLS version it was made with, and the server chose"
    " another one.",
    advice="If the session's version is still wanted, allow it on every node; clients should offer"
    " a session together with its own version only.",
    settings=set_in(nginx="ssl_protocols", haproxy="ssl-min-ver", httpd="SSLProtocol"),
    sources=("RFC 8446 section 4.1.2", "curl/curl#1006", "openssl/openssl#603"),
)
def version_changed(view: View) -> Match | None:
    """The server chose another TLS version than the session's.

    The ServerHello names another TLS version than the session's, although the ClientHello
    allowed the session's own.
    """
    changed = [
        a
        for a in (*view.declined, *view.withheld)
        if a.offer is not None
        and a.tls_version is not None
        and a.tls_version != a.offer.version
        and a.allowed_version(a.offer.version)
    ]
    if not changed or changed[0].offer is None or changed[0].tls_version is None:
        return _version_gone(view)
    then, now = changed[0].offer.version, changed[0].tls_version
    return Match(
        seen=(f"session {then.label}, this connection {now.label} ({changed[0].address})",),
        evidence=shown(view, *changed),
    )


def _version_gone(view: View) -> Match | None:
    """With only the session's version allowed the server refuses, whatever is offered."""
    refused = [a for a in view.broken if has_alert(a, AlertDescription.protocol_version)]
    if view.saved is None or not refused or view.accepted or view.declined:
        return None
    then = view.saved.session.fields.tls_version
    if not view.settled("unpinned"):
        return Match(
            seen=(f"only {then.label} was offered",), proven=False, ask=("control", "unpinned")
        )
    other = [a for a in view.made(Unpinned) if a.tls_version not in (None, then)]
    if not other or other[0].tls_version is None or not view.hopeless:
        return None
    return Match(
        seen=said(
            f"session {then.label}, which the server no longer speaks; it now chooses"
            f" {other[0].tls_version.label}"
        ),
        evidence=shown(view, refused[0], other[0]),
    )


@rule(
    "hash-mismatch",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS,
    mechanisms=("psk",),
    cause="A TLS 1.3 session is bound to the hash of its cipher suite, and the server chose a"
    " suite with another hash.",
    advice="Offer the session's own suite, or order the suites so that the server keeps choosing"
    " the same hash.",
    settings=set_in(nginx="ssl_conf_command Ciphersuites", haproxy="ssl-default-bind-ciphersuites"),
    sources=("RFC 8446 section 4.2.11", "openssl/openssl#18549", "aws/s2n-tls#2515"),
)
def hash_mismatch(view: View) -> Match | None:
    """The server's cipher suite has another hash than the session's.

    The chosen cipher suite's hash is not that of the session's suite; or, with only the
    session's suite offered, the server refuses, and with all of them it chooses one of
    another hash.
    """
    session = view.session
    # After a HelloRetryRequest OpenSSL withholds a session whose hash does not fit.
    for attempt in (*view.declined, *view.withheld):
        offer = attempt.offer
        if offer is None or attempt.suite is None:
            continue
        then, now = offer.hash, cipher_hash(attempt.suite)
        if then and now and then != now:
            stuck = not attempt.tickets
            return Match(
                seen=said(
                    f"the session has {offer.cipher} ({then}),"
                    f" the server chose {attempt.cipher} ({now})",
                    "and the server sent no new ticket" if stuck else None,
                ),
                evidence=shown(view, attempt),
                advice=(
                    "Clients stay stuck: no replacement ticket came, which OpenSSL mends in its"
                    " 2026 releases (openssl/openssl#18549). Upgrade the server, or restore the"
                    " order of suites."
                )
                if stuck
                else None,
            )
    pinned = [
        a for a in view.broken if session and a.config.ciphersuites == session.fields.cipher_name
    ]
    if pinned and not view.settled("unpinned") and not any(a.handshake_done for a in view.controls):
        return Match(
            seen=("only its cipher suite was offered",), proven=False, ask=("control", "unpinned")
        )
    unpinned = [a for a in view.made(Unpinned) if a.handshake_done and a.suite]
    if session is None or not unpinned or unpinned[0].suite is None or view.accepted:
        return None
    then, now = session.fields.cipher_hash, cipher_hash(unpinned[0].suite)
    if then and now and then != now and view.broken:
        return Match(
            seen=said(
                f"the session has {session.fields.cipher_name} ({then}), which the server no"
                f" longer takes; it now uses {unpinned[0].cipher} ({now})"
            ),
            evidence=shown(view, *view.broken[:1], unpinned[0]),
        )
    return None


@rule(
    "mechanism-removed",
    "B",
    "warning",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE | Part.SECRET,
    cause="The server declined the session, and now issues none of its kind.",
    advice="Resumption of this kind was switched off since the session was made; switch it on"
    " again if it is wanted.",
    settings=set_in(
        nginx="ssl_session_tickets",
        haproxy="no-tls-tickets",
        httpd="SSLSessionTickets",
        Go="tls.Config.SessionTicketsDisabled",
        Caddy="session_tickets: disabled",
    ),
    sources=("RFC 5077 section 3.3", "openssl/openssl#6563"),
)
def mechanism_removed(view: View) -> Match | None:
    """The server no longer issues sessions of this kind.

    The saved session is declined, and handshakes now bring no new one of its kind.
    """
    if view.saved is None or view.accepted or not (view.declined or view.full):
        return None
    later = [a for a in (*view.declined, *view.full) if a.handshake_done]
    if not later or any(s.mechanism == view.mechanism for a in later for s in a.sessions):
        return _kept_otherwise(view, later)
    if view.declined and view.declined[0].tls_version != view.saved.session.fields.tls_version:
        return None
    return Match(
        seen=(f"no {kind(view)} on {connections(len(later))} now",),
        evidence=shown(view, *later),
        proven=bool(view.full),
        ask=("retry",),
    )


def _kept_otherwise(view: View, later: list[Trial]) -> Match | None:
    """Sealed tickets then and names in a cache now, or the other way round."""
    tickets = [ticket.ticket for a in later for ticket in a.tickets]
    if view.mechanism != "psk" or not tickets or leaf_change(view) is not None:
        return None
    now = {is_stateful(ticket) for ticket in tickets}
    if now != {not view.stateful}:
        return None
    old = view.session.fields.ticket if view.session else None
    handle = old if view.stateful and old else tickets[0]
    kinds = ("sealed tickets", f"{len(handle)}-byte (stateful) tickets")
    return Match(
        seen=(f"{kinds[view.stateful]} then, {kinds[not view.stateful]} now",),
        evidence=shown(view, *later),
        proven=bool(view.full),
        ask=("retry",),
    )


@rule(
    "ems-upgraded",
    "B",
    "warning",
    needs=TRIES,
    mechanisms=("ticket", "session-id"),
    cause="The session was made without the extended master secret and offered with it; the"
    " server must make a full handshake then.",
    advice="Nothing to mend: the next session has it, and will resume.",
    sources=("RFC 7627 section 5.3",),
)
def ems_upgraded(view: View) -> Match | None:
    """The session lacks extended master secret, which both sides now use.

    The session's flags lack extended master secret, the handshake has it; offered without
    that extension, the session resumes (experiment no-ems).
    """
    declined = [
        a
        for a in view.declined
        if a.offer is not None and not a.offer.extended_master_secret and a.extended_master_secret
    ]
    if not declined:
        return None
    without = view.made(NoEMS.OFFER)
    return Match(
        seen=said(
            "the session has no extended master secret, this handshake has",
            "without it in the ClientHello the session resumes"
            if any(a.resumed for a in without)
            else None,
        ),
        evidence=("SSL_SESSION.flags [13]: bit 0 clear", *shown(view, *declined, *without)),
        proven=not without or any(a.resumed for a in without),
        ask=("no-ems",),
    )
