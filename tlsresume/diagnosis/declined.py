"""Group B: the session was offered, and the server made a full handshake instead.

Most of these look alike on one connection. What separates them is a comparison:
the new ticket's key name with the offered one's, the certificate now with the one
then, the same session again at once, a fresh session.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

from tlsresume.diagnosis.rules import Match, rule
from tlsresume.diagnosis.view import View
from tlsresume.diagnosis.wording import connections, exchange, seconds, short, tally
from tlsresume.results import Attempt, Mechanism
from tlsresume.session.session import Session
from tlsresume.session.ticket import is_stateful
from tlsresume.wire.handshake import AlertDescription, cipher_hash

_TICKETS: tuple[Mechanism, ...] = ("psk", "ticket")

_KEY_DIRECTIVES = (
    "nginx ssl_session_ticket_key",
    "haproxy tls-ticket-keys",
    "httpd SSLSessionTicketKeyFile",
    "Envoy session_ticket_keys",
    "Caddy session_tickets (distributed STEK)",
    "Go tls.Config.SetSessionTicketKeys",
)

#: So many keys in strict turns come by chance once in 32 times, were the nodes random.
_TURNS = 6

_KEEP_KEYS = (
    "Keep keys in a file, so that a restart does not change them, and after a rotation keep the"
    " old key beside the new one until its tickets have expired. With several nodes: one file"
    " for all."
)

_CACHE_DIRECTIVES = (
    "nginx ssl_session_cache shared:SSL:10m",
    "haproxy tune.ssl.cachesize",
    "httpd SSLSessionCache shmcb:...",
    "OpenSSL SSL_CTX_sess_set_get_cb",
    "Java SSLSessionContext.setSessionCacheSize",
)


def _shown(view: View, *attempts: Attempt) -> tuple[str, ...]:
    return tuple(exchange(view, attempt) for attempt in attempts[:3])


def _share(view: View) -> str:
    done = len(view.accepted) + len(view.declined)
    return f"accepted on {len(view.accepted)} of {connections(done)}"


@rule(
    "version-changed",
    "B",
    "error",
    cause="A session resumes only in the TLS version it was made with, and the server chose"
    " another one.",
    advice="If the session's version is still wanted, allow it on every node; clients should offer"
    " a session together with its own version only.",
    directives=("nginx ssl_protocols", "haproxy ssl-min-ver", "httpd SSLProtocol"),
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
        and a.tls_version != a.offer.fields.tls_version
        and a.plan.minimum <= a.offer.fields.tls_version <= a.plan.maximum
    ]
    if not changed or changed[0].offer is None or changed[0].tls_version is None:
        return _version_gone(view)
    then, now = changed[0].offer.fields.tls_version, changed[0].tls_version
    return Match(
        seen=(f"session {then.label}, this connection {now.label} ({changed[0].address})",),
        evidence=_shown(view, *changed),
    )


def _version_gone(view: View) -> Match | None:
    """With only the session's version allowed the server refuses, whatever is offered."""
    refused = [
        a
        for a in view.broken
        if any(alert.description == AlertDescription.protocol_version for alert in a.alerts)
    ]
    if view.saved is None or not refused or view.accepted or view.declined:
        return None
    then = view.saved.session.fields.tls_version
    if not view.settled("unpinned"):
        return Match(
            seen=(f"only {then.label} was offered",), proven=False, ask=("control", "unpinned")
        )
    other = [a for a in view.experiment("unpinned") if a.tls_version not in (None, then)]
    if not other or other[0].tls_version is None or not view.hopeless:
        return None
    return Match(
        seen=(
            (
                f"session {then.label}, which the server no longer speaks; it now chooses"
                f" {other[0].tls_version.label}"
            ),
        ),
        evidence=_shown(view, refused[0], other[0]),
    )


