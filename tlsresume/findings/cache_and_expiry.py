"""The server does not have the session in its cache, or accepts none, or each once (group B).

These look alike on one connection: what separates them is the same session again at
once, a fresh one, and an older one.
"""

from __future__ import annotations

from math import comb

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import Later, Retry, SameTicket, Tries
from tlsresume.findings.comparisons import (
    UNLIKE,
    issuing_addresses,
    same_key,
    share,
    unlike_servers,
)
from tlsresume.findings.division_by_size import divides_exactly
from tlsresume.findings.engine import Match
from tlsresume.findings.honoured_later import (
    accepted_later,
    may_be_honoured_later,
    tried_later,
)
from tlsresume.findings.lossy_path import lost_connections
from tlsresume.findings.nginx_default_server import default_server
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, short, shown
from tlsresume.units import span

_CACHE_SETTINGS = set_in(
    nginx="ssl_session_cache shared:SSL:10m",
    haproxy="tune.ssl.cachesize",
    httpd="SSLSessionCache shmcb:...",
    OpenSSL="SSL_CTX_sess_set_get_cb",
    Java="SSLSessionContext.setSessionCacheSize",
    h2o="ssl-session-resumption: cache-store: memcached",
    nghttpx="--tls-session-cache-memcached",
    rustls="ServerConfig.session_storage, ticketer (Granian, Deno: no setting)",
    Node="server.on('newSession'), server.on('resumeSession')",
)


#: Orders that are as likely by luck, of which one was seen: so many are no luck.
_NO_LUCK = 100


