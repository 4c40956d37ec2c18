"""Mechanisms and their sessions as people call them; JSON and the command line have short words."""

from __future__ import annotations

from collections.abc import Iterable

from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import Mechanism

MECHANISM_WORDS: dict[Mechanism, str] = {
    "psk": "TLS 1.3 ticket",
    "ticket": "TLS 1.2 ticket",
    "session-id": "TLS 1.2 session ID",
}


def mechanism_words(mechanism: Mechanism, transport: Transport) -> str:
    """A mechanism over a transport: `TLS 1.3 ticket`, `DTLS 1.2 ticket`, `QUIC ticket`."""
    words = MECHANISM_WORDS.get(mechanism, mechanism)
    return {"quic": "QUIC ticket", "dtls": f"D{words}"}.get(transport, words)


def session_words(mechanisms: Iterable[Mechanism]) -> str:
    """The sessions of several: `TLS 1.3 and TLS 1.2 tickets and TLS 1.2 session IDs`."""
    words = " and ".join(f"{MECHANISM_WORDS[name]}s" for name in mechanisms)
    return words.replace(" tickets and TLS 1.2 tickets", " and TLS 1.2 tickets")
