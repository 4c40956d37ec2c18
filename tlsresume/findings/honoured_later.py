"""Sessions that are refused when fresh, and accepted a moment later.

Servers that store sessions asynchronously, or replicate them, do this. Told by the age
of each session when it was offered, counted from the connection that brought it, and by
the experiment `later`.
"""

from __future__ import annotations

from bisect import bisect_right
from math import comb

from tlsresume.evidence.observation import Part
from tlsresume.evidence.offer import entry_of
from tlsresume.evidence.purposes import Later, Retry, Tries
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.units import span

#: Of all pairs of a refusal and an acceptance, so many may have the younger one accepted:
#: the moment at which a session is there differs a little.
_JITTER = 0.05

#: So many refusals, and later so many acceptances, make a rule of what one does by chance.
_FEWEST = 2

#: Where the offers that were accepted are as likely any others of all, so many choices of them are
#: no luck: nodes that are picked at random seldom give it.
_NO_LUCK = 100


def accepted_later(view: View) -> bool:
    """Whether sessions were accepted after a pause (experiment `later`)."""
    return any(attempt.resumed for attempt in view.made(Later.LATER))


def tried_later(view: View) -> bool:
    """Whether a session was offered after a pause, and answered."""
    return bool(view.answered(Later.LATER))


def may_be_honoured_later(view: View) -> bool:
    """Whether the age of sessions decides so far, and the pause was not tried yet."""
    return view.stateful and not view.settled("later") and _age_decides(view)


@rule(
    "honoured-later",
    "B",
    "warning",
    needs=CONTROLLED | Part.SECRET,
    mechanisms=("psk", "session-id"),
    cause="The server honours a session only some time after the handshake that made it: it is"
    " stored without waiting, or replicated to other nodes late.",
    advice="Wait for the store before the handshake is finished, or use tickets. Clients that open"
    " connections side by side lose; those that come back later do not.",
    settings=set_in(
        Node="server.on('newSession'): call the callback when the session is stored",
        OpenSSL="SSL_CTX_sess_set_new_cb: store before it returns",
        **{"memcached, Redis": ": replicas that lag behind"},
    ),
    sources=("Node tls: event newSession", "SSL_CTX_sess_set_new_cb(3)"),
)
def honoured_later(view: View) -> Match | None:
    """Sessions are refused at once, and accepted a moment later.

    A session that the server keeps is refused while it is fresh, and accepted 2.5 s after its
    handshake (experiment later); no session was accepted that was much younger than one that was
    refused.
    """
    if view.saved is not None or view.crossing or not view.stateful or not view.declined:
        return None
    pause = view.answered(Later.LATER)
    if not pause or not all(a.resumed for a in pause) or not _age_decides(view):
        return None
    ages = _ages(view)
    refused, accepted = ages[False], ages[True]
    if len(accepted) < _FEWEST:
        return None
    if comb(len(refused) + len(accepted), len(accepted)) < _NO_LUCK:
        return None
    return Match(
        seen=said(
            f"refused up to {span(round(max(refused), 3))} after the handshake,"
            f" {len(refused)} of {len(refused)} times; accepted from"
            f" {span(round(min(accepted), 3))} on, {len(accepted)} of {len(accepted)} times"
        ),
        evidence=shown(view, view.declined[0], pause[0]),
    )


def _age_decides(view: View) -> bool:
    """Whether sessions were refused and accepted, and those accepted were older."""
    ages = _ages(view)
    refused, accepted = sorted(ages[False]), ages[True]
    if len(refused) < _FEWEST or not accepted:
        return False
    younger = sum(len(refused) - bisect_right(refused, age) for age in accepted)
    return younger <= _JITTER * len(refused) * len(accepted)


def _ages(view: View) -> dict[bool, list[float]]:
    """Seconds from its handshake to each offer of a session, by whether it was accepted."""
    issued: dict[bytes, float] = {}
    for attempt in view.attempts:
        for session in attempt.sessions:
            handle = entry_of(session)
            if handle is not None:
                issued.setdefault(handle, _handshake_end(attempt))
    ages: dict[bool, list[float]] = {True: [], False: []}
    for attempt in view.answered(Tries, Retry, Later.AT_ONCE, Later.LATER):
        handle = attempt.offer.cache_entry if attempt.offer else None
        if handle in issued:
            ages[bool(attempt.resumed)].append(_arrival(attempt) - issued[handle])
    return ages


def _arrival(attempt: Trial) -> float:
    """When a ClientHello was sent, in seconds since 1970."""
    return attempt.time + (attempt.timings.connect or 0.0) / 1000


def _handshake_end(attempt: Trial) -> float:
    return _arrival(attempt) + (attempt.timings.handshake or 0.0) / 1000
