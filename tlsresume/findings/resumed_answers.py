"""Requests that are answered differently on resumed connections, or not at all (group D).

The answers to one request are compared, on full and on resumed connections: two that
get the same 404 show nothing. What both sides get must be known of several connections
each, so the experiment `answers` is asked for until it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.answers import Answer, AnswerClass, answer_of, tally
from tlsresume.evidence.early_outcome import TOO_EARLY, accepted
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import Answers
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import exchange, said
from tlsresume.units import connections
from tlsresume.value import Value

#: So many answers of each side are enough to call a difference the server's habit.
_ENOUGH = 3

#: Statuses by which a server says whom it does not serve: no luck and no load gives them.
_IDENTITY = frozenset({"401", "403", "421", "495", "496"})

#: A resumed connection is unanswered only if we waited so many times as long as the slowest
#: full one took.
_PATIENCE = 2.0

_READS = (
    "The application reads something that only a full handshake sets: the client's certificate"
    " chain (a resumed session has the leaf alone, or none), a variable with the server name, or a"
    " header that the TLS layer adds."
)


class _Told(Value, frozen=True):
    """A connection and how its request was answered."""

    attempt: Trial
    answer: Answer


class _Sides(Value, frozen=True):
    """The answers of full and of resumed connections; what only a limit says is left out."""

    full: tuple[_Told, ...]
    resumed: tuple[_Told, ...]

    @property
    def usual(self) -> Answer | None:
        """What full handshakes get, if they agree."""
        if not self.full:
            return None
        first = self.full[0].answer
        return first if all(told.answer.like(first) for told in self.full) else None


def _told(attempts: Sequence[Trial]) -> tuple[_Told, ...]:
    pairs = ((attempt, answer_of(attempt)) for attempt in attempts)
    return tuple(
        _Told(attempt, answer)
        for attempt, answer in pairs
        if answer is not None and answer.kind is not AnswerClass.LIMITED and not _too_early(attempt)
    )


def _too_early(attempt: Trial) -> bool:
    """Whether the answer is to early data, and asks for the request after the handshake."""
    return accepted(attempt) and attempt.http_status == TOO_EARLY


def _sides(view: View) -> _Sides:
    again = [attempt for attempt in view.made(Answers.OFFER) if attempt.resumed]
    resumed = [a for a in (*view.accepted, *again) if not _crossed(view, a)]
    return _Sides(_told(view.full), _told(resumed))


def _crossed(view: View, attempt: Trial) -> bool:
    """Whether the session was made for another name: that has rules of its own."""
    made_for = view.saved.server_name if view.saved else None
    return made_for is not None and made_for != attempt.server_name


def unusual(attempt: Trial) -> bool:
    """Whether the answer on a resumed connection is one that a full handshake may not get."""
    answer = answer_of(attempt)
    return (
        answer is not None
        and not _too_early(attempt)
        and answer.kind is not AnswerClass.LIMITED
        and answer.kind not in (AnswerClass.GOOD, AnswerClass.UNREAD)
    )


def _enough(sides: _Sides, different: Sequence[_Told]) -> bool:
    return len(sides.full) >= _ENOUGH and len(different) >= _ENOUGH


def _shown(view: View, different: Sequence[_Told], sides: _Sides) -> tuple[str, ...]:
    told = (*sides.full[:1], *different[:2])
    return tuple(f"{exchange(view, each.attempt)}; answer: {tally([each.answer])}" for each in told)


@rule(
    "resumed-then-refused",
    "D",
    "warning",
    needs=CONTROLLED | Part.ANSWER,
    cause="TLS resumed the session, but the server answers the request that came on it in another"
    f" way than on a full handshake. {_READS}",
    advice="Make the application ask the session, or its own store, for what it reads of the"
    " handshake; keep one session per server name and client certificate; or switch resumption off"
    " where it cannot.",
    settings=set_in(nginx="$ssl_client_verify, $ssl_client_s_dn (kept on resumption), ssl_session_cache", haproxy="ssl_c_used, ssl_c_chain_der (empty on resumption), ssl_c_verify", httpd="SSLOptions +StdEnvVars, +ExportCertData", OpenSSL="SSL_get0_verified_chain (empty on resumption), SSL_get_peer_certificate (kept)"),
    sources=("RFC 9110 section 15.5.20", "CVE-2025-23419", "nginx/nginx#493",
             "envoyproxy/envoy#21235", "traefik/traefik#7644"),
)  # fmt: skip
def resumed_then_refused(view: View) -> Match | None:
    """resumed, and then the request is refused.

    The same request gets an answer of another class on resumed connections (another HTTP
    status class, another refusal; a refusal of SMTP, IMAP, FTP...) than on full ones, which
    agree among themselves. The experiment answers makes three of each.
    """
    sides = _sides(view)
    usual = sides.usual
    if usual is None:
        if sides.full or view.saved is None:
            return None
        return _uncompared(view, sides)
    if usual.kind in (AnswerClass.NONE, AnswerClass.UNREAD):
        return None
    different = [told for told in sides.resumed if _worse(told.answer, usual)]
    telling = [told for told in different if told.answer.code in _IDENTITY]
    if not telling and 2 * len(different) <= len(sides.resumed):
        return None
    if not different:
        return None
    enough = _enough(sides, different)
    if not enough and not view.judged:
        return None  # nobody will ask for more
    told = tally([each.answer for each in different])
    return Match(
        seen=said(
            f"resumed (session_reused=1): {told}, on {len(different)} of"
            f" {connections(len(sides.resumed))}",
            f"without a session: {tally([each.answer for each in sides.full])}, on"
            f" {connections(len(sides.full))}",
        ),
        evidence=_shown(view, different, sides),
        proven=enough,
        ask=("answers",),
        severity=None if enough or telling or len(different) > 1 else "info",
        not_known=() if enough else ("whether it is so each time: few answers were seen",),
    )


def _worse(answer: Answer, usual: Answer) -> bool:
    """Whether a resumed connection is treated otherwise, and not better."""
    if answer.like(usual) or answer.kind in (
        AnswerClass.GOOD,
        AnswerClass.NONE,
        AnswerClass.UNREAD,
    ):
        return False
    return answer.kind is not AnswerClass.REDIRECTED or usual.kind is AnswerClass.GOOD


def _uncompared(view: View, sides: _Sides) -> Match | None:
    """A saved session's request was refused, and what others get is not known yet."""
    refused = [told for told in sides.resumed if unusual(told.attempt)]
    silent = all(told.answer.kind is AnswerClass.NONE for told in refused)
    if not refused or view.settled("answers") or silent:
        return None
    return Match(
        seen=(f"resumed: {tally([told.answer for told in refused])}",),
        evidence=_shown(view, refused, sides),
        proven=False,
        ask=("answers",),
        severity="info",
        not_known=("what a full handshake gets: it was not tried",),
    )


