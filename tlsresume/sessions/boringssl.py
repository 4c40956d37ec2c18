"""SSL_SESSION as BoringSSL and AWS-LC write it, which OpenSSL cannot read.

Both began as OpenSSL and went ways of their own: the elements up to [10] mean the same, those
from [13] on do not, and there are more of them (BoringSSL, ssl/ssl_asn1.cc). Bun and the
`bssl` tool save such sessions. They are read so that people learn what they hold; no
connection of ours can offer one.
"""

from __future__ import annotations

from tlsresume.errors import SessionError
from tlsresume.sessions.asn1 import SEQUENCE, element, elements
from tlsresume.sessions.facts import SessionFields, protocol_of, text_of
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Secret, Value

_BOOLEAN, _INTEGER, _OCTETS = 0x01, 0x02, 0x04

#: What stands in the elements with a tag of their own: its type. Those that only
#: BoringSSL has are enough to know its sessions by.
_TYPES: dict[int, int] = {
    1: _INTEGER, 2: _INTEGER, 3: SEQUENCE, 4: _OCTETS, 5: _INTEGER, 6: _OCTETS, 8: _OCTETS,
    9: _INTEGER, 10: _OCTETS, 13: _OCTETS, 14: _OCTETS, 15: _OCTETS, 16: _OCTETS, 17: _BOOLEAN,
    18: _INTEGER, 19: SEQUENCE, 21: _OCTETS, 22: _BOOLEAN, 23: _INTEGER, 24: _INTEGER,
    25: _INTEGER, 26: _OCTETS,
}  # fmt: skip
_TELLING = (17, 21, 22, 23, 25)
_PLAIN = (_INTEGER, _INTEGER, _OCTETS, _OCTETS, _OCTETS)


class BoringSSLSession(Value, frozen=True, kw_only=True):
    """The elements of a session of BoringSSL by their number; the five without one apart."""

    ssl_version: int
    cipher: bytes
    session_id: bytes
    secret: Secret
    others: dict[int, bytes]

    def number(self, element: int) -> int:
        """The INTEGER in an element, 0 where it is absent."""
        return int.from_bytes(self.others.get(element, b""), "big")

    def octets(self, element: int) -> bytes:
        """The OCTET STRING in an element, empty where it is absent."""
        return self.others.get(element, b"")

    def flag(self, element: int) -> bool:
        """The BOOLEAN in an element, False where it is absent."""
        return any(self.others.get(element, b""))

    @property
    def is_server(self) -> bool:
        """Whether a server keeps it: isServer is TRUE where it is absent."""
        return self.flag(22) if 22 in self.others else True


def read_boringssl(der: bytes) -> BoringSSLSession | None:
    """The session in `der`; None where it is none, or none that only BoringSSL could write."""
    found = elements(der)
    if found is None or tuple(tag for tag, _ in found[:5]) != _PLAIN or found[0][1] != b"\x01":
        return None
    others: dict[int, bytes] = {}
    for tag, content in found[5:]:
        number = tag & 0x1F
        # A context-specific, constructed element with one element in it (X.690 8.14).
        inner = elements(element(SEQUENCE, content))
        if tag & 0xE0 != 0xA0 or number in others or inner is None or len(inner) != 1:
            return None
        kind, value = inner[0]
        if _TYPES.get(number, kind) != kind or (kind == _INTEGER and len(value) > 9):
            return None
        others[number] = content if kind == SEQUENCE else value
    if not any(number in others for number in _TELLING) or len(found[1][1]) > 4:
        return None
    return BoringSSLSession(
        ssl_version=int.from_bytes(found[1][1], "big"),
        cipher=found[2][1],
        session_id=found[3][1],
        secret=Secret(found[4][1]),
        others=others,
    )


def read(der: bytes) -> SessionFields:
    """The facts. Raises SessionError."""
    session = read_boringssl(der)
    if session is None:
        raise SessionError("not a session of BoringSSL")
    protocol, version = protocol_of(session.ssl_version)
    return SessionFields(
        tls_version=version,
        protocol=protocol,
        cipher=int.from_bytes(session.cipher, "big"),
        session_id=session.session_id,
        master_key=session.secret,
        time=session.number(1),
        timeout=session.number(2),
        peer=_first_certificate(session),
        session_id_context=session.octets(4) if session.is_server else b"",
        verify_result=session.number(5),
        hostname=text_of(session.octets(6)),
        # In TLS 1.3 the ticket's lifetime stands in the timeout.
        lifetime_hint=session.number(9)
        or (session.number(2) if version >= ProtocolVersion.TLSv1_3 else None),
        ticket=session.octets(10) or None,
        extended_master_secret=session.flag(17),
        age_add=int.from_bytes(session.octets(21)[:4], "big"),
        max_early_data=session.number(24),
        alpn=text_of(session.octets(26)),
        group=session.number(18) or None,
    )


def _first_certificate(session: BoringSSLSession) -> bytes | None:
    """The peer's certificate: [3], or the first of the chain in [19], which leaves [3] out."""
    if 3 in session.others:
        return session.others[3]
    chain = elements(session.others.get(19, b""))
    if not chain or chain[0][0] != SEQUENCE:
        return None
    return element(SEQUENCE, chain[0][1])
