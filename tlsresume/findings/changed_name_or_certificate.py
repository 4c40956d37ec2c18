"""Sessions declined under another name or protocol, or since the certificate is another (group B).

What the session says of both is compared with the handshake that declined it.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import CrossALPN, CrossName, OwnName
from tlsresume.findings.comparisons import leaf_change, name_changes, same_key
from tlsresume.findings.division_by_size import divides_exactly
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, short, shown
from tlsresume.results.connection import Mechanism

_TICKETS: tuple[Mechanism, ...] = ("psk", "ticket")


@rule(
    "name-changed",
    "B",
    "warning",
    needs=TRIES,
    cause="The session was made under another server name or protocol than it was offered with.",
    advice="Offer each session under its own name (SNI) and protocol (ALPN) only.",
    sources=("RFC 6066 section 3", "RFC 8446 section 4.6.1"),
)
def name_changed(view: View) -> Match | None:
    """Offered under another server name or protocol than the session's.

    SNI or ALPN of the ClientHello differ from those saved with the session; under its own
    name it resumes (experiment own-name).
    """
    crossed = _crossed_by_wish(view)
    if crossed is not None:
        return crossed
    changes = name_changes(view)
    if not changes:
        return None
    attempt = view.declined[0]
    own = view.made(OwnName.OFFER)
    return Match(
        seen=said(*changes, "under its own name the session resumes" if own else None),
        evidence=shown(view, attempt, *own),
        proven=bool(own),
        ask=("own-name",),
        candidates=() if own else ("any other cause: under its own name it was not tried",),
    )


def _crossed_by_wish(view: View) -> Match | None:
    """--cross-name and --cross-alpn: what the user wanted to know, and no fault."""
    crossed = (*view.answered(CrossName.OFFER), *view.answered(CrossALPN.OFFER))
    declined = [a for a in crossed if not a.resumed]
    if not declined or not view.accepted:
        return None
    return Match(
        seen=tuple(
            f"declined under {what}"
            for a in declined
            for what in [
                f"SNI {a.config.server_name}"
                if a.made_for(CrossName)
                else f"ALPN {', '.join(a.config.alpn)}"
            ]
        ),
        evidence=shown(view, *declined),
        advice="Right behaviour: a session belongs to the name it was made for.",
        severity="info",
        aside=True,
    )


@rule(
    "other-terminator",
    "B",
    "warning",
    needs=TRIES | Part.TICKETS | Part.CERTIFICATE,
    mechanisms=_TICKETS,
    cause="Certificate, ticket key and ticket format all differ from the session's: another device"
    " ends TLS here than the one that issued the session.",
    advice="Compare the issuers: a TLS-inspecting proxy on one network path, or another CDN, shows"
    " like this. Try from another network.",
    sources=("RFC 5077 section 4", "RFC 8446 section 4.6.1"),
)
def other_terminator(view: View) -> Match | None:
    """Another device ends TLS here than the one that issued the session.

    Leaf certificate, ticket key name, and length or lifetime of the tickets all differ from
    the session's.
    """
    change = leaf_change(view)
    if change is None or divides_exactly(view):
        return None
    attempt, then, now = change
    old = attempt.offer.ticket if attempt.offer else None
    new = attempt.tickets[-1].ticket if attempt.tickets else None
    if not old or not new or same_key(view, attempt):
        return None
    hint = attempt.offer.lifetime if attempt.offer else None
    if len(old) // 32 == len(new) // 32 and (hint or 0) == attempt.tickets[-1].lifetime:
        return None
    return Match(
        seen=(
            f"certificate {short(then)} then, {short(now)} now",
            f"tickets of {len(old)} bytes then, {len(new)} now",
        ),
        evidence=shown(view, attempt),
        candidates=("context-changed together with a new ticket key",),
    )


@rule(
    "context-changed",
    "B",
    "warning",
    needs=TRIES | Part.TICKETS | Part.CERTIFICATE,
    cause="The server's certificate changed since the session was made, and this server binds its"
    " sessions to the certificate or the list of client authorities.",
    advice="Expect one full handshake per client after each renewal, and none resumed between"
    " nodes with different certificates: roll certificates out to all nodes together.",
    settings=set_in(
        **{"nginx, Envoy": ": bound by design"}, OpenSSL="SSL_CTX_set_session_id_context"
    ),
    sources=(
        "envoyproxy/envoy#1747",
        "apache/trafficserver#2375",
        "SSL_CTX_set_session_id_context(3)",
    ),
)
def context_changed(view: View) -> Match | None:
    """The server's certificate is not the one the session was made with.

    The leaf certificate is not the one stored in the session, and the new ticket names the
    same key, or a fresh session resumes.
    """
    change = leaf_change(view)
    if change is None or divides_exactly(view):
        return None
    attempt, then, now = change
    same = same_key(view, attempt)
    if same is False:
        return None
    both = {a.leaf_sha256 for a in view.attempts if a.leaf_sha256}
    nodes = view.saved is None and len(both) > 1
    fresh = view.fresh_is_accepted
    return Match(
        seen=said(
            f"certificate {short(then)} then, {short(now)} now",
            f"under the same ticket key {short(view.offered_key(attempt))}" if same else None,
            f"{len(both)} certificates here: nodes differ" if nodes else None,
        ),
        evidence=shown(view, attempt),
        proven=bool(same) or view.saved is None or bool(fresh),
        ask=("retry",) if view.saved is not None else (),
        candidates=() if same else _also(view),
    )


def _also(view: View) -> tuple[str, ...]:
    """What the change of the certificate may have come with, where no key name tells."""
    if not view.stateful:
        return ("other-ticket-key",)
    if view.mechanism == "session-id":
        return ("cache-miss", "other-terminator (session IDs do not show who made them)")
    return ("cache-miss",)
