"""Places in a report, in words: an address, and its transport where that is not TCP."""

from __future__ import annotations

from tlsresume.protocols import Transport

TRANSPORT_WORDS: dict[Transport, str] = {"tcp": "TCP", "quic": "QUIC", "dtls": "DTLS"}


def named_place(address: str, transport: Transport) -> str:
    """An address, as in `192.0.2.1` or `192.0.2.1 (QUIC)`."""
    return address if transport == "tcp" else f"{address} ({TRANSPORT_WORDS[transport]})"
