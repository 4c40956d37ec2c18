"""Connections that fail, or meet another server, since a session makes the ClientHello long.

Routers that look for the server name in the first bytes, or in the first segment, send a
longer ClientHello to another server, or drop it. The experiment `hello-size` makes one
as long without a session, and offers a session in a short one.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import MATRIX, HelloSize
from tlsresume.evidence.trial import Trial
from tlsresume.experiment_names import ExperimentName
from tlsresume.findings.division_by_size import (
    Division,
    divides_by_offer,
    divides_by_size,
)
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import failure, said, short, shown
from tlsresume.units import connections

_ASK: tuple[ExperimentName, ...] = ("hello-size",)

_ROUTERS = set_in(
    haproxy="tcp-request inspect-delay, tune.bufsize (with req.ssl_sni)",
    nginx="ssl_preread, preread_buffer_size",
    Envoy="tls_inspector initial_read_buffer_size",
    Client=": a group list without hybrid groups (--groups X25519), or smaller tickets",
)

_SOURCES = (
    "RFC 7685 section 1",
    "RFC 8446 section 4.1.2",
    "RFC 6066 section 3",
    "tldr.fail (ClientHellos of more than one segment)",
)


@rule(
    "hello-too-large",
    "C",
    "error",
    needs=CONTROLLED,
    cause="A ClientHello above a certain length gets no handshake, with a session or without; a"
    " session makes it that long. A device on the way, or the server, reads its first bytes only.",
    advice="Let the device that reads ClientHellos (SNI router, firewall, balancer) take whole ones,"
    " of several segments and 16 KB. Clients can send shorter ones: fewer groups, smaller tickets.",
    settings=_ROUTERS,
    sources=_SOURCES,
)
def hello_too_large(view: View) -> Match | None:
    """A ClientHello as long as one with a session gets no answer.

    Handshakes fail when a session is offered, and so does one without a session that is padded
    to the same length (experiment hello-size), while a shorter one succeeds; or the session is
    taken in a shorter ClientHello.
    """
    broken = [a for a in view.blamed if not a.server_hello_seen]
    plain = [a for a in view.made(HelloSize.PLAIN) if a.handshake_done]
    if not broken or not plain:
        return None
    padded = view.made(HelloSize.PADDED)
    brief = view.made(HelloSize.SHORT)
    padded_fails = bool(padded) and not any(a.server_hello_seen for a in padded)
    brief_works = bool(brief) and all(a.handshake_done for a in brief)
    if not (padded_fails or (brief_works and not padded)) or (brief and not brief_works):
        return None
    lengths = [a.hello_size or 0 for a in broken]
    return Match(
        seen=said(
            f"{failure(broken[0])} at a ClientHello of {_span(lengths)} bytes with a session, on"
            f" {len(broken)} of {connections(len(view.subject))}",
            f"without a session {_bytes(plain)} bytes are answered: {len(plain)} of {len(plain)}",
            f"without a session, padded to {_bytes(padded)} bytes, they are not: 0 of {len(padded)}"
            if padded
            else None,
            f"with a session and a shorter group list, {_bytes(brief)} bytes, they are:"
            f" {len(brief)} of {len(brief)}"
            if brief
            else None,
        ),
        evidence=shown(view, *broken[:1], *plain[:1], *padded[:1], *brief[:1], most=4),
        not_known=("which device reads the first bytes only, and how many: between the two sizes",),
    )


@rule(
    "routed-by-size",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE,
    cause="A ClientHello above a certain length is answered by another server, with a session or"
    " without: a device on the way finds the server name in short ones only, and sends the others"
    " to its default. A session makes the ClientHello that long.",
    advice="Let the device that reads ClientHellos (SNI router, balancer) take whole ones, of several"
    " segments and 16 KB. Ticket keys are not the fault. Clients can send shorter ones: fewer"
    " groups, smaller tickets.",
    settings=_ROUTERS,
    sources=_SOURCES,
)
def routed_by_size(view: View) -> Match | None:
    """A longer ClientHello is answered by another server.

    Connections divide exactly: short ClientHellos meet one server (by ticket key, certificate,
    request for a client certificate or node), longer ones another. One as long without a session
    meets it, too (experiment hello-size). Or sessions are declined in long ClientHellos and
    resumed in short ones.
    """
    division = divides_by_size(view)
    if division is None:
        return _only_short_ones_resume(view)
    padded = [a for a in division.there if a.made_for(HelloSize.PADDED)]
    brief = [a for a in view.made(HelloSize.SHORT) if a.resumed]
    made = bool(padded or brief)
    return Match(
        seen=said(
            *_two_servers(view, division),
            f"without a session, padded to {_bytes(padded)} bytes: the other server, too,"
            f" {len(padded)} of {len(padded)}"
            if padded
            else None,
            _resumed_when_short(brief) if brief else None,
        ),
        evidence=shown(
            view, *division.here[:1], *division.there[:1], *padded[:1], *brief[:1], most=4
        ),
        proven=made,
        ask=_ASK,
        not_known=("which device reads the first bytes only, and how many: between the two sizes",)
        if made
        else ("whether it is the length: no ClientHello as long was sent without a session",),
    )


def _only_short_ones_resume(view: View) -> Match | None:
    """Nothing shows which server answered; but short ClientHellos resume, and long ones never."""
    if view.crossing or not view.declined or view.accepted or view.fresh_taken:
        return None
    shortest = min((a.hello_size or 0 for a in view.declined), default=0)
    brief = view.answered(HelloSize.SHORT)
    if view.settled("hello-size") and not brief:
        return None
    if brief:
        if not all(a.resumed for a in brief) or not _all_shorter(brief, shortest):
            return None
        return Match(
            seen=said(
                f"sessions are declined in a ClientHello of {shortest} bytes or more,"
                f" {len(view.declined)} of {len(view.declined)} times",
                _resumed_when_short(brief),
            ),
            evidence=shown(view, *view.declined[:1], *brief[:1]),
            not_known=("whether the other server is one, or several",),
        )
    others = [
        a
        for a in view.everything
        if a.resumed and a.mechanism not in (None, view.mechanism) and not a.made_for(*MATRIX)
    ]
    if view.saved is not None or not others or not _all_shorter(others, shortest):
        return None
    return Match(
        seen=said(
            f"sessions are declined in a ClientHello of {shortest} bytes or more, those of"
            f" {others[0].mechanism} resume in one of {_bytes(others)}"
        ),
        evidence=shown(view, *view.declined[:1]),
        proven=False,
        ask=_ASK,
    )


@rule(
    "routed-by-session",
    "B",
    "error",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE,
    cause="Connections that offer a session are answered by another server than those that offer"
    " none, though not for their length: a device on the way sorts them.",
    advice="Look for a rule of the balancer that reads the session ID or ticket (stickiness by"
    " session), and let it send each session to the server that issued it.",
    settings=set_in(haproxy="stick on, stick store-response (payload of the hellos)"),
    sources=("RFC 5246 section 7.4.1.2", "RFC 8446 section 4.2.11"),
)
def routed_by_session(view: View) -> Match | None:
    """Connections that offer a session are answered by another server.

    Every connection that offers a session meets one server, every other one another, also where
    it is as long (experiment hello-size).
    """
    padded = [a for a in view.made(HelloSize.PADDED) if a.handshake_done]
    division = divides_by_offer(view)
    if division is None or divides_by_size(view) is not None or not padded:
        return None
    return Match(
        seen=(
            *_two_servers(view, division),
            f"without a session, padded to {_bytes(padded)} bytes: the first server",
        ),
        evidence=shown(view, *division.here[:1], *division.there[:1]),
    )


def _two_servers(view: View, division: Division) -> tuple[str, ...]:
    """Who answered short ClientHellos, and who the longer ones."""
    there = [a for a in division.there if a.offered is not None]
    return said(
        f"a ClientHello of {_span([a.hello_size or 0 for a in division.here])} bytes meets one"
        f" server ({_known_by(view, division, division.here[0])}):"
        f" {len(division.here)} of {connections(len(division.here))}",
        f"one of {_span([a.hello_size or 0 for a in division.there])} bytes another"
        f" ({_known_by(view, division, division.there[0])}): {len(there)} of"
        f" {connections(len(there))} that offer a session",
    )


def _known_by(view: View, division: Division, attempt: Trial) -> str:
    """By what a server is known, in words."""
    if division.mark == "ticket key":
        key = view.offered_key(attempt) if attempt.resumed else view.issued_key(attempt)
        return f"ticket key {short(key, view.keys)}"
    if division.mark == "certificate":
        return f"certificate {short(attempt.leaf_sha256)}"
    if division.mark == "node":
        return f"node {attempt.node}"
    return (
        "it asks for a client certificate"
        if attempt.certificate_requested
        else "it asks for no client certificate"
    )


def _resumed_when_short(brief: Sequence[Trial]) -> str:
    return (
        f"with a shorter group list, {_bytes(brief)} bytes, the session resumes:"
        f" {len(brief)} of {len(brief)}"
    )


def _all_shorter(attempts: Sequence[Trial], size: int) -> bool:
    return all(a.hello_size is not None and a.hello_size < size for a in attempts)


def _bytes(attempts: Sequence[Trial]) -> str:
    return _span([a.hello_size or 0 for a in attempts])


def _span(sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    return str(low) if low == high else f"{low} to {high}"
