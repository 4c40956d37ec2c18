"""The ticket was sealed with another key than the server uses (group B).

The new ticket's key name, compared with the offered one's, shows it; the order in
which names were seen tells nodes, a round robin and a rotation apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from math import factorial, prod

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import Retry
from tlsresume.evidence.trial import Trial
from tlsresume.findings.comparisons import (
    UNLIKE,
    issuing_addresses,
    key_now,
    outlived,
    same_key,
    share,
    unlike_servers,
)
from tlsresume.findings.division_by_size import divides_exactly
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, short, shown, tally
from tlsresume.results.connection import Mechanism
from tlsresume.units import connections, span

_TICKETS: tuple[Mechanism, ...] = ("psk", "ticket")

_KEY_SETTINGS = set_in(
    nginx="ssl_session_ticket_key",
    haproxy="tls-ticket-keys",
    httpd="SSLSessionTicketKeyFile",
    Envoy="session_ticket_keys",
    Caddy="session_tickets (distributed STEK)",
    Go="tls.Config.SetSessionTicketKeys",
    Dovecot="service imap-login { service_count = 0 }: one process, and so one key, for all",
    h2o="ssl-session-resumption: ticket-store, ticket-file",
    lighttpd="ssl.stek-file",
    nghttpx="--tls-ticket-key-file, --tls-ticket-key-memcached",
    Node="ticketKeys, server.setTicketKeys()",
    Python="ssl (uvicorn, hypercorn, gunicorn): no setting; one process, or a proxy that ends TLS",
    OpenSSL="SSL_CTX_set_tlsext_ticket_keys",
    Java="has none: its keys stay in one SSLContext",
)

#: So many keys in strict turns come by chance once in 32 times, were the nodes random.
_TURNS = 6

#: Connections made side by side begin in another order than that in which they are served.
_SIDE_BY_SIDE = 4

#: Orders that are as likely by luck, of which one was seen: so many are no luck.
_NO_LUCK = 100

_KEEP_KEYS = (
    "Keep keys in a file, so that a restart does not change them, and after a rotation keep the"
    " old key beside the new one until its tickets have expired. With several nodes: one file"
    " for all."
)


@rule(
    "other-ticket-key",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE,
    mechanisms=_TICKETS,
    cause="A ticket can be opened only with the key that sealed it, and the server that answered"
    " uses another key.",
    advice="Give every node the same ticket key file, and rotate it on all nodes together.",
    settings=_KEY_SETTINGS,
    sources=(
        "RFC 5077 section 5.5",
        "envoyproxy/gateway#8462",
        "istio/istio#26009",
        "traefik/traefik#4550",
        "kubernetes/ingress-nginx#8563",
        "chatmail/relay#455",
    ),
)
def other_ticket_key(view: View) -> Match | None:
    """Nodes here use different ticket keys.

    The refusing handshake issues a ticket with another key name (its first 16 bytes). Where
    tickets show no key name: sessions a moment old are accepted at times only. The order of
    the key names tells a rotation (one run of each) from several nodes (mixed).
    """
    if view.stateful or not view.declined:
        return None
    if view.crossing:
        return _between_addresses(view)
    if divides_exactly(view):
        return None
    if view.saved is not None and same_key(view, view.declined[0]) is None:
        return _by_fresh_tickets(view)
    if view.naming.visible:
        return _by_key_names(view)
    if view.saved is None and (view.accepted or view.fresh_taken):
        return Match(
            seen=(f"{share(view)}, with sessions issued moments before",),
            evidence=shown(view, view.declined[0], (*view.accepted, *view.fresh_taken)[0]),
            proven=bool(view.made(Retry)),
            ask=("retry",),
            candidates=("server-policy (load shedding, say)",),
            not_known=("key names: these tickets show none",),
        )
    return None


def _by_fresh_tickets(view: View) -> Match | None:
    """A session of a file is declined without a new ticket, or its tickets name no keys."""
    old = view.offered_key(view.declined[0])
    if old is None or not view.keys_in_order:
        return _without_names(view)
    return None if old in view.keys_in_order else _key_of_file(view, view.declined[0])


def _without_names(view: View) -> Match | None:
    """A young session of a file is declined, and its tickets show no key names."""
    age = view.age(view.declined[0])
    if outlived(view, view.declined[0]):
        return None
    if view.fresh_is_accepted is False:
        return _nodes_without_names(view) if view.fresh_taken else None
    fresh = view.fresh_is_accepted
    return Match(
        seen=said(
            f"the session is {span(age)} old", "a fresh session resumes at once" if fresh else None
        ),
        evidence=shown(view, view.declined[0], *view.at_once[:1]),
        proven=False,
        ask=("retry", "same-ticket"),
        title="the ticket key may not be the session's any more",
        advice=_KEEP_KEYS,
        candidates=("expired-at-server", "server-policy (client certificate, address binding)"),
        not_known=("key names: these tickets show none",),
    )


def _nodes_without_names(view: View) -> Match:
    """Fresh sessions are taken at times only: so did the file's session fare."""
    offers = view.answered(Retry)
    return Match(
        seen=(
            f"fresh sessions, too, resume only at times: {len(view.fresh_taken)} of {len(offers)}",
        ),
        evidence=shown(view, view.declined[0], view.fresh_taken[0]),
        candidates=("server-policy (load shedding, say)",),
        not_known=("key names: these tickets show none",),
    )