@rule(
    "hash-mismatch",
    "B",
    "error",
    mechanisms=("psk",),
    cause="A TLS 1.3 session is bound to the hash of its cipher suite, and the server chose a"
    " suite with another hash.",
    advice="Offer the session's own suite, or order the suites so that the server keeps choosing"
    " the same hash.",
    directives=("nginx ssl_conf_command Ciphersuites", "haproxy ssl-default-bind-ciphersuites"),
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
        then, now = offer.fields.cipher_hash, cipher_hash(attempt.suite)
        if then and now and then != now:
            stuck = not attempt.tickets
            return Match(
                seen=(
                    (
                        f"the session has {offer.fields.cipher_name} ({then}),"
                        f" the server chose {attempt.cipher} ({now})"
                    ),
                    *(("and the server sent no new ticket",) if stuck else ()),
                ),
                evidence=_shown(view, attempt),
                advice=(
                    "Clients stay stuck: no replacement ticket came, which OpenSSL mends in its"
                    " 2026 releases (openssl/openssl#18549). Upgrade the server, or restore the"
                    " order of suites."
                )
                if stuck
                else None,
            )
    pinned = [
        a for a in view.broken if session and a.plan.ciphersuites == session.fields.cipher_name
    ]
    if pinned and not view.settled("unpinned") and not any(a.handshake_done for a in view.controls):
        return Match(
            seen=("only its cipher suite was offered",), proven=False, ask=("control", "unpinned")
        )
    unpinned = [a for a in view.experiment("unpinned") if a.handshake_done and a.suite]
    if session is None or not unpinned or unpinned[0].suite is None or view.accepted:
        return None
    then, now = session.fields.cipher_hash, cipher_hash(unpinned[0].suite)
    if then and now and then != now and view.broken:
        return Match(
            seen=(
                (
                    f"the session has {session.fields.cipher_name} ({then}), which the server no"
                    f" longer takes; it now uses {unpinned[0].cipher} ({now})"
                ),
            ),
            evidence=_shown(view, *view.broken[:1], unpinned[0]),
        )
    return None


@rule(
    "mechanism-removed",
    "B",
    "error",
    cause="The server declined the session, and now issues none of its kind.",
    advice="Resumption of this kind was switched off since the session was made; switch it on"
    " again if it is wanted.",
    directives=("nginx ssl_session_tickets", "haproxy no-tls-tickets", "httpd SSLSessionTickets"),
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
        seen=(f"no {_kind(view)} on {connections(len(later))} now",),
        evidence=_shown(view, *later),
        proven=bool(view.full),
        ask=("retry",),
    )


def _kept_otherwise(view: View, later: list[Attempt]) -> Match | None:
    """Sealed tickets then and names in a cache now, or the other way round."""
    tickets = [ticket.ticket for a in later for ticket in a.tickets]
    if view.mechanism != "psk" or not tickets or _leaf_change(view) is not None:
        return None
    now = {is_stateful(ticket) for ticket in tickets}
    if now != {not view.stateful}:
        return None
    kinds = ("sealed tickets", "32-byte (stateful) tickets")
    return Match(
        seen=(f"{kinds[view.stateful]} then, {kinds[not view.stateful]} now",),
        evidence=_shown(view, *later),
        proven=bool(view.full),
        ask=("retry",),
    )


def _kind(view: View) -> str:
    return "session ID" if view.mechanism == "session-id" else "new ticket"


@rule(
    "ems-upgraded",
    "B",
    "warning",
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
        if a.offer is not None
        and not a.offer.fields.extended_master_secret
        and a.extended_master_secret
    ]
    if not declined:
        return None
    without = view.experiment("no-ems", "offer")
    return Match(
        seen=(
            "the session has no extended master secret, this handshake has",
            *(("without it in the ClientHello the session resumes",)
              if any(a.reused for a in without) else ()),
        ),
        evidence=("SSL_SESSION.flags [13]: bit 0 clear", *_shown(view, *declined, *without)),
        proven=not without or any(a.reused for a in without),
        ask=("no-ems",),
    )  # fmt: skip


@rule(
    "name-changed",
    "B",
    "error",
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
    changes = _name_changes(view)
    if not changes:
        return None
    attempt = view.declined[0]
    own = view.experiment("own-name", "offer")
    return Match(
        seen=(*changes, *(("under its own name the session resumes",) if own else ())),
        evidence=_shown(view, attempt, *own),
        proven=bool(own),
        ask=("own-name",),
        candidates=() if own else ("any other cause: under its own name it was not tried",),
    )


def _name_changes(view: View) -> list[str]:
    """In which names the offer differs from the session; none where its own did not help."""
    saved = view.saved
    if saved is None or not view.declined:
        return []
    own = view.experiment("own-name", "offer")
    if own and not any(a.reused for a in own):
        return []
    plan, changes = view.declined[0].plan, []
    if saved.server_name and plan.server_name != saved.server_name:
        changes.append(f"SNI {saved.server_name} -> {plan.server_name or 'none'}")
    if saved.alpn and saved.alpn not in plan.alpn:
        changes.append(f"ALPN {saved.alpn} -> {', '.join(plan.alpn) or 'none'}")
    return changes


def _crossed_by_wish(view: View) -> Match | None:
    """--cross-name and --cross-alpn: what the user wanted to know, and no fault."""
    declined = [
        a
        for experiment in ("cross-name", "cross-alpn")
        for a in view.experiment(experiment, "offer")
        if a.handshake_done and a.offered and not a.reused
    ]
    if not declined or not view.accepted:
        return None
    return Match(
        seen=tuple(
            f"declined under {what}"
            for a in declined
            for what in [
                f"SNI {a.plan.server_name}"
                if a.experiment == "cross-name"
                else f"ALPN {', '.join(a.plan.alpn)}"
            ]
        ),
        evidence=_shown(view, *declined),
        advice="Right behaviour: a session belongs to the name it was made for.",
        severity="info",
        aside=True,
    )


def _leaf_change(view: View) -> tuple[Attempt, str, str] | None:
    """A declined try on which the certificate was not the session's: it, then, now. Another
    name may have another certificate, so nothing is said while that is the difference."""
    if _name_changes(view):
        return None
    for attempt in view.declined:
        if attempt.offer is None or attempt.leaf_sha256 is None:
            continue
        then = view.leaf_of(attempt.offer) or (view.saved.leaf_sha256 if view.saved else None)
        if then is not None and then != attempt.leaf_sha256:
            return attempt, then, attempt.leaf_sha256
    return None


def _same_key(view: View, attempt: Attempt) -> bool | None:
    """Whether the new ticket names the offered one's key; None: not visible."""
    old, new = view.offered_key(attempt), view.issued_key(attempt)
    return None if old is None or new is None else old == new


@rule(
    "other-terminator",
    "B",
    "error",
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
    change = _leaf_change(view)
    if change is None:
        return None
    attempt, then, now = change
    old = attempt.offer.fields.ticket if attempt.offer else None
    new = attempt.tickets[-1].ticket if attempt.tickets else None
    if not old or not new or _same_key(view, attempt):
        return None
    hint = attempt.offer.fields.lifetime_hint if attempt.offer else None
    if len(old) // 32 == len(new) // 32 and (hint or 0) == attempt.tickets[-1].lifetime:
        return None
    return Match(
        seen=(
            f"certificate {short(then)} then, {short(now)} now",
            f"tickets of {len(old)} bytes then, {len(new)} now",
        ),
        evidence=_shown(view, attempt),
        candidates=("context-changed together with a new ticket key",),
    )


@rule(
    "context-changed",
    "B",
    "error",
    cause="The server's certificate changed since the session was made, and this server binds its"
    " sessions to the certificate or the list of client authorities.",
    advice="Expect one full handshake per client after each renewal, and none resumed between"
    " nodes with different certificates: roll certificates out to all nodes together.",
    directives=("nginx, Envoy: bound by design", "OpenSSL SSL_CTX_set_session_id_context"),
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
    change = _leaf_change(view)
    if change is None:
        return None
    attempt, then, now = change
    same = _same_key(view, attempt)
    if same is False:
        return None
    both = {a.leaf_sha256 for a in view.attempts if a.leaf_sha256}
    seen = [f"certificate {short(then)} then, {short(now)} now"]
    if same:
        seen.append(f"under the same ticket key {short(view.offered_key(attempt))}")
    if view.saved is None and len(both) > 1:
        seen.append(f"{len(both)} certificates here: nodes differ")
    fresh = view.fresh_is_accepted
    return Match(
        seen=tuple(seen),
        evidence=_shown(view, attempt),
        proven=bool(same) or view.saved is None or bool(fresh),
        ask=("retry",) if view.saved is not None else (),
        candidates=() if same else ("cache-miss",) if view.stateful else ("other-ticket-key",),
    )


@rule(
    "other-ticket-key",
    "B",
    "error",
    mechanisms=_TICKETS,
    cause="A ticket can be opened only with the key that sealed it, and the server that answered"
    " uses another key.",
    advice="Give every node the same ticket key file, and rotate it on all nodes together.",
    directives=_KEY_DIRECTIVES,
    sources=(
        "RFC 5077 section 5.5",
        "envoyproxy/gateway#8462",
        "istio/istio#26009",
        "traefik/traefik#4550",
        "kubernetes/ingress-nginx#8563",
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
    if view.saved is not None and _same_key(view, view.declined[0]) is None:
        return _without_names(view, view.saved.session)
    if view.naming.visible:
        return _by_key_names(view)
    if view.saved is None and view.accepted:
        return Match(
            seen=(f"{_share(view)}, with sessions issued moments before",),
            evidence=_shown(view, view.declined[0], view.accepted[0]),
            proven=bool(view.experiment("retry")),
            ask=("retry",),
            candidates=("server-policy (load shedding, say)",),
            not_known=("key names: these tickets show none",),
        )
    return None


def _without_names(view: View, session: Session) -> Match | None:
    """A young session of a file is declined, and its tickets show no key names."""
    age = view.age(view.declined[0])
    if view.fresh_is_accepted is False or age > (session.lifetime or age):
        return None
    return Match(
        seen=(
            f"the session is {seconds(age)} old",
            *(("a fresh session resumes at once",) if view.fresh_is_accepted else ()),
        ),
        evidence=_shown(view, view.declined[0], *view.at_once[:1]),
        proven=False,
        ask=("retry", "same-ticket"),
        candidates=("expired-at-server", "server-policy (client certificate, address binding)"),
        not_known=("key names: these tickets show none",),
    )


def _between_addresses(view: View) -> Match | None:
    taken = {a.series for a in view.accepted}
    declined = [a for a in view.declined if _same_key(view, a) is not True]
    refused = {a.series: a for a in declined if a.series not in taken}
    if not refused:
        return None
    keys = {
        series: (view.offered_key(attempt), view.issued_key(attempt))
        for series, attempt in refused.items()
    }
    return Match(
        seen=tuple(
            f"a session {series} is refused on {view.address}"
            + (f", key {short(old)} there, {short(new)} here" if old and new else "")
            for series, (old, new) in keys.items()
        ),
        evidence=_shown(view, *refused.values()),
        not_known=()
        if all(old and new for old, new in keys.values())
        else ("key names: these tickets show none",),
    )


def _by_key_names(view: View) -> Match | None:
    changed = [a for a in view.declined if _same_key(view, a) is False]
    if not changed:
        return None
    order = view.keys_in_order
    names = Counter(order)
    runs = [name for name, _ in groupby(order)]
    kept = [a for a in view.accepted if _same_key(view, a) is not False]
    seen = [tally(order)]
    if view.saved is not None:
        return _key_of_file(view, changed[0])
    if len(names) < 2:
        return None
    rotated = len(runs) == len(names)
    turns = _taking_turns(view)
    if rotated:
        seen.append(f"each key in one unbroken run: {' then '.join(short(n) for n in runs)}")
    elif turns:
        seen[0] += ", alternating"
        seen.append(
            f"one after the other the keys take turns ({', '.join(map(short, turns[:3]))}, ...):"
            " the classic round robin of two nodes with separate keys"
        )
    seen.append(
        f"tickets under one key are refused where another is issued; {_share(view)}"
        if kept
        else f"no ticket was taken by a node with another key; {_share(view)}"
    )
    nodes = _nodes_of_keys(view)
    if nodes:
        seen.append(", ".join(f"{node} uses key {short(key)}" for node, key in nodes))
    return Match(
        seen=tuple(seen),
        evidence=_shown(view, changed[0], *view.accepted[:1]),
        proven=not rotated,
        ask=("retry",) if rotated or len(names) == 2 else (),
        candidates=("a rotation of the key during this run",) if rotated else (),
        not_known=() if nodes else ("which node answered: one address (try --node-header)",),
    )


def _nodes_of_keys(view: View) -> list[tuple[str, str]]:
    """Which node issues under which key, where a response header names the nodes."""
    pairs = {(a.node, key) for a in view.attempts if a.node and (key := view.issued_key(a))}
    return sorted(pairs)


def _taking_turns(view: View) -> list[str]:
    """The key names of connections made one after the other, where two take strict turns."""
    names = [name for a in view.experiment("retry") if (name := view.issued_key(a))]
    strict = all(one != other for one, other in pairwise(names))
    return names if strict and len(names) >= _TURNS and len(set(names)) == 2 else []


def _key_of_file(view: View, attempt: Attempt) -> Match:
    old, new = view.offered_key(attempt), view.issued_key(attempt)
    fresh = view.fresh_is_accepted
    seen = [
        (
            f"the server now issues tickets under key {short(new)}; this one was issued under"
            f" {short(old)}, {seconds(view.age(attempt))} ago"
        ),
    ]
    names = set(view.keys_in_order)
    others = [a for a in view.elsewhere if a.reused and a.offer == attempt.offer]
    mixed = bool(view.accepted) and view.accepted[-1].time > attempt.time
    several = bool(others) or mixed or len(names) > 1
    if mixed:
        seen.append(f"{_share(view)} to this address, mixed: nodes with separate keys")
    if others:
        seen.append(f"the same session is accepted on {others[0].address}: separate keys")
    if fresh and not several:
        seen.append("fresh tickets resume: the key was rotated, the server restarted, or another"
                    " node answers now")  # fmt: skip
    elif view.at_once and not fresh:
        seen.append(f"fresh tickets resume only at times; {tally(view.keys_in_order)}")
    return Match(
        seen=tuple(seen),
        evidence=_shown(view, attempt, *view.at_once[:1]),
        proven=True,
        ask=() if others or mixed else ("retry",),
        title=None if several else "the ticket key is not the session's any more",
        advice=None if several else _KEEP_KEYS,
        not_known=("rotation, restart or another node: a client cannot tell these apart",)
        if fresh and not several
        else (),
    )


@rule(
    "consumed",
    "B",
    "warning",
    mechanisms=("psk",),
    cause="This server accepts each ticket once, and the offered one was used before.",
    advice="Use a fresh ticket for each connection; keep the newest one that came"
    " (tlsresume resume --update).",
    sources=("RFC 8446 section 8.1", "RFC 8446 appendix C.4", "openssl/openssl#6389"),
)
def consumed(view: View) -> Match | None:
    """The ticket was used before, and this server takes each once.

    A fresh ticket resumes once and is refused the second time (experiment same-ticket).
    """
    if view.saved is None or not view.declined:
        return None
    first = view.experiment("same-ticket", "first")
    second = view.experiment("same-ticket", "second")
    if not first or not second or not first[0].reused or second[0].reused:
        return None
    if _same_key(view, view.declined[0]) is False:
        return None
    again = view.accepted and view.accepted[0].time < view.declined[0].time
    return Match(
        seen=(
            "a fresh ticket resumes once and is refused the second time",
            *(("the saved one resumed, and was then refused",) if again else ()),
        ),
        evidence=_shown(view, view.declined[0], first[0], second[0]),
        candidates=() if again else ("expired-at-server", "cache-miss"),
    )


@rule(
    "cache-miss",
    "B",
    "error",
    mechanisms=("psk", "session-id"),
    cause="The session is kept in a cache of the server, and the node or worker that answered does"
    " not have it.",
    advice="Share the session cache between workers and nodes, or use tickets with a shared key.",
    directives=_CACHE_DIRECTIVES,
    sources=("RFC 5246 section F.1.4", "AWS: ELB session resumption", "istio/istio#26009"),
)
def cache_miss(view: View) -> Match | None:
    """The server that answered does not have the session in its cache.

    A session ID, or a 32-byte TLS 1.3 ticket, is refused and a new one given; the same
    server accepts others. A fresh session offered at once (experiment retry) tells this
    from never-honoured.
    """
    if not view.stateful or not view.declined:
        return None
    if view.saved is not None:
        if view.fresh_is_accepted is False and not any(a.reused for a in view.at_once):
            return None
        return Match(
            seen=(
                (f"the server made a new session; the saved one is"
                f" {seconds(view.age(view.declined[0]))} old"),
                *(("a fresh session resumes at once",) if view.fresh_is_accepted else ()),
                *((("fresh sessions resume only at times: nodes or workers do not share"
                   " their caches"),) if view.at_once and not view.fresh_is_accepted else ()),
            ),
            evidence=_shown(view, view.declined[0], *view.at_once[:1]),
            proven=view.at_once != (),
            ask=("retry", "same-ticket"),
            candidates=("evicted or expired in the cache", "a restart of the server",
                        "another node than the one that issued it", "consumed (single use)"),
        )  # fmt: skip
    if view.crossing:
        declined = view.declined[0]
        return Match(
            seen=(f"a session {declined.series} is refused on {declined.address}: per-node state",),
            evidence=_shown(view, declined),
        )
    taken = [a for a in (*view.accepted, *view.at_once) if a.reused]
    if not taken:
        return None
    return Match(
        seen=(f"{_share(view)}, with sessions issued moments before",),
        evidence=_shown(view, view.declined[0], taken[0]),
        not_known=("nodes or workers: a client cannot tell one from the other",),
    )


@rule(
    "never-honoured",
    "B",
    "error",
    cause="The server issues sessions that it never accepts again: nothing stands behind them.",
    advice="Switch tickets on with a key, or back the sessions with a cache, or stop issuing them.",
    directives=(
        "nginx ssl_session_cache shared:SSL:10m (the default, none, issues IDs it never honours)",
        "haproxy tune.ssl.cachesize > 0, or no no-tls-tickets",
        "httpd SSLSessionCache shmcb:...",
        "OpenSSL SSL_CTX_set_session_cache_mode, SSL_CTX_set_num_tickets(0)",
    ),
    sources=("haproxy/haproxy#1103", "openssl/openssl#6563", "ssllabs/ssllabs-scan#689"),
)
def never_honoured(view: View) -> Match | None:
    """Sessions are issued here and never accepted.

    Sessions are issued, and none is accepted: not the same one again, not fresh ones at
    once, on one address, one after the other (experiment retry), after a clean close.
    """
    tries = [*view.declined, *(a for a in view.at_once if a.handshake_done)]
    if view.crossing or not view.declined or view.accepted or any(a.reused for a in tries):
        return None
    if any(_same_key(view, a) is False for a in tries):
        return None
    if view.saved is not None and not view.at_once:
        return None
    how = "32-byte (stateful) tickets" if view.stateful and view.mechanism == "psk" else {
        "session-id": "session IDs", "ticket": "tickets", "psk": "tickets",
    }[view.mechanism]  # fmt: skip
    seen = [f"{how} issued and never accepted: 0 of {len(tries)}, at once, on this address"]
    if not view.stateful and view.naming.visible:
        seen.append(f"under one ticket key, {short(view.offered_key(view.declined[0]))}")
    return Match(
        seen=tuple(seen),
        evidence=_shown(view, view.declined[0], *view.at_once[:1]),
        proven=bool(view.experiment("retry")),
        ask=("retry",),
        candidates=("many nodes that do not share their caches",)
        if view.stateful
        else ("server-policy: only the server's log can tell",),
    )


@rule(
    "expired-at-server",
    "B",
    "error",
    cause="The server took the session for too old, though a fresh one resumes under the same key.",
    advice="Raise the lifetime the server enforces, or expect sessions of this age to be refused.",
    directives=(
        "nginx ssl_session_timeout",
        "haproxy tune.ssl.lifetime",
        "httpd SSLSessionCacheTimeout",
        "Envoy session_timeout",
        "OpenSSL SSL_CTX_set_timeout",
    ),
    sources=("RFC 8446 section 4.6.1", "RFC 5077 section 3.3"),
)
def expired_at_server(view: View) -> Match | None:
    """Fresh sessions resume, this one is too old for the server.

    The refusing handshake's new ticket names the same key, the certificate is the same, and
    a fresh session resumes; or, with `--age` and `--find-lifetime`, young sessions resume
    and older ones do not.
    """
    aged = _refused_at_an_age(view)
    if aged is not None:
        return aged
    if view.saved is None or not view.declined or view.stateful:
        return None
    attempt = view.declined[0]
    same = _same_key(view, attempt)
    if same is False or _leaf_change(view) is not None or _name_changes(view):
        return None
    if view.fresh_is_accepted is False:
        return None
    age = view.age(attempt)
    lifetime = view.saved.session.lifetime
    expired = lifetime is not None and age > lifetime
    if same is None and not expired:
        return None
    return Match(
        seen=(
            f"the session is {seconds(age)} old; promised {_promised(view, attempt)}",
            *(("a fresh session resumes at once",) if view.fresh_is_accepted else ()),
        ),
        evidence=_shown(view, attempt, *view.at_once[:1]),
        proven=bool(view.fresh_is_accepted) and same is True,
        ask=("retry", "same-ticket"),
        candidates=("other-ticket-key: these tickets show no key names",)
        if same is None
        else ()
        if expired
        else (
            *(() if view.experiment("same-ticket") else ("consumed",)),
            "server-policy (client certificate, address binding)",
        ),
    )


def _refused_at_an_age(view: View) -> Match | None:
    """--age and --find-lifetime: refused before the promised lifetime was over."""
    offers = view.experiment("age")
    promised = next((t.lifetime for a in offers for t in a.tickets if a.offer is None), 0)
    young = [view.age(a) for a in offers if a.reused]
    aged = [a for a in offers if a.offered and a.handshake_done and not a.reused]
    aged = [a for a in aged if _same_key(view, a) is not False]
    if not young or not aged:
        return None
    oldest, refused = max(young), min(view.age(a) for a in aged)
    if refused <= oldest or (promised and refused >= promised):
        return None
    said = f"promised {seconds(promised)}" if promised else "no lifetime was promised"
    return Match(
        seen=(f"resumed at {seconds(oldest)}, refused at {seconds(refused)}; {said}",),
        evidence=_shown(view, next(a for a in offers if a.reused), aged[0]),
        severity="warning" if promised else "info",
        aside=True,
    )


def _promised(view: View, attempt: Attempt) -> str:
    session = view.saved.session if view.saved else attempt.offer
    lifetime = session.lifetime if session else None
    return "no lifetime" if lifetime is None else seconds(lifetime)


@rule(
    "unclean-close",
    "B",
    "warning",
    mechanisms=("psk", "session-id"),
    cause="The server keeps sessions in a cache and drops one when its connection is cut without"
    " close_notify.",
    advice="Let clients send close_notify (SSL_shutdown), or use stateless tickets.",
    sources=("SSL_shutdown(3)", "aws/s2n-tls#4818", "openssl/openssl#16066"),
)
def unclean_close(view: View) -> Match | None:
    """Resumes after a clean close, not after a cut connection.

    Sessions resume after close_notify and do not after a connection that was cut
    (`tlsresume probe --experiment close`, or `tlsresume resume --unclean-close`, and resume
    once more).
    """
    clean = view.experiment("close", "after-clean")
    abrupt = view.experiment("close", "after-abrupt")
    kept, lost = sum(bool(a.reused) for a in clean), sum(bool(a.reused) for a in abrupt)
    if not clean or not abrupt or kept < len(clean) or lost:
        return None
    return Match(
        seen=(f"{kept} of {len(clean)} after close_notify, {lost} of {len(abrupt)} after a cut",),
        evidence=_shown(view, clean[0], abrupt[0]),
        aside=True,
    )


@rule(
    "undetermined",
    "B",
    "warning",
    cause="The session was declined, and nothing that a client sees separates the causes left.",
    advice="Look at the server's log at the times shown (-v lists them), or ask its operator.",
    sources=("SSL_session_reused(3)", "RFC 8446 section 4.2.11"),
)
def undetermined(view: View) -> Match | None:
    """Not resumed, and a client cannot tell why.

    A full handshake under the same ticket key and certificate, and nothing else that
    differs.
    """
    if not view.declined:
        return _withheld(view)
    return Match(
        seen=(_share(view),),
        evidence=_shown(view, view.declined[0]),
        proven=False,
        ask=("retry",),
        candidates=("server-policy: client certificates, load shedding, address binding",),
    )


def _withheld(view: View) -> Match | None:
    if not view.withheld or view.session is None:
        return None
    usable, why = view.session.usable(view.withheld[0].time)
    return Match(
        seen=("OpenSSL left the session out of the ClientHello, and gave no reason", why),
        evidence=_shown(view, *view.withheld),
        proven=False,
        candidates=() if usable else (why,),
        not_known=("why this OpenSSL withholds it",),
        advice="Save a new session. If the clock of this machine is wrong, mend it first.",
    )
