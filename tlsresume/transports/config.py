"""What a ClientHello may hold, and how the peer is checked, whatever the transport.

Frozen values that are compared and hashed, since what is dear to make (an SSL_CTX, a store of
certificates) is shared by connections that are alike.
"""

from __future__ import annotations

from typing import ClassVar

from tlsresume.request_line import HTTPRequest
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Value


class Trust(Value, frozen=True):
    """Where trusted certificates come from; neither given: the system's store."""

    cafile: str | None = None
    capath: str | None = None


class ClientCertificate(Value, frozen=True):
    """A certificate chain and its key, as PEM file paths; the passphrase is a secret."""

    certificate: str
    key: str
    passphrase: bytes | None = None

    def __repr__(self) -> str:
        return f"ClientCertificate(certificate={self.certificate!r}, key={self.key!r})"


class ClientConfig(Value, frozen=True, kw_only=True):
    """What one TLS connection offers, and how its peer is checked.

    `server_name` is the SNI (None: send none); `verify_name` the DNS name or IP
    address that the certificate must carry (None: not checked); `verify` makes a
    failed check fatal. `ciphers` (TLS 1.2), `ciphersuites` (TLS 1.3) and `groups`
    are OpenSSL lists, None meaning its defaults. `mtu` is the most bytes of a datagram
    (DTLS). `tickets` off sets
    SSL_OP_NO_TICKET; `extended_master_secret` off sets
    SSL_OP_NO_EXTENDED_MASTER_SECRET (both SSL_CTX_set_options(3)). `padding` makes the
    ClientHello longer by that many bytes, at least 4 (0: not at all). `max_fragment_length`
    (512, 1024, 2048 or 4096 bytes) asks for the extension of that name (RFC 6066 section 4).
    `early_data` goes out as early data where the offered session allows it: bytes, or over QUIC
    a request for HTTP/3.
    `address_token` is a QUIC server's proof of our address (NEW_TOKEN, RFC 9000 section 8.1.3):
    None shows the one that came with the session, b"" none.
    """

    _hidden: ClassVar = frozenset({"address_token"})

    minimum: ProtocolVersion = ProtocolVersion.TLSv1_2
    maximum: ProtocolVersion = ProtocolVersion.TLSv1_3
    server_name: str | None = None
    verify_name: str | None = None
    verify: bool = False
    alpn: tuple[str, ...] = ()
    ciphers: str | None = None
    ciphersuites: str | None = None
    groups: str | None = None
    tickets: bool = True
    extended_master_secret: bool = True
    early_data: bytes | HTTPRequest = b""
    padding: int = 0
    trust: Trust = Trust()
    certificate: ClientCertificate | None = None
    keylogfile: str | None = None
    max_fragment_length: int | None = None
    mtu: int = 1200
    address_token: bytes | None = None