@rule(
    "consumed",
    "B",
    "warning",
    needs=TRIES | Part.TICKETS,
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
    first = view.made(SameTicket.FIRST)
    second = view.made(SameTicket.SECOND)
    if not first or not second or not first[0].resumed or second[0].resumed:
        return None
    if same_key(view, view.declined[0]) is False:
        return None
    again = view.accepted and view.accepted[0].time < view.declined[0].time
    return Match(
        seen=said(
            "a fresh ticket resumes once and is refused the second time",
            "the saved one resumed, and was then refused" if again else None,
        ),
        evidence=shown(view, view.declined[0], first[0], second[0]),
        candidates=() if again else ("expired-at-server", "cache-miss"),
    )


@rule(
    "cache-miss",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE,
    mechanisms=("psk", "session-id"),
    cause="The session is kept in a cache of the server, and the node or worker that answered does"
    " not have it.",
    advice="Share the session cache between workers and nodes and give it room, or use tickets with"
    " a shared key. AWS: the Classic and Application Load Balancers resume on the same node only,"
    " Network Load Balancers (tickets) on all of a region.",
    settings=_CACHE_SETTINGS,
    sources=("RFC 5246 section F.1.4", "AWS: ELB session resumption", "istio/istio#26009"),
)
def cache_miss(view: View) -> Match | None:
    """The server that answered does not have the session in its cache.

    A session ID, or a TLS 1.3 ticket too short to hold a session (32 bytes with OpenSSL),
    is refused and a new one given; the same server accepts others. A fresh session offered
    at once (experiment retry) tells this from never-honoured.
    """
    if not view.stateful or not view.declined:
        return None
    if view.saved is not None:
        late = accepted_later(view) and not view.fresh_taken
        if view.fresh_is_accepted is False and not view.fresh_taken and not late:
            return None
        return Match(
            seen=said(
                f"the server made a new session; the saved one is"
                f" {span(view.age(view.declined[0]))} old",
                "a fresh session resumes at once" if view.fresh_is_accepted else None,
                "fresh sessions resume only at times: nodes or workers do not share their caches"
                if view.at_once and not view.fresh_is_accepted and not late
                else None,
                "fresh sessions are refused at once, and resume a while later" if late else None,
            ),
            evidence=shown(view, view.declined[0], *view.at_once[:1]),
            proven=view.at_once != (),
            ask=("retry", "same-ticket"),
            candidates=(
                "evicted or expired in the cache",
                "a restart of the server",
                "another node than the one that issued it",
                "consumed (single use)",
            ),
        )
    if view.crossing:
        declined = view.declined[0]
        unlike = unlike_servers(view.declined)
        return Match(
            seen=said(
                f"a session {declined.series} is refused on {declined.address}: per-node state",
                UNLIKE if unlike else None,
            ),
            evidence=shown(view, declined),
            severity="warning" if unlike else None,
            addresses=issuing_addresses(view.declined),
        )
    taken = [*view.accepted, *view.fresh_taken, *(a for a in view.made(Later) if a.resumed)]
    if not taken:
        return None
    lost = _lost_midway(view)
    if lost is not None:
        return lost
    broke = lost_connections(view)
    return Match(
        seen=said(
            f"{share(view)}, with sessions issued moments before",
            None if view.accepted else _one_by_one(view),
            broke,
        ),
        evidence=shown(view, view.declined[0], taken[0]),
        proven=not broke and not may_be_honoured_later(view),
        ask=("later",) if may_be_honoured_later(view) else (),
        severity="warning" if broke else None,
        title="the server did not have the session any more" if broke else None,
        advice=_LOSSY if broke else None,
        candidates=said(
            _LOST_WITH_A_CONNECTION if broke else None,
            "honoured-later" if may_be_honoured_later(view) else None,
        ),
        not_known=(
            "nodes or workers that share no cache, or one too small or emptied: a client cannot tell",
        ),
    )


#: Servers drop a session whose connection ended uncleanly (SSL_shutdown(3)).
_LOST_WITH_A_CONNECTION = (
    "connections-break: a server drops the session of a connection that was cut, which the client"
    " need not notice"
)

_LOSSY = (
    "Mend the path first, or probe from nearer: while connections break, a server with one cache"
    " loses sessions, too. If sessions are still refused then, share the cache between workers and"
    " nodes and give it room, or use tickets."
)


#: What tickets that show no key names may hide.
_KEYS_UNSEEN = (
    "other-ticket-key: a key made anew for each connection, or very many nodes with keys of their"
    " own; these tickets show no key names"
)


def _one_by_one(view: View) -> str | None:
    """How often fresh sessions were accepted one after the other, where those tried side by side
    never were."""
    if not view.fresh_taken:
        return None
    return (
        f"offered one by one, {len(view.fresh_taken)} of {len(view.answered(Retry))} fresh"
        " sessions were accepted"
    )


def _lost_midway(view: View) -> Match | None:
    """One session that was accepted every time, and from some moment on never again.

    Caches that nodes or workers have of their own would mix the answers.
    """
    tries = [a for a in view.subject if a.made_for(Tries.FIXED) and a.offered and a.handshake_done]
    tries = [a for a in tries if a.offer == tries[0].offer]
    kept = sum(bool(a.resumed) for a in tries)
    refused = tries[kept:]
    if not kept or not refused or any(a.resumed for a in refused):
        return None
    if comb(len(tries), kept) < _NO_LUCK:
        return None
    return Match(
        seen=(
            share(view),
            f"one session was accepted {kept} times, and from then on never: {len(refused)} times",
        ),
        evidence=shown(view, tries[kept - 1], refused[0]),
        title="the server lost the session from its cache meanwhile",
        advice="Give the cache more room, or use tickets with a shared key. Nodes or workers with"
        " caches of their own would mix the answers; these turned at one moment.",
        candidates=(
            "a cache so small that the other sessions of this probe pushed it out",
            "a restart, or a cache that was emptied, meanwhile",
            "a limit on how often, or how long, a session is honoured",
        ),
    )


@rule(
    "never-honoured",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE,
    cause="The server issues sessions that it never accepts again: nothing stands behind them. Of"
    " session IDs SSL Labs says: IDs assigned but not accepted.",
    advice="Switch tickets on with a key, or back the sessions with a cache, or stop issuing them. A"
    " program of your own has to keep one TLS context (SSL_CTX, SSLContext, tls.Config) for all"
    " connections: a new one has keys and a cache of its own.",
    settings=set_in(
        nginx="ssl_session_cache shared:SSL:10m in the default server of the port, or in http (the default, none, issues IDs it never honours)",
        haproxy="tune.ssl.cachesize > 0, or no no-tls-tickets",
        httpd="SSLSessionCache shmcb:...",
        OpenSSL="SSL_CTX_set_session_cache_mode, SSL_CTX_set_num_tickets(0)",
        Go=": one tls.Config for all connections, or the same SetSessionTicketKeys for each",
        Java=": one SSLContext for all connections",
        Exim="tls_resumption_hosts = *",
        h2o="ssl-session-resumption: mode: all",
        lighttpd="ssl.openssl.ssl-conf-cmd: no -SessionTicket in Options (it has no session cache)",
    ),
    sources=("haproxy/haproxy#1103", "openssl/openssl#6563", "ssllabs/ssllabs-scan#689"),
)
def never_honoured(view: View) -> Match | None:
    """Sessions are issued here and never accepted.

    Sessions are issued, and none is accepted: not the same one again, not fresh ones at
    once, on one address, one after the other (experiment retry), after a clean close; nor, where
    the server keeps them, after a pause (experiment later).
    """
    tries = [*view.declined, *view.answered(Retry)]
    if view.crossing or not view.declined or view.accepted or view.fresh_taken:
        return None
    if any(same_key(view, a) is False for a in tries) or divides_exactly(view):
        return None
    if any(attempt.resumed for attempt in view.made(Later)):
        return None
    if view.saved is not None and not view.at_once:
        return None
    how = "session IDs" if view.mechanism == "session-id" else "tickets"
    ticket = view.session.fields.ticket if view.session else None
    if view.mechanism == "psk" and view.stateful and ticket:
        how = f"{len(ticket)}-byte (stateful) tickets"
    key = "no two of these tickets name the same key"
    if view.naming.visible:
        key = f"under one ticket key, {short(view.offered_key(view.declined[0]))}"
    nginx = default_server(view)
    return Match(
        seen=said(
            f"{how} issued and never accepted: 0 of {len(tries)}, at once, on this address",
            None if view.stateful else key,
            "nor 2.5 s after the handshake" if tried_later(view) else None,
            *nginx.seen,
        ),
        evidence=shown(view, view.declined[0], *view.at_once[:1]),
        proven=bool(view.made(Retry)) and (not view.stateful or tried_later(view)),
        ask=said("retry", "later" if view.stateful else None, *nginx.ask),
        candidates=said(
            *_elsewhere(view), "honoured-later" if view.stateful and not tried_later(view) else None
        ),
        advice=nginx.advice,
        settings=nginx.settings,
    )


def _elsewhere(view: View) -> tuple[str, ...]:
    """What else looks like a server that honours nothing."""
    if view.stateful:
        asked = view.mechanism == "session-id" and any(a.certificate_requested for a in view.full)
        return said(
            # OpenSSL keeps no session of a server that asks for certificates and has no context.
            "no-session-id-context (this server asks for client certificates)" if asked else None,
            "a new TLS context, and so a new cache, for each connection",
            "many nodes that do not share their caches",
        )
    return said(
        None if view.naming.visible else _KEYS_UNSEEN,
        "server-policy: only the server's log can tell",
    )