@rule(
    "resumed-then-unanswered",
    "D",
    "error",
    needs=CONTROLLED | Part.ANSWER,
    cause="TLS resumed the session, and the server never answers the request that came on it, or"
    f" closes without a word; on full handshakes it answers. {_READS}",
    advice="Look at the application's log at the times that -v lists: it waits for, or fails at,"
    " what a resumed connection does not have. Until that is mended switch resumption off there.",
    settings=set_in(
        nginx="ssl_session_cache off, ssl_session_tickets off",
        OpenSSL="SSL_get0_verified_chain (empty on resumption)",
        Java="SSLSession.getPeerCertificates",
    ),
    sources=("xrootd/xrootd#1252", "envoyproxy/envoy#21235", "RFC 8446 section 2.2"),
)
def resumed_then_unanswered(view: View) -> Match | None:
    """resumed, and then the request is never answered.

    Full handshakes are answered, and most of at least three resumed connections are closed
    without an answer, or silent for twice as long as the slowest full one took (experiment
    answers).
    """
    sides = _sides(view)
    answered = [told for told in sides.full if told.answer.kind is not AnswerClass.NONE]
    if len(answered) < len(sides.full) or (not answered and view.saved is None):
        return None
    slowest = max((told.attempt.answer_ms or 0.0 for told in answered), default=0.0)
    silent = [
        told
        for told in sides.resumed
        if told.answer.kind is AnswerClass.NONE and _waited(told.attempt, slowest)
    ]
    if not silent or 2 * len(silent) <= len(sides.resumed):
        return None
    enough = _enough(sides, silent)
    if not enough and not view.judged:
        return None  # as above
    if not answered and view.settled("answers"):
        return None
    closed = [told for told in silent if _closed(told.attempt)]
    how = "closed without an answer" if len(closed) == len(silent) else "not answered"
    waits = [told.attempt.answer_ms or 0.0 for told in silent if told not in closed]
    within = f" within {min(waits) / 1000:.1f} s" if waits else ""
    return Match(
        seen=said(
            f"resumed: {how}{within}, on {len(silent)} of {connections(len(sides.resumed))}",
            f"without a session: {tally([told.answer for told in answered])}, on"
            f" {connections(len(answered))}, within {slowest / 1000:.1f} s"
            if answered
            else None,
        ),
        evidence=_shown(view, silent, sides),
        proven=enough,
        ask=("answers",),
        severity=None if enough else "info",
        not_known=() if enough else ("whether it is so each time: few answers were seen",),
    )


def _closed(attempt: Trial) -> bool:
    """Whether the server ended the connection instead of answering."""
    ended = attempt.error is not None and attempt.error.kind in ("closed", "reset", "alert")
    return attempt.left or attempt.closed == "hung-up" or ended


def _waited(attempt: Trial, slowest: float) -> bool:
    return _closed(attempt) or (attempt.answer_ms or 0.0) >= _PATIENCE * slowest
