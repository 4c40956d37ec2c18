"""Nodes behind one address that hand out different kinds of sessions (group B).

Told by the tickets alone: a server seals its state into them, or keeps it and names it in 32
bytes, or brings none. One server does the same on like connections; nodes that were not set
alike do not, and a session of one kind is worth nothing where the other is made.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.trial import Trial
from tlsresume.findings.comparisons import share
from tlsresume.findings.division_by_size import divides_exactly
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.tickets.key_names import is_stateful
from tlsresume.units import connections


@rule(
    "mixed-ticket-pool",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS,
    mechanisms=("psk", "ticket"),
    cause="Some nodes or workers behind this address seal their sessions into tickets, and others"
    " keep them in a cache of their own or issue no tickets: where the other kind answers, a"
    " session is worth nothing.",
    advice="Set tickets alike on every node: on everywhere with one key file for all, or off"
    " everywhere with one cache that all share.",
    settings=set_in(
        nginx="ssl_session_tickets and ssl_session_ticket_key, the same on every node",
        haproxy="no-tls-tickets on every node or on none, tls-ticket-keys",
        httpd="SSLSessionTickets and SSLSessionTicketKeyFile, the same on every node",
        OpenSSL="SSL_OP_NO_TICKET",
    ),
    sources=(
        "nginx manual: ssl_session_tickets",
        "SSL_CTX_set_options(3), SSL_OP_NO_TICKET",
    ),
)
def mixed_ticket_pool(view: View) -> Match | None:
    """Nodes here issue different kinds of tickets.

    On some connections the tickets are sealed, on others of the same kind they are 32-byte names
    of what the server keeps; with TLS 1.2, some full handshakes bring a ticket and others none.
    """
    if view.crossing or divides_exactly(view):
        return None
    alike = [
        a
        for a in view.attempts
        if a.handshake_done and not a.purpose.other_config and not a.purpose.other_server
    ]
    brought = [a for a in alike if a.tickets]
    if view.mechanism == "psk":
        others = [a for a in brought if is_stateful(a.tickets[-1].ticket)]
        sealed = [a for a in brought if not is_stateful(a.tickets[-1].ticket)]
        words = f"32-byte (stateful) ones on {len(others)}"
    else:
        # A server may renew no ticket where it was offered one.
        sealed = brought
        others = [a for a in alike if not a.tickets and _is_full(a)]
        words = f"none on {len(others)}"
    if not sealed or not others or not (view.declined or len(others) > 1):
        return None
    return Match(
        seen=said(
            f"tickets with a sealed session on {connections(len(sealed))}, {words}",
            share(view) if view.declined else None,
        ),
        evidence=shown(view, sealed[0], others[0], *view.declined[:1]),
        not_known=("which node answered: one address (try --node-header)",),
        shown_by=(sealed[0].n, others[0].n),
    )


def _is_full(attempt: Trial) -> bool:
    return attempt.offer is None and attempt.offered is None
