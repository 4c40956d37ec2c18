"""What QUIC and DTLS have beside TLS, counted: address validation, tokens, repetitions.

A server that validates addresses costs its clients a round trip on every connection, by a
Retry packet (RFC 9000 section 8.1.2), also where a session is resumed; a NEW_TOKEN spares it
(section 8.1.3). So a token is a second kind of resumption, apart from the session.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.trial import Trial
from tlsresume.protocols.schemes import Transport
from tlsresume.results.measured import QUICResult


def transport_of(attempts: Sequence[Trial]) -> Transport:
    """What carried the attempts of one journal."""
    return attempts[0].transport if attempts else "tcp"


def retransmissions(attempts: Sequence[Trial]) -> int | None:
    """How often we had to ask again, over all attempts; None on TCP."""
    if transport_of(attempts) == "tcp":
        return None
    return sum(a.datagrams.retransmissions for a in attempts if a.datagrams is not None)


def answered(attempts: Sequence[Trial]) -> list[Trial]:
    """Attempts that QUIC or DTLS was spoken on."""
    return [a for a in attempts if a.datagrams is not None and a.handshake_done]


def with_first_use_of_token(attempts: Sequence[Trial]) -> list[Trial]:
    """Attempts that show a token which no earlier one has shown: a server may take each once
    (RFC 9000 section 8.1.4)."""
    used: set[bytes] = set()
    found = []
    for attempt in answered(attempts):
        if attempt.datagrams is None or not attempt.datagrams.token_offered:
            continue
        token = attempt.config.address_token
        if token is None:
            token = attempt.state.token if attempt.state is not None else b""
        if token not in used:
            found.append(attempt)
        used.add(token)
    return found


def quic_result(attempts: Sequence[Trial]) -> QUICResult:
    """What the attempts on one address show of QUIC."""
    done = answered(attempts)
    facts = [a.datagrams for a in done if a.datagrams is not None]
    retry = any(each.retries for each in facts if not each.token_offered)
    shown = [a.datagrams for a in with_first_use_of_token(attempts) if a.datagrams is not None]
    versions = [each.version for each in facts if each.version is not None]
    return QUICResult(
        version=versions[0] if versions else None,
        retry=retry or any(each.retries for each in facts),
        token_issued=any(each.token_issued for each in facts),
        token_spares_retry=(any(not each.retries for each in shown) if retry and shown else None),
    )
