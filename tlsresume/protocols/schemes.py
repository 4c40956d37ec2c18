"""What carries TLS, and what a URL scheme is. The schemes themselves are in the rows of `rows.py`."""

from __future__ import annotations

from typing import Literal, NamedTuple

#: What carries TLS: a TCP connection, QUIC (RFC 9001), or datagrams of DTLS (RFC 6347).
Transport = Literal["tcp", "quic", "dtls"]

#: Sizes that a datagram of DTLS may have: less than this holds no ClientHello, more no UDP
#: payload.
MTU_RANGE = (256, 65_000)


class Scheme(NamedTuple):
    """A URL scheme: its IANA port (0: it has none, and must be named), the ALPN to offer, what
    carries TLS, and whether TLS starts there by STARTTLS, not at the first byte."""

    name: str
    port: int
    alpn: tuple[str, ...] = ()
    transport: Transport = "tcp"
    starttls: bool = False
