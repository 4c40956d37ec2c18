"""Client certificates, on full connections and on resumed ones (group W)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tlsresume.evidence.answers import answer_of, tally
from tlsresume.evidence.certificates import Facts, days_words, facts_of, validity_problem
from tlsresume.evidence.observation import Part
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.refusals import (
    refusal_words,
    refused_by_alert,
    refused_by_status,
    refuses_client,
)
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.units import connections

_IDENTITY = ("RFC 8446 sections 2.2, 4.3.2", "RFC 5246 section 7.4.4", "CVE-2025-23419")


@rule(
    "client-certificate-missing",
    "W",
    "warning",
    needs=TRIES | Part.CERTIFICATE | Part.ANSWER,
    cause="The server asks for a client certificate, none was given, and it refuses those who have"
    " none. What is seen of resumption is true of clients without a certificate only, and nobody"
    " else matters to this server.",
    advice="Give a certificate: --cert FILE --key FILE. The verdict is about clients without one; a"
    " server may drop the sessions of connections that it refuses (nginx does), so that they are"
    " not resumed.",
    settings=set_in(
        nginx="ssl_verify_client",
        haproxy="bind ... verify required, crt-ignore-err",
        httpd="SSLVerifyClient",
    ),
    sources=("RFC 8446 section 4.3.2", "RFC 8446 section 6.2 (certificate_required)"),
)
def client_certificate_missing(view: View) -> Match | None:
    """The server wants a client certificate, and none was given.

    A full handshake shows a CertificateRequest, no certificate was given (--cert), and the
    server refuses: HTTP 400, 401, 403, 495 or 496, or alert 116 certificate_required, 40
    or 42.
    """
    without = [a for a in view.without_session if a.config.certificate is None]
    refused = [
        a for a in without if refused_by_alert(a) is not None or refused_by_status(a) is not None
    ]
    served = [a for a in without if (answer := answer_of(a)) is not None and answer.ok]
    if not refused or served:
        return None
    wanted = refused[0].certificate_wanted
    return Match(
        seen=said(
            f"CertificateRequest, no certificate given: {refusal_words(refused[0])} on"
            f" {connections(len(refused))} without a session",
            f"wanted: {wanted}" if wanted else None,
        ),
        evidence=shown(view, refused[0]),
    )


@rule(
    "client-certificate-expired",
    "W",
    "warning",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    cause="The client certificate is outside the dates of its validity. Servers check that on full"
    " handshakes only: a session lives on until it expires itself.",
    advice="Renew the certificate. Sessions outlive certificates until they expire: delete those"
    " made with it, and keep their lifetime short where a certificate stands for a person.",
    settings=set_in(
        nginx="ssl_session_timeout", haproxy="tune.ssl.lifetime", OpenSSL="SSL_CTX_set_timeout"
    ),
    sources=("RFC 8446 section 4.6.1", "apache/apisix#9525", "scylladb/python-driver#1017"),
)
def client_certificate_expired(view: View) -> Match | None:
    """The client certificate has expired, or is not yet valid.

    The dates in the file given by --cert, or those that the session's file says of the
    certificate with which the session was made.
    """
    given = next((a for a in view.everything if a.own_certificate is not None), None)
    if given is not None and given.own_certificate is not None:
        facts = facts_of(given.own_certificate)
        problem = validity_problem(facts, given.time)
        if problem is not None:
            return Match(
                title=_title(problem),
                seen=(f"--cert: {facts.subject}, {_dates(facts, given.time)}", *_answers(view)),
                evidence=shown(view, *view.full[:1], *view.accepted[:1]),
            )
    saved = view.saved
    until = saved.client_certificate_until if saved is not None else None
    resumed = [a for a in view.accepted if until is not None and until.timestamp() < a.time]
    if not resumed or until is None:
        return None
    return Match(
        seen=said(
            f"the session was made with a client certificate that was valid until"
            f" {_iso(until)}, {_ago(until, resumed[0].time)}; it resumes all the same",
            *_answers(view),
        ),
        evidence=shown(view, *view.full[:1], *view.accepted[:1]),
    )


def _title(problem: str) -> str:
    if problem == "expired":
        return "the client certificate has expired"
    return "the client certificate is not yet valid"


def _dates(facts: Facts, time: float) -> str:
    if facts.not_after is not None and facts.not_after.timestamp() < time:
        return f"valid until {_iso(facts.not_after)}, {_ago(facts.not_after, time)}"
    return f"valid only from {_iso(facts.not_before)}"


def _ago(until: datetime, time: float) -> str:
    return f"EXPIRED {days_words(int((time - until.timestamp()) / 86400))} ago"


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answers(view: View) -> tuple[str, ...]:
    """How full connections and resumed ones were answered, as far as that was asked."""
    full, resumed = _of(view.full), _of(view.accepted)
    refused = next((refusal_words(a) for a in view.without_session if refuses_client(a)), None)
    words = full or refused
    parts = [f"without a session: {words}"] if words else []
    parts += [f"resumed: {resumed}"] if resumed else []
    return ("; ".join(parts),) if parts else ()


def _of(attempts: Sequence[Trial]) -> str:
    answers = [answer for a in attempts if (answer := answer_of(a)) is not None]
    return tally(answers) if answers else ""


@rule(
    "client-certificate",
    "W",
    "info",
    needs=CONTROLLED | Part.CERTIFICATE | Part.ANSWER,
    cause="A resumed connection sends no client certificate: the server knows the client by the"
    " session, and takes the identity from there. It is not checked again.",
    advice="Keep the sessions of different client certificates apart, and delete them where a"
    " certificate is withdrawn: until the session ends the server may still trust it.",
    sources=_IDENTITY,
)
def client_certificate(view: View) -> Match | None:
    """What resumption does to the client certificate.

    A client certificate was given, and handshakes without a session show a
    CertificateRequest. Compared are the requests, and the answers, of full and of resumed
    connections: only good answers (2xx, 3xx) on both show that the client is still known.
    """
    full = [a for a in view.full if a.certificate_requested and a.config.certificate is not None]
    if not full or not view.accepted:
        return None
    again = [a for a in view.accepted if a.certificate_requested]
    answers = [
        [answer for a in attempts if (answer := answer_of(a)) is not None]
        for attempts in (full, view.accepted)
    ]
    seen = [
        f"CertificateRequest without a session: {full[0].certificate_wanted}",
        f"asked for again on {len(again)} of {connections(len(view.accepted))} resumed",
    ]
    known = all(answers)
    if known:
        before, after = answers
        alike = all(answer.like(before[0]) for answer in (*before, *after))
        if alike and before[0].ok:
            words = "still authenticated, as far as seen"
        elif alike:
            words, known = "refused alike, which shows nothing", False
        else:
            words = "treated differently"
        seen.append(f"{tally(before)} without a session, {tally(after)} resumed: {words}")
    return Match(
        seen=tuple(seen),
        evidence=shown(view, full[0], view.accepted[0]),
        not_known=() if known else ("whether the server still knows who the client is",),
    )
