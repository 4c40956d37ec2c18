"""Early data (0-RTT) that is presented a second time: whether the server takes it (group D).

Early data can be recorded on the way and sent again by anybody (RFC 8446 section 8), so what a
server does with a second presentation is its security. `probe --replay-early-data` tries it;
`View.early` holds what it found in numbers and words.
"""

from __future__ import annotations

from tlsresume.evidence.early_outcome import TOO_EARLY
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.results.early_data import EarlyData, EarlyOutcome

#: A replay that is taken after so many seconds was not held against its ticket's age: RFC 8446
#: section 8.3 has a window of about ten.
_STALE_AFTER = 60.0

#: What limits or ends early data, by software.
SOFTWARE = set_in(
    nginx=(
        "ssl_early_data off, or 425 by $ssl_early_data and $request_method",
        "proxy_set_header Early-Data $ssl_early_data (what is behind it answers 425)",
    ),
    haproxy="bind without allow-0rtt, or http-request wait-for-handshake if !METH_GET",
    nghttpx="--tls-max-early-data=0; without --tls-no-postpone-early-data it waits",
    Caddy="servers protocols h1 h2 (it takes early data over HTTP/3 only)",
    Envoy="QUIC enable_early_data: false, or the route's early_data_policy",
    OpenSSL="SSL_OP_NO_ANTI_REPLAY not set, or SSL_CTX_set_recv_max_early_data 0",
)


def of_purpose(view: View, purpose: EarlyReplay) -> list[Trial]:
    """The connections that were made for one purpose, also those that do not count."""
    return [a for a in view.everything if a.made_for(purpose)]


def _replay_words(early: EarlyData) -> list[str]:
    """What became of each replay that was tried, in words."""
    told = [
        ("the same ticket in a new ClientHello", early.same_ticket),
        *(("an exact copy of the first flight", each) for each in early.exact_copies),
        ("an exact copy, first presented to another address", early.other_address),
        *((f"an exact copy, {each.seconds:g} s later", each.result) for each in early.after),
    ]
    return [f"{what}: {_WORDS[result]}" for what, result in told if result is not None]


_WORDS: dict[EarlyOutcome, str] = {
    "accepted": "early data accepted",
    "rejected": "resumed, early data rejected",
    "full-handshake": "session declined, and early data with it",
    "failed": "the connection failed",
}


def refuses_early(early: EarlyData) -> bool:
    """Whether every request in early data is sent away with 425, so that none is executed."""
    return early.status == TOO_EARLY


@rule(
    "early-data-replayed",
    "D",
    "warning",
    needs=TRIES | Part.ANSWER,
    mechanisms=("psk",),
    harm="security",
    cause="Whoever records a client's first flight can send it again, and the server takes the"
    " request in it once more. RFC 8470 allows that for requests that may happen twice; for all"
    " others it is an attack that works.",
    advice="Let the server take each ticket once (anti-replay), or answer 425 (Too Early) to every"
    " request in early data that is not safe to repeat, also in what stands behind a proxy; or"
    " switch early data off.",
    settings=SOFTWARE,
    sources=("RFC 8446 section 8", "RFC 8470 section 3", "RFC 8446 appendix E.5"),
)
def early_data_replayed(view: View) -> Match | None:
    """Early data is accepted a second time.

    The very bytes of a first flight are presented twice, and EncryptedExtensions of the second
    answer has early_data. An error where a method that may change something
    passes; information where every request in early data is answered 425.
    """
    early = view.early
    if early is None or "accepted" not in early.replays:
        return None
    passed, refuses = early.unsafe_method == "passed", refuses_early(early)
    return Match(
        seen=said(
            f"replays accepted: {early.replays.count('accepted')} of {len(early.replays)}",
            *_replay_words(early),
            f"a {early.method} in early data is answered HTTP {early.status}" if passed else None,
            "each request in early data is answered 425, so none is executed" if refuses else None,
        ),
        evidence=_replayed(view),
        severity="error" if passed else "info" if refuses else None,
        not_known=_not_tried(early),
    )


def _replayed(view: View) -> tuple[str, ...]:
    """A first flight and its second presentation."""
    trials = (*of_purpose(view, EarlyReplay.ORIGINAL), *of_purpose(view, EarlyReplay.SECOND_USE))
    return shown(view, *trials, most=2)


def _not_tried(early: EarlyData) -> tuple[str, ...]:
    if early.unsafe_method is not None or early.status == TOO_EARLY:
        return ()
    return ("whether a POST passes, too: --replay-early-data=POST sends an empty one",)


@rule(
    "no-freshness-check",
    "D",
    "warning",
    needs=TRIES | Part.ANSWER,
    mechanisms=("psk",),
    harm="security",
    cause="The server takes a first flight long after it was made: it does not compare the age of"
    " the ticket that the client states with its own clock, so a recording can be used for as"
    " long as the ticket lives.",
    advice="Have the server refuse early data whose stated ticket age is off by more than some"
    " seconds, as RFC 8446 section 8.3 says; with a single-use check beside it.",
    settings=SOFTWARE,
    sources=("RFC 8446 section 8.3", "RFC 8446 section 8.2"),
)
def no_freshness_check(view: View) -> Match | None:
    """Early data is accepted a minute after it was made.

    The same first flight is presented again after a pause (--replay-age) of 60 s or more, and
    EncryptedExtensions has early_data.
    """
    early = view.early
    late = (
        []
        if early is None
        else [
            each
            for each in early.after
            if each.seconds >= _STALE_AFTER and each.result == "accepted"
        ]
    )
    if not late:
        return None
    return Match(
        seen=tuple(
            f"a first flight is accepted {each.seconds:g} s after its making" for each in late
        ),
        severity="info" if early is not None and refuses_early(early) else None,
    )


@rule(
    "early-data-single-use",
    "D",
    "info",
    needs=TRIES | Part.ANSWER,
    mechanisms=("psk",),
    cause="The server takes early data once, and refuses a copy of it.",
    advice="Right behaviour. It holds for one node, or for nodes that share what they have seen:"
    " with several addresses test them together.",
    sources=("RFC 8446 section 8.1", "SSL_CTX_set_recv_max_early_data(3)"),
)
def early_data_single_use(view: View) -> Match | None:
    """Early data is accepted once.

    Fresh early data is accepted; the same bytes are not. The same ticket in a new ClientHello may
    be: nobody but the client can make one.
    """
    early = view.early
    if early is None or not early.accepted or not early.replays:
        return None
    if any(each in ("accepted", "failed") for each in early.replays):
        return None
    return Match(
        seen=tuple(_replay_words(early)),
        evidence=_replayed(view),
    )
