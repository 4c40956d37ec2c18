"""Places in a report, in words: an address, and its transport where that is not TCP."""

from __future__ import annotations

from tlsresume.protocols import Transport

TRANSPORT_WORDS: dict[Transport, str] = {"tcp": "TCP", "quic": "QUIC", "dtls": "DTLS"}


def version_label(tls_version: str, transport: Transport) -> str:
    """A version of TLS as it is called over a transport: `TLSv1.2` is `DTLSv1.2` over DTLS."""
    return f"D{tls_version}" if transport == "dtls" else tls_version


def named_place(address: str, transport: Transport) -> str:
    """An address, as in `192.0.2.1` or `192.0.2.1 (QUIC)`."""
    return (
        address
        if transport == "tcp"
        else f"{address} ({TRANSPORT_WORDS.get(transport, transport)})"
    )