def _between_addresses(view: View) -> Match | None:
    taken = {a.purpose for a in view.accepted}
    declined = [a for a in view.declined if same_key(view, a) is not True]
    refused = {a.purpose: a for a in declined if a.purpose not in taken}
    if not refused:
        return None
    keys = {
        purpose: (view.offered_key(attempt), view.issued_key(attempt))
        for purpose, attempt in refused.items()
    }
    unlike = unlike_servers(refused.values())
    return Match(
        seen=said(
            *(
                f"a session {purpose.series} is refused on {view.address}"
                + (
                    f", key {short(old, (new,))} there, {short(new, (old,))} here"
                    if old and new
                    else ""
                )
                for purpose, (old, new) in keys.items()
            ),
            UNLIKE if unlike else None,
        ),
        evidence=shown(view, *refused.values()),
        not_known=()
        if all(old and new for old, new in keys.values())
        else ("key names: these tickets show none",),
        severity="warning" if unlike else None,
        addresses=issuing_addresses(refused.values()),
    )


def _by_key_names(view: View) -> Match | None:
    changed = [a for a in view.declined if same_key(view, a) is False]
    if not changed:
        return None
    order = view.keys_in_order
    names = Counter(order)
    runs = [name for name, _ in groupby(order)]
    kept = [a for a in view.accepted if same_key(view, a) is not False]
    seen = [tally(order)]
    if view.saved is not None:
        return _key_of_file(view, changed[0])
    if len(names) < 2:
        return None
    if len(names) == len(order) >= _TURNS and not view.accepted:
        return _key_of_its_own_each(view, changed[0], len(order))
    if _keeps_changing(order):
        return _key_that_keeps_changing(view, changed[0])
    rotated = len(runs) == len(names)
    turns = _taking_turns(view)
    if rotated:
        seen.append(f"each key in one unbroken run: {' then '.join(short(n, runs) for n in runs)}")
    elif turns:
        seen[0] += ", alternating"
        seen.append(
            f"one after the other the keys take turns ({', '.join(short(n, turns) for n in turns[:3])}, ...):"
            " the classic round robin of two nodes with separate keys"
        )
    seen.append(
        f"tickets under one key are refused where another is issued; {share(view)}"
        if kept
        else f"no ticket was taken by a node with another key; {share(view)}"
    )
    nodes = _nodes_of_keys(view)
    if nodes:
        seen.append(", ".join(f"{node} uses key {short(key, names)}" for node, key in nodes))
    return Match(
        seen=tuple(seen),
        evidence=shown(view, changed[0], *view.accepted[:1]),
        proven=not rotated,
        ask=("retry",) if rotated or len(names) == 2 else (),
        candidates=("a rotation of the key during this run",) if rotated else (),
        not_known=() if nodes else ("which node answered: one address (try --node-header)",),
    )


def _key_of_its_own_each(view: View, attempt: Trial, count: int) -> Match:
    """Each connection is served under a key that no other connection shows."""
    return Match(
        seen=(f"another key on each of {connections(count)}, and no ticket was accepted",),
        evidence=shown(view, attempt),
        title="each connection is served under a ticket key of its own",
        advice="The server makes a ticket key for each connection or process, so its tickets can"
        " never be used: keep one TLS context for all connections (a new one for each has keys of"
        " its own), let its processes share one key, or issue no tickets.",
        candidates=("a pool of very many nodes with separate keys",),
    )


