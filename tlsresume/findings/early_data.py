"""When requests in early data (0-RTT) are answered, and where it is not taken (group D).

All but `early-data-rejected` speak of what `probe --replay-early-data` found out; `View.early`
holds that in numbers and words. RFC 8470 says what may be left to the application.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.early_data_summary import REASONS
from tlsresume.evidence.early_outcome import TOO_EARLY, outcome, unanswered
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.trial import Trial
from tlsresume.findings.early_replays import SOFTWARE, of_purpose, refuses_early
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import failure, shown
from tlsresume.tls.registry import NamedGroup, name_of
from tlsresume.units import connections


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
    settings=SOFTWARE,
    sources=("RFC 8470 section 3", "RFC 8446 section 2.3"),
)
def early_data_answered_early(view: View) -> Match | None:
    """A request in early data is answered before the handshake ended.

    Our Finished is held back, and the answer comes all the same. A warning where replays are
    accepted, too, or could not be told; information where they are not.
    """
    early = view.early
    if early is None or not early.answered_before_finished or refuses_early(early):
        return None
    held = of_purpose(view, EarlyReplay.HELD)[-1:]
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
    held = of_purpose(view, EarlyReplay.HELD)[-1:]
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
    early = [a for a in of_purpose(view, EarlyReplay.TAKEN) if outcome(a) == "accepted"]
    early += [a for a in view.accepted if outcome(a) == "accepted"]
    told = [a for a in early if a.http_status == TOO_EARLY]
    if not told:
        return None
    repeated = [a for a in of_purpose(view, EarlyReplay.REPEATED) if a.http_status is not None]
    again = [a for a in repeated if a.http_status == TOO_EARLY]
    statuses = dict.fromkeys(a.http_status for a in repeated)
    return Match(
        seen=(
            f"HTTP 425 on {connections(len(told))} with early data",
            *(f"the same request after the handshake: HTTP {status}" for status in statuses),
        ),
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
        a
        for a in of_purpose(view, EarlyReplay.TAKEN)
        if outcome(a) in ("rejected", "full-handshake")
    ]
    if not refused and (reason in (None, "replay-refused", "stale") or not asked):
        return None
    seen = [connections(len(refused) + len(asked))]
    retried = next((a for a in (*asked, *refused) if a.hello_retry), None)
    if retried is not None:
        group = _group_name(retried)
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
    taken = [a for a in of_purpose(view, EarlyReplay.TAKEN) if outcome(a) is not None]
    bad = [a for a in taken if outcome(a) == "failed" or unanswered(a)]
    without = [
        a for a in of_purpose(view, EarlyReplay.WITHOUT) if a.handshake_done and a.error is None
    ]
    control = [a for a in of_purpose(view, EarlyReplay.FULL) if a.response]
    if len(bad) < 2 or len(bad) < len(taken) or not without:
        return None
    silent = [a for a in bad if unanswered(a)]
    if silent and not (control and any(a.response for a in without)):
        return None
    return Match(
        seen=(_bad_words(bad, silent), "the same with a session and no early data works"),
        evidence=shown(view, bad[0], without[0]),
    )


def _bad_words(bad: Sequence[Trial], silent: Sequence[Trial]) -> str:
    if len(silent) == len(bad):
        return f"early data is accepted and never answered, on {connections(len(bad))}"
    broken = next(a for a in bad if a not in silent)
    return f"with early data: {failure(broken)}, on {connections(len(bad))}"


def _group_name(attempt: Trial) -> str | None:
    """The group that a HelloRetryRequest asked for, by name."""
    return None if attempt.retry_group is None else name_of(NamedGroup, attempt.retry_group)
