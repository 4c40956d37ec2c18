"""What a resumption state says, whatever library keeps it: facts that any part may ask for."""

from __future__ import annotations

from typing import ClassVar

from tlsresume.errors import SessionError
from tlsresume.sessions import asn1
from tlsresume.sessions.names import cipher_hash, cipher_name, group_name
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Secret, Value

#: DTLS1_VERSION, DTLS1_2_VERSION, DTLS 1.3 (RFC 9147), and the TLS that each is like.
_DATAGRAM: dict[int, tuple[str, ProtocolVersion]] = {
    0xFEFF: ("DTLSv1.0", ProtocolVersion.TLSv1_1),
    0xFEFD: ("DTLSv1.2", ProtocolVersion.TLSv1_2),
    0xFEFC: ("DTLSv1.3", ProtocolVersion.TLSv1_3),
}


class SessionFields(Value, frozen=True, kw_only=True):
    """What a resumption state says, in plain types. Times are seconds; `time` since 1970.

    None is "absent", which OpenSSL's format also says for 0 and NULL; so an absent
    `lifetime_hint` beside a ticket means that the server said 0. `peer` is the
    certificate's DER. `master_key` is the master secret, or the PSK in TLS 1.3.
    `protocol` is what the session was made with, such as "TLSv1.3" or "DTLSv1.2";
    `tls_version` the TLS whose rules it follows. `max_fragment_length` is in bytes.
    """

    _hidden: ClassVar = frozenset({"peer", "ticket"})

    tls_version: ProtocolVersion
    protocol: str
    cipher: int
    session_id: bytes
    master_key: Secret
    time: int
    timeout: int
    peer: bytes | None
    session_id_context: bytes
    verify_result: int
    hostname: str | None
    lifetime_hint: int | None
    ticket: bytes | None
    extended_master_secret: bool
    age_add: int
    max_early_data: int
    alpn: str | None
    group: int | None
    max_fragment_length: int | None = None

    @property
    def datagram(self) -> bool:
        """Whether it is a session of DTLS."""
        return self.protocol.startswith("DTLS")

    @property
    def server_copy(self) -> bool:
        """Whether a server kept it for itself: with a session id context, and nothing of a
        peer. What `openssl s_server` prints is such a copy."""
        return bool(self.session_id_context) and self.peer is None and not self.ticket

    @property
    def cipher_name(self) -> str:
        """OpenSSL's name of the cipher suite."""
        return cipher_name(self.cipher)

    @property
    def cipher_hash(self) -> str | None:
        """The hash of the suite's key schedule, "sha256" or "sha384"; None: not known."""
        return cipher_hash(self.cipher)

    @property
    def group_name(self) -> str | None:
        """IANA's name of the key exchange group."""
        return None if self.group is None else group_name(self.group)


def protocol_of(number: int) -> tuple[str, ProtocolVersion]:
    """What a session was made with, and the TLS whose rules it follows. Raises SessionError."""
    if number in _DATAGRAM:
        return _DATAGRAM[number]
    if number == asn1.SSL2:
        return "SSLv2", ProtocolVersion.SSLv3
    try:
        version = ProtocolVersion(number)
    except ValueError:
        raise SessionError(
            f"the session's protocol version is not known: 0x{number & 0xFFFF:04X}"
        ) from None
    return version.label, version


def text_of(octets: bytes | None) -> str | None:
    """Names as text: UTF-8, and what is not, escaped as Python would, so nothing is lost."""
    return octets.decode("utf-8", "backslashreplace") if octets else None
