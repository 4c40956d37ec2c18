"""Rules of QUIC and DTLS: address validation, its tokens, and what got lost on the way.

What they look at is told in datagrams.py.
"""

from __future__ import annotations

from collections import Counter

from tlsresume.evidence.datagrams import answered, with_first_use_of_token
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import TOKEN_TRIES, Token
from tlsresume.evidence.trial import Trial
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import failure, said
from tlsresume.units import connections

#: Retransmissions on one connection that may come from a busy machine of ours.
_BY_CHANCE = 1


def _retries(attempt: Trial) -> int:
    return attempt.datagrams.retries if attempt.datagrams is not None else 0


@rule(
    "retry-each-time",
    "W",
    "info",
    needs=Part.OUTCOME,
    mechanisms=("psk",),
    cause="The server has each client prove its address by a Retry packet and gives no token that"
    " would spare the next connection that: a resumed connection costs a round trip more than it"
    " need, as much as a full one over TCP.",
    advice="Have the server give NEW_TOKENs, or send Retry only under load.",
    settings=set_in(nginx="quic_retry off", haproxy="tune.quic.retry-threshold, quic-force-retry"),
    sources=("RFC 9000 section 8.1.2", "RFC 9000 section 8.1.3"),
)
def retry_each_time(view: View) -> Match | None:
    """A Retry on every QUIC connection, and no token that spares it.

    Every QUIC connection, resumed ones too, got a Retry packet, and none a NEW_TOKEN.
    """
    if view.transport != "quic":
        return None
    done = answered(view.everything)
    if not done or not all(map(_retries, done)):
        return None
    if any(a.datagrams is not None and a.datagrams.token_issued for a in done):
        return None
    resumed = sum(bool(a.resumed) for a in done)
    return Match(
        seen=(f"{connections(len(done))} got a Retry, {resumed} of them resumed; no NEW_TOKEN",),
    )


@rule(
    "token-refused",
    "W",
    "warning",
    needs=CONTROLLED,
    mechanisms=("psk",),
    cause="The server gives tokens that should spare later connections the Retry, and then does"
    " not accept them: nodes with different token keys, or a key that is lost at each restart.",
    advice="Give all nodes the same key for address validation tokens, and keep it.",
    settings=set_in(nginx="quic_host_key", haproxy="cluster-secret"),
    sources=("RFC 9000 section 8.1.3", "RFC 9000 section 8.1.4"),
)
def token_refused(view: View) -> Match | None:
    """Tokens for later QUIC connections are not accepted.

    Connections that showed a NEW_TOKEN for the first time got a Retry all the same.
    """
    if view.transport != "quic":
        return None
    shown = with_first_use_of_token(view.everything)
    refused = [a for a in shown if _retries(a)]
    if not refused:
        return None
    return Match(
        seen=(f"{len(refused)} of {connections(len(shown))} with a fresh token got a Retry",),
        evidence=tuple(f"#{a.n} a token was shown, and a Retry came" for a in refused[:3]),
    )


@rule(
    "lifetime-counts-down",
    "T",
    "info",
    needs=CONTROLLED | Part.TICKETS,
    mechanisms=("psk",),
    cause="A ticket that comes with a resumed connection lives only for what is left of the first"
    " one's lifetime: however often a client comes back, after that time it makes a full"
    " handshake, and verifies the certificate again.",
    advice="Nothing, where that is intended; else a longer lifetime.",
    settings=set_in(nginx="ssl_session_timeout"),
    sources=("RFC 8446 section 4.6.1",),
)
def lifetime_counts_down(view: View) -> Match | None:
    """QUIC tickets from resumed connections live shorter and shorter.

    Tickets that came with resumed QUIC connections state less than the first ones did.
    """
    if view.transport != "quic" or not view.full:
        return None
    first = max((t.lifetime for a in view.full for t in a.tickets), default=0)
    later = [t.lifetime for a in view.attempts if a.resumed for t in a.tickets]
    if not later or not 0 < min(later) < first:
        return None
    return Match(
        seen=(f"{first} s on full handshakes, {min(later)} s at least on resumed ones",),
    )


