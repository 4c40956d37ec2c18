"""Early data (0-RTT), and whether it may be left on (group D).

All but `early-data-rejected` speak of what `probe --replay-early-data` found out; `View.early`
holds that in numbers and words. Early data can be recorded on the way and sent again by anybody
(RFC 8446 section 8), so what a server does with a second presentation is its security; RFC 8470
says what may be left to the application.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.early_data_summary import REASONS
from tlsresume.evidence.early_outcome import TOO_EARLY, outcome, unanswered
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import failure, shown
from tlsresume.results.early_data import EarlyData, EarlyOutcome
from tlsresume.tls.registry import NamedGroup, name_of
from tlsresume.units import connections

#: A replay that is taken after so many seconds was not held against its ticket's age: RFC 8446
#: section 8.3 has a window of about ten.
_STALE_AFTER = 60.0

_SOFTWARE = set_in(
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


def _of(view: View, purpose: EarlyReplay) -> list[Trial]:
    return [a for a in view.everything if a.made_for(purpose)]


def replay_words(early: EarlyData) -> list[str]:
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


def _refuses_early(early: EarlyData) -> bool:
    """Whether every request in early data is sent away with 425, so that none is executed."""
    return early.status == TOO_EARLY


# ---------------------------------------------------------------------- replays


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
    settings=_SOFTWARE,
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
    taken = early.replays.count("accepted")
    passed = early.unsafe_method == "passed"
    seen = [f"replays accepted: {taken} of {len(early.replays)}", *replay_words(early)]
    if passed:
        seen.append(f"a {early.method} in early data is answered HTTP {early.status}")
    if _refuses_early(early):
        seen.append("each request in early data is answered 425, so none is executed")
    return Match(
        seen=tuple(seen),
        evidence=_replayed(view),
        severity="error" if passed else "info" if _refuses_early(early) else None,
        not_known=_not_tried(early),
    )


def _replayed(view: View) -> tuple[str, ...]:
    """A first flight and its second presentation."""
    trials = (*_of(view, EarlyReplay.ORIGINAL), *_of(view, EarlyReplay.SECOND_USE))
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
    settings=_SOFTWARE,
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
        severity="info" if early is not None and _refuses_early(early) else None,
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
        seen=tuple(replay_words(early)),
        evidence=_replayed(view),
    )


# -------------------------------------------------------------- when it is answered


@rule(
    "early-data-answered-early",
    "D",
    "warning",
    needs=TRIES | Part.ANSWER,
    mechanisms=("psk",),
    harm="security",
    cause="The server executes a request in early data before the client has finished the"
    " handshake. Who replays a recording cannot finish it, so this is what lets a replay be"
    " executed.",
    advice="Allow GET only for what may happen twice, and answer 425 to all else; or have the"
    " server wait for the handshake before it passes requests on.",
    settings=_SOFTWARE,
    sources=("RFC 8470 section 3", "RFC 8446 section 2.3"),
)
def early_data_answered_early(view: View) -> Match | None:
    """A request in early data is answered before the handshake ended.

    Our Finished is held back, and the answer comes all the same. A warning where replays are
    accepted, too, or could not be told; information where they are not.
    """
    early = view.early
    if early is None or not early.answered_before_finished or _refuses_early(early):
        return None
    held = _of(view, EarlyReplay.HELD)[-1:]
    status = [f": HTTP {a.http_status}" for a in held if a.http_status is not None]
    return Match(
        seen=(f"answered while our Finished was held back{''.join(status)}",),
        evidence=shown(view, *held),
        severity=None if "accepted" in early.replays or not early.replays else "info",
        not_known=() if early.replays else ("whether a replay is accepted",),
    )


@rule(
    "early-data-waits",
    "D",
    "info",
    needs=TRIES | Part.ANSWER,
    mechanisms=("psk",),
    cause="The server takes early data, and answers the request only when the client has finished"
    " the handshake, which a replay cannot.",
    advice="Nothing to mend: a replayed first flight alone is not answered. Whether what stands"
    " behind it has executed the request by then, its log tells.",
    sources=("RFC 8470 section 3",),
)
def early_data_waits(view: View) -> Match | None:
    """A request in early data is answered only after the handshake.

    Early data is accepted; while our Finished is held back no answer comes, and then it does.
    """
    early = view.early
    held = _of(view, EarlyReplay.HELD)[-1:]
    if early is None or early.answered_before_finished is not False:
        return None
    if not any(a.response for a in held):
        return None
    return Match(
        seen=("no answer while our Finished was held back, then one",), evidence=shown(view, *held)
    )


@rule(
    "too-early",
    "D",
    "info",
    needs=TRIES | Part.ANSWER,
    mechanisms=("psk",),
    cause="The server, or the application behind it, answers a request in early data with 425 (Too"
    " Early): it wants it again after the handshake.",
    advice="Right behaviour, if the request is then answered. Where the repeated request gets 425,"
    " too, whatever asks for it does not see that it came after a handshake: let the proxy send"
    " Early-Data: 1 for early data only.",
    settings=set_in(
        nginx="proxy_set_header Early-Data $ssl_early_data (empty after the handshake)",
        haproxy="http-request set-header Early-Data 1 if { ssl_fc_has_early }",
    ),
    sources=("RFC 8470 section 5.2", "RFC 8470 section 5.1"),
)
def too_early(view: View) -> Match | None:
    """Requests in early data are answered 425 (Too Early).

    The status of the answer to early data; a warning where the request gets it after a
    handshake, too.
    """
    early = [a for a in _of(view, EarlyReplay.TAKEN) if outcome(a) == "accepted"]
    early += [a for a in view.accepted if outcome(a) == "accepted"]
    told = [a for a in early if a.http_status == TOO_EARLY]
    if not told:
        return None
    repeated = [a for a in _of(view, EarlyReplay.REPEATED) if a.http_status is not None]
    again = [a for a in repeated if a.http_status == TOO_EARLY]
    seen = [f"HTTP 425 on {connections(len(told))} with early data"]
    seen += [f"the same request after the handshake: HTTP {a.http_status}" for a in repeated]
    return Match(
        seen=tuple(dict.fromkeys(seen)),
        evidence=shown(view, *told[:1], *repeated[:1]),
        severity="warning" if again else None,
    )


# ------------------------------------------------------------- where it is not taken


@rule(
    "early-data-rejected",
    "D",
    "info",
    needs=Part.OUTCOME,
    mechanisms=("psk",),
    cause="Early data was sent, and the server did not take it.",
    advice="A server may always refuse early data; the client must send it again after the"
    " handshake.",
    settings=set_in(
        nginx="ssl_early_data", haproxy="allow-0rtt", OpenSSL="SSL_CTX_set_max_early_data"
    ),
    sources=("RFC 8446 section 4.2.10", "apache/trafficserver#5341"),
)
def early_data_rejected(view: View) -> Match | None:
    """resumed, but the early data was refused.

    The ClientHello had early_data, the EncryptedExtensions have not. After a
    HelloRetryRequest it must be so; the group that was asked for is named.
    """
    refused = [a for a in view.accepted if a.early_data == "rejected"]
    early = view.early
    reason = None if early is None else early.reason
    asked = [
        a for a in _of(view, EarlyReplay.TAKEN) if outcome(a) in ("rejected", "full-handshake")
    ]
    if not refused and (reason in (None, "replay-refused", "stale") or not asked):
        return None
    seen = [connections(len(refused) + len(asked))]
    retried = next((a for a in (*asked, *refused) if a.hello_retry), None)
    if retried is not None:
        group = group_name(retried)
        seen.append(f"{REASONS['hello-retry']}{f': {group}' if group else ''}")
    elif reason is not None:
        seen.append(REASONS[reason])
    return Match(
        seen=tuple(seen),
        evidence=("EncryptedExtensions: no early_data", *shown(view, *refused, *asked, most=2)),
        advice=_OFFER_GROUP if retried is not None else None,
        settings=_GROUPS if retried is not None else None,
    )


_OFFER_GROUP = (
    "Let clients send a key share of a group that the server has, or give the server the groups"
    " that clients send first; after a HelloRetryRequest early data must be rejected."
)
_GROUPS = set_in(nginx="ssl_ecdh_curve", haproxy="curves", tlsresume="--groups")


@rule(
    "early-data-dies",
    "D",
    "error",
    needs=CONTROLLED | Part.ANSWER,
    mechanisms=("psk",),
    cause="A connection that sends early data breaks, or is never answered, where the same session"
    " without early data works. The ticket allows early data, so clients send it.",
    advice="Mend the server, or have it stop offering early data: set its limit in tickets to 0.",
    settings=set_in(
        nginx="ssl_early_data off",
        haproxy="bind ... allow-0rtt (leave it out)",
        OpenSSL="SSL_CTX_set_max_early_data 0, SSL_read_early_data before SSL_accept",
    ),
    sources=("RFC 8446 section 4.2.10", "RFC 8446 appendix D.3"),
)
def early_data_dies(view: View) -> Match | None:
    """Connections fail only when early data is sent.

    Early data on two fresh sessions fails, or is accepted and not answered; an offer of a
    session without early data is resumed and answered.
    """
    taken = [a for a in _of(view, EarlyReplay.TAKEN) if outcome(a) is not None]
    bad = [a for a in taken if outcome(a) == "failed" or unanswered(a)]
    without = [a for a in _of(view, EarlyReplay.WITHOUT) if a.handshake_done and a.error is None]
    control = [a for a in _of(view, EarlyReplay.FULL) if a.response]
    if len(bad) < 2 or len(bad) < len(taken) or not without:
        return None
    silent = [a for a in bad if unanswered(a)]
    if silent and not (control and any(a.response for a in without)):
        return None
    seen = [_bad_words(bad, silent), "the same with a session and no early data works"]
    return Match(seen=tuple(seen), evidence=shown(view, bad[0], without[0]))


def _bad_words(bad: Sequence[Trial], silent: Sequence[Trial]) -> str:
    if len(silent) == len(bad):
        return f"early data is accepted and never answered, on {connections(len(bad))}"
    broken = next(a for a in bad if a not in silent)
    return f"with early data: {failure(broken)}, on {connections(len(bad))}"


def group_name(attempt: Trial) -> str | None:
    """The group that a HelloRetryRequest asked for, by name."""
    return None if attempt.retry_group is None else name_of(NamedGroup, attempt.retry_group)