def _keeps_changing(order: Sequence[str]) -> bool:
    """Whether several keys followed each other, and none came back once others had.

    Nodes come back. Of few keys each has to stand in one unbroken run, in an order that nodes
    hardly give by luck; of many, connections made side by side may be out of order.
    """
    counts = Counter(order)
    if len(counts) < 3:
        return False
    if len(counts) < _TURNS:
        orders = factorial(len(order)) // prod(factorial(n) for n in counts.values())
        unbroken = sum(1 for _ in groupby(order)) == len(counts)
        return unbroken and orders >= _NO_LUCK * factorial(len(counts))
    first = {name: n for n, name in reversed(list(enumerate(order)))}
    last = {name: n for n, name in enumerate(order)}
    return all(last[name] - first[name] < counts[name] + _SIDE_BY_SIDE for name in counts)


def _key_that_keeps_changing(view: View, attempt: Trial) -> Match:
    """A server that makes new keys all the time: some tickets are met by their key by luck."""
    order = view.keys_in_order
    return Match(
        seen=(
            tally(order),
            f"{len(set(order))} keys on {connections(len(order))}: none came back; {share(view)}",
        ),
        evidence=shown(view, attempt, *view.accepted[:1]),
        title="the server keeps changing its ticket key",
        advice="Keep one key at least as long as its tickets are to last: one TLS context for all"
        " connections (each new one has keys of its own), keys that are set or reloaded every few"
        " hours, not all the time, and the old key kept beside the new.",
        candidates=("a pool of very many nodes with separate keys",),
    )


def _nodes_of_keys(view: View) -> list[tuple[str, str]]:
    """Which node issues under which key, where a response header names the nodes."""
    pairs = {(a.node, key) for a in view.attempts if a.node and (key := view.issued_key(a))}
    return sorted(pairs)


def _taking_turns(view: View) -> list[str]:
    """The key names of connections made one after the other, where two take strict turns."""
    met = (
        view.issued_key(a) or (view.offered_key(a) if a.resumed else None) for a in view.made(Retry)
    )
    names = [name for name in met if name]
    strict = all(one != other for one, other in pairwise(names))
    return names if strict and len(names) >= _TURNS and len(set(names)) == 2 else []


def _key_of_file(view: View, attempt: Trial) -> Match | None:
    old, new = view.offered_key(attempt), key_now(view, attempt) or view.keys_in_order[-1]
    fresh = view.fresh_is_accepted
    seen = [
        (
            f"the server now issues tickets under key {short(new, (old,))}; this one was issued"
            f" under {short(old, (new,))}, {span(view.age(attempt))} ago"
        ),
    ]
    names = set(view.keys_in_order)
    others = [a for a in view.elsewhere if a.resumed and a.offer == attempt.offer]
    mixed = bool(view.accepted) and view.accepted[-1].time > attempt.time
    several = bool(others) or mixed or len(names) > 1
    if outlived(view, attempt) and not others and not mixed:
        return None  # it may be refused for its age under any key
    if not others and not mixed and _keeps_changing(view.keys_in_order):
        return _key_that_keeps_changing(view, attempt)
    if mixed:
        seen.append(f"{share(view)} to this address, mixed: nodes with separate keys")
    if others:
        seen.append(f"the same session is accepted on {others[0].address}: separate keys")
    if fresh and not several:
        seen.append(
            "fresh tickets resume: the key was rotated, the server restarted, or another"
            " node answers now"
        )
    elif view.at_once and not fresh:
        seen.append(f"fresh tickets resume only at times; {tally(view.keys_in_order)}")
    return Match(
        seen=tuple(seen),
        evidence=shown(view, attempt, *view.at_once[:1]),
        proven=True,
        ask=() if others or mixed else ("retry",),
        title=None if several else "the ticket key is not the session's any more",
        advice=None if several else _KEEP_KEYS,
        not_known=("rotation, restart or another node: a client cannot tell these apart",)
        if fresh and not several
        else (),
        addresses=tuple(a.address for a in others[:1]),
    )
