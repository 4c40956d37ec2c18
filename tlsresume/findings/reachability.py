"""Connections to an address that fail with a session and without one (group W).

These rules look at every attempt on the address, of each mechanism, also at those that
do not count since they were made once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tlsresume.evidence.fails_without_session import bare, blameless, breaks_on_both_sides, limited
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import has_alert
from tlsresume.findings.wording import failure, said, shown
from tlsresume.tls.registry import AlertDescription
from tlsresume.units import connections

#: So many connections in a row fail by chance once in sixteen times, where one of two
#: nodes is dead; and so many of them must have offered nothing.
_SILENT, _SILENT_WITHOUT = 4, 2


@rule(
    "stopped-answering",
    "W",
    "warning",
    needs=CONTROLLED,
    cause="Handshakes succeeded at first, and after a certain moment none did any more, with a"
    " session or without: what was seen until then is all that is known.",
    advice="Look at the server's log at that moment (-v lists the times): did it crash, was it"
    " restarted, or did something ban this client? Then probe again, with --concurrency 1.",
    sources=("erlang/otp#9483 (a listener that dies of the first ticket)",),
)
def stopped_answering(view: View) -> Match | None:
    """The server answered, and then no more.

    Handshakes without a session succeeded, and later every connection to the address failed,
    also those that offered nothing.
    """
    done = [a for a in view.everything if a.handshake_done]
    if not done or not view.full:
        return None
    since = max(a.time for a in done)
    silent = [
        a for a in view.everything if a.time > since and not a.handshake_done and not limited(a)
    ]
    without = [a for a in silent if a.mechanism == view.mechanism and bare(a)]
    if len(silent) < _SILENT or len(without) < _SILENT_WITHOUT:
        return None
    first = next(a for a in view.everything if not a.handshake_done and not limited(a))
    offered = first.offered is not None and not any(a.offered == first.offered for a in done)
    if view.broken and not offered:
        return None  # breaks-anyway says it
    return Match(
        seen=said(
            f"no handshake after #{max(a.n for a in done)}: {connections(len(silent))} failed"
            f" ({_kinds(silent)})",
            "the first connection that failed is the first that offered a session"
            if offered
            else None,
        ),
        evidence=shown(view, first, without[-1]),
        proven=False,
        candidates=said(
            "the session that was offered ended the server, or its listener" if offered else None,
            "a limit or ban of this client's address",
            "a stop or restart of the server at that moment",
        ),
    )


#: How a connection broke, in words.
_BROKE = {"timeout": "no answer in time", "starttls": "turned away before TLS"}


@rule(
    "connections-break",
    "W",
    "info",
    needs=TRIES,
    cause="Connections broke before the server answered, and fared better when they were tried"
    " again: no fault of resumption. What broke is left out of the counts.",
    advice="Look for a node behind the balancer that is down (it costs every client such"
    " failures), a limit on connections in a proxy or firewall, or a path that loses packets."
    " --concurrency 1 shows whether it is the number of connections at a time.",
    settings=set_in(haproxy="server ... check, option redispatch", nginx="max_fails, limit_conn"),
    sources=("RFC 9293 section 3.10.7",),
)
def connections_break(view: View) -> Match | None:
    """Some connections break, and not for the session's sake.

    Connections were closed, reset, refused or silent before a ServerHello, and the same
    was answered when it was tried again; or a few that offered a session broke, by chance for all
    that is known, and others that offered one were answered.
    """
    own = [a for a in view.everything if a.mechanism == view.mechanism]
    last = {a.ask: a for a in own}
    broke = [
        a
        for a in own
        if not a.server_hello_seen and last[a.ask].server_hello_seen and not limited(a)
    ]
    if not breaks_on_both_sides(view.attempts):
        # Others that offered a session were answered, and breaks-anyway does not speak of it.
        broke += [a for a in blameless(view.attempts) if a not in broke]
    if not broke:
        return None
    alone = sum(not _crowded(view, a) for a in broke)
    how = Counter(a.error.kind for a in broke if a.error is not None)
    words = ", ".join(
        _BROKE.get(kind, kind) + (f" {n}" if len(how) > 1 else "") for kind, n in how.most_common()
    )
    when = (
        f"{alone} while no other of ours was open"
        if alone
        else "each while others of ours were open, as by a limit on connections at a time"
    )
    return Match(
        seen=(f"{len(broke)} of {connections(len(own))} broke: {words}; {when}",),
        evidence=tuple(f"#{a.n} {failure(a)}" for a in broke[:3]),
    )


def _crowded(view: View, attempt: Trial) -> bool:
    """Whether another of our connections to the address was open meanwhile, on our side."""
    return any(
        other is not attempt and other.time < attempt.open_until and other.open_until > attempt.time
        for other in view.everything
    )


@rule(
    "fails-with-tickets",
    "W",
    "error",
    needs=CONTROLLED,
    mechanisms=("session-id",),
    cause="TLS 1.2 handshakes fail as soon as the ClientHello says that the client can use"
    " tickets, as nearly all clients do; a server that promises a ticket in its ServerHello and"
    " then sends none does that.",
    advice="Mend or update the server's TLS library, or switch tickets off so that the server does"
    " not promise them.",
    settings=set_in(
        Java="-Djdk.tls.server.enableSessionTicketExtension=false, not newSessionTicketCount=0",
        OpenSSL="SSL_OP_NO_TICKET",
    ),
    sources=("RFC 5077 section 3.3", "seen on OpenJDK 25.0.2 with newSessionTicketCount=0"),
)
def fails_with_tickets(view: View) -> Match | None:
    """TLS 1.2 fails for clients that can use tickets.

    Every TLS 1.2 handshake with an empty session_ticket extension fails, and those without
    it succeed.
    """
    able = [
        a
        for a in view.everything
        if a.mechanism == "ticket" and a.offer is None and not a.purpose.other_config
    ]
    if not able or not view.full or any(a.handshake_done for a in able):
        return None
    if any(has_alert(a, AlertDescription.protocol_version, of_server=True) for a in able):
        return None  # refused as a version, by a node that does not speak it
    return Match(
        seen=(
            f"with the session_ticket extension {connections(len(able))} failed: {_kinds(able)}",
            f"without it {connections(len(view.full))} succeeded",
        ),
        evidence=shown(view, able[-1], view.full[0]),
        proven=False,
    )


def _kinds(attempts: Iterable[Trial]) -> str:
    """The ways in which attempts failed, the most frequent first."""
    return "; ".join(words for words, _ in Counter(map(failure, attempts)).most_common(3))