@rule(
    "fails-with-token",
    "W",
    "error",
    needs=CONTROLLED,
    mechanisms=("psk",),
    cause="The server gives tokens for later connections, and takes one that is shown for the"
    " answer to a Retry that it never sent: its transport parameters then name another connection"
    " ID, on which a client must end the connection, or it says nothing. Clients show tokens as a"
    " matter of course.",
    advice="Update the server's QUIC library, or have it give no NEW_TOKENs.",
    sources=(
        "RFC 9000 section 8.1.3",
        "RFC 9000 section 7.3",
        "knotd 3.4.6 of Debian 13, with aioquic as the client",
    ),
)
def fails_with_token(view: View) -> Match | None:
    """QUIC connections fail when the server's own token is shown.

    Handshakes without a token succeed, and those that show one, and no session, fail.
    """
    shown = [a for a in view.everything if a.made_for(Token.ALONE)]
    if len(shown) < TOKEN_TRIES or any(a.handshake_done for a in shown) or not view.full:
        return None
    return Match(
        seen=(
            f"with a token, and no session, {connections(len(shown))} failed: {failure(shown[0])}",
            f"without it {connections(len(view.full))} succeeded",
        ),
    )


@rule(
    "datagrams-lost",
    "W",
    "info",
    needs=Part.OUTCOME,
    cause="Datagrams had to be sent again, since no answer came in time: they, or the answers,"
    " were lost, or the server was busy with another client. Nothing of that is judged as a"
    " refusal, but times of handshakes are longer for it.",
    advice="Probe again with --concurrency 1; where it stays, look for a path that loses UDP"
    " packets, or for a smaller MTU on the way (--mtu for DTLS).",
    sources=("RFC 9002 section 6.2", "RFC 6347 section 4.2.4"),
)
def datagrams_lost(view: View) -> Match | None:
    """Datagrams were lost, or answered late.

    A QUIC or DTLS client of ours had to send something again.
    """
    own = [a for a in view.everything if a.datagrams is not None]
    lossy = [a for a in own if a.datagrams is not None and a.datagrams.retransmissions]
    times = sum(a.datagrams.retransmissions for a in lossy if a.datagrams is not None)
    if times <= _BY_CHANCE:
        return None
    seen = [f"{times} retransmissions on {len(lossy)} of {connections(len(own))}"]
    sizes = [(a.config.mtu, a.datagrams.mtu) for a in lossy if a.datagrams and a.datagrams.mtu]
    for (planned, answered_at), count in Counter(sizes).items():
        seen.append(
            f"{connections(count)} came about with datagrams of {answered_at} bytes, and not with"
            f" {planned}: --mtu {answered_at} begins with that"
        )
    return Match(seen=tuple(seen))


@rule(
    "cookie-skipped-on-resumption",
    "W",
    "info",
    needs=TRIES,
    mechanisms=("ticket", "session-id"),
    cause="Without a session the server has the client prove its address by a cookie, which costs"
    " a round trip; for one that shows a session it does without. Resumption saves two round"
    " trips here; whoever has a session can have the server answer to a forged address.",
    advice="Nothing, where that is intended (RFC 6347 section 4.2.1 allows it).",
    sources=("RFC 6347 section 4.2.1", "pion/dtls"),
)
def cookie_skipped(view: View) -> Match | None:
    """DTLS: no cookie is asked of clients that resume.

    Full handshakes met a HelloVerifyRequest, and resumed ones none.
    """
    if view.transport != "dtls":
        return None
    done = answered(view.attempts)
    full = [a for a in done if a.offer is None]
    resumed = [a for a in done if a.resumed]
    if not full or not resumed or not all(map(_retries, full)) or any(map(_retries, resumed)):
        return None
    return Match(
        seen=said(
            f"a cookie was asked for on {connections(len(full))} without a session, and on"
            f" none of the {len(resumed)} that resumed"
        ),
    )
