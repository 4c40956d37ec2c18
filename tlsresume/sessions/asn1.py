"""SSL_SESSION, the structure that i2d_SSL_SESSION(3) writes, declared once.

The declaration mirrors OpenSSL's own, in its order and with its tags; names are
those OpenSSL prints or documents. DER only: what OpenSSL writes is read, and
written back byte for byte. Judging what the fields mean is not done here, but
a number that OpenSSL would refuse is refused.

The peer's certificate is the one part that others wrote, and some appliances
write what OpenSSL takes and a strict X.509 parser does not. A session must not
be lost to a certificate that resumption never looks at, so the certificate is
declared as a SEQUENCE of anything, and its bytes are handed on as they stand.
"""

# Annotations are not put off: to read 26 of them as text took half of this module's time.
from dataclasses import replace
from typing import Annotated

from cryptography.hazmat import asn1

from tlsresume.errors import SessionError


@asn1.sequence
class SSLSession:
    """The fields of SSL_SESSION (OpenSSL, ssl/ssl_asn1.c); absent ones are None.

    OpenSSL leaves out numbers that are 0 and strings that are NULL.
    """

    version: int
    ssl_version: int
    cipher: bytes
    session_id: bytes
    master_key: bytes
    key_arg: Annotated[bytes | None, asn1.Implicit(0)]
    time: Annotated[int | None, asn1.Explicit(1)]
    timeout: Annotated[int | None, asn1.Explicit(2)]
    peer: Annotated[list[asn1.TLV] | None, asn1.Explicit(3)]
    session_id_context: Annotated[bytes | None, asn1.Explicit(4)]
    verify_result: Annotated[int | None, asn1.Explicit(5)]
    hostname: Annotated[bytes | None, asn1.Explicit(6)]
    psk_identity_hint: Annotated[bytes | None, asn1.Explicit(7)]
    psk_identity: Annotated[bytes | None, asn1.Explicit(8)]
    ticket_lifetime_hint: Annotated[int | None, asn1.Explicit(9)]
    ticket: Annotated[bytes | None, asn1.Explicit(10)]
    compression_id: Annotated[bytes | None, asn1.Explicit(11)]
    srp_username: Annotated[bytes | None, asn1.Explicit(12)]
    flags: Annotated[int | None, asn1.Explicit(13)]
    ticket_age_add: Annotated[int | None, asn1.Explicit(14)]
    max_early_data: Annotated[int | None, asn1.Explicit(15)]
    alpn_selected: Annotated[bytes | None, asn1.Explicit(16)]
    max_fragment_length_mode: Annotated[int | None, asn1.Explicit(17)]
    ticket_appdata: Annotated[bytes | None, asn1.Explicit(18)]
    kex_group: Annotated[int | None, asn1.Explicit(19)]
    peer_rpk: Annotated[bytes | None, asn1.Explicit(20)]

    def __repr__(self) -> str:
        return f"SSLSession(ssl_version={self.ssl_version:#06x}, cipher={self.cipher.hex()})"


_INT32 = (-(2**31), 2**31 - 1)
_INT64 = (-(2**63), 2**63 - 1)
_UINT32 = (0, 2**32 - 1)
_UINT64 = (0, 2**64 - 1)

#: The C types behind the INTEGERs; OpenSSL refuses a session beyond them.
RANGES: dict[str, tuple[int, int]] = {
    "version": (1, 1),
    "ssl_version": _INT32,
    "time": _INT64,
    "timeout": _INT64,
    "verify_result": _INT32,
    "ticket_lifetime_hint": _UINT64,
    "flags": _UINT64,
    "ticket_age_add": _UINT32,
    "max_early_data": _UINT32,
    "max_fragment_length_mode": _UINT32,
    "kex_group": _UINT32,
}

#: Shortest and longest of the OCTET STRINGs that OpenSSL copies into fixed buffers
#: (SSL_MAX_SSL_SESSION_ID_LENGTH, SSL_MAX_SID_CTX_LENGTH, TLS13_MAX_RESUMPTION_PSK_LENGTH).
#: A cipher has 2 bytes, and 3 in SSLv2, whose sessions are read to be named.
LENGTHS: dict[str, tuple[int, int]] = {
    "cipher": (2, 3),
    "session_id": (0, 32),
    "session_id_context": (0, 32),
    "master_key": (0, 512),
}

#: SSL2_VERSION, as OpenSSL before 1.1.0 wrote it.
SSL2 = 0x0002

SEQUENCE, _PEER_TAG, _TICKET_TAG = 0x30, 0xA3, 0xAA


def decode(der: bytes) -> tuple[SSLSession, bytes | None]:
    """SSL_SESSION and the peer certificate's own bytes, from DER without trailing bytes.

    Raises SessionError.
    """
    try:
        structure = asn1.decode_der(SSLSession, der)
    except ValueError as error:
        # The decoder's own words name its types, not the session's fields.
        raise SessionError(_oddity(der)) from error
    _check(structure)
    if structure.peer is None:
        return structure, None
    tagged = _cut_peer(der)[1]
    return structure, tagged[_header(tagged, 0)[1] :]


def encode(structure: SSLSession, peer: bytes | None) -> bytes:
    """DER of `structure` with `peer` (a certificate's bytes, as `decode` gives them) in it.

    The certificate is put in by hand, because cryptography 49 cannot encode a TLV.
    Raises SessionError for a number or string that OpenSSL would refuse.
    """
    _check(structure)
    before, _, after = _cut_peer(asn1.encode_der(replace(structure, peer=None)))
    inside = b"" if peer is None else element(_PEER_TAG, peer)
    return element(SEQUENCE, before + inside + after)


def _check(structure: SSLSession) -> None:
    for name, (low, high) in RANGES.items():
        number = getattr(structure, name)
        if number is not None and not low <= number <= high:
            raise SessionError(f"SSL_SESSION field {name} is out of range")
    for name, (low, high) in LENGTHS.items():
        string = getattr(structure, name)
        if string is not None and not low <= len(string) <= high:
            raise SessionError(f"SSL_SESSION field {name} has a wrong length: {len(string)} bytes")
    if (len(structure.cipher) == 3) != (structure.ssl_version == SSL2):
        raise SessionError(
            f"SSL_SESSION field cipher has a wrong length: {len(structure.cipher)} bytes"
        )


def elements(der: bytes) -> list[tuple[int, bytes]] | None:
    """Tag and content of each element of the outer SEQUENCE; None where the lengths do not
    fit into each other. Linear: nothing inside an element is looked at."""
    outer = _checked_header(der, 0)
    if outer is None or outer[0] != SEQUENCE or outer[2] != len(der):
        return None
    found = []
    at = outer[1]
    while at < len(der):
        header = _checked_header(der, at)
        if header is None:
            return None
        tag, start, at = header
        found.append((tag, der[start:at]))
    return found


def shown(der: bytes) -> tuple[int, bytes, bytes] | None:
    """What a client shows of the session that OpenSSL wrote: its ssl_version, session_id and
    ticket, b"" where there is none. Nothing else is read, which costs a tenth of `decode`; None
    where the form is not OpenSSL's, and `decode` knows more."""
    try:
        at = _header(der, 0)[1]
        if der[at : at + 5] != _VERSION_1 or der[at + 7 : at + 9] != _TWO_OCTETS:
            return None
        if der[at + 11] != _OCTET_STRING or der[at + 12] > LENGTHS["session_id"][1]:
            return None
        ssl_version, start = der[at + 5] << 8 | der[at + 6], at + 13
        at = start + der[at + 12]
        session_id, ticket = der[start:at], b""
        while at < len(der):
            tag, length = der[at], der[at + 1]
            if tag >= _TICKET_TAG:
                break
            at = at + 2 + length if length < 0x80 else _header(der, at)[2]
        if at < len(der) and tag == _TICKET_TAG:
            _, start, at = _header(der, at)
            inner, start, end = _header(der, start)
            if inner != _OCTET_STRING or end != at:
                return None
            ticket = der[start:end]
    except IndexError:
        return None
    return None if at > len(der) else (ssl_version, session_id, ticket)


#: How SSL_SESSION begins, up to the two bytes of ssl_version, and a string of two bytes.
_VERSION_1, _TWO_OCTETS = b"\x02\x01\x01\x02\x02", b"\x04\x02"
_OCTET_STRING = 0x04

#: The tags of the fields without one of their own: version, ssl_version, cipher,
#: session_id, master_key.
_PLAIN_TAGS = (0x02, 0x02, 0x04, 0x04, 0x04)


def _oddity(der: bytes) -> str:
    """Which element is not as in SSL_SESSION, in words."""
    found = elements(der)
    if found is None:
        return "it is no DER whose lengths add up"
    names = list(SSLSession.__annotations__)
    tags = [tag for tag, _ in found]
    for place, tag in enumerate(_PLAIN_TAGS):
        if tags[place : place + 1] != [tag]:
            return f"SSL_SESSION field {names[place]} is missing, or of another type"
    last = -1
    for tag in tags[len(_PLAIN_TAGS) :]:
        number = tag & 0x1F
        if tag < 0x80 or number <= last or number + len(_PLAIN_TAGS) >= len(names):
            return f"an element with the tag 0x{tag:02X} is not of SSL_SESSION, or out of order"
        last = number
    return "a field of SSL_SESSION is of another type than OpenSSL writes"


def _checked_header(der: bytes, at: int) -> tuple[int, int, int] | None:
    """As `_header`, for DER that nobody has checked: None where it does not fit."""
    if at + 2 > len(der) or der[at] & 0x1F == 0x1F:
        return None
    size = der[at + 1]
    if size > 0x84 or size == 0x80 or at + 2 + max(0, size - 0x80) > len(der):
        return None
    header = _header(der, at)
    return header if header[2] <= len(der) else None


def _cut_peer(der: bytes) -> tuple[bytes, bytes, bytes]:
    """The content of the outer SEQUENCE: what is before, in and after element [3].

    Without such an element the split is where its tag would stand. `der` has
    been decoded or encoded by cryptography, so its lengths are known to fit.
    """
    _, at, end = _header(der, 0)
    start = at
    while at < end and der[at] <= _PEER_TAG:
        after = _header(der, at)[2]
        if der[at] == _PEER_TAG:
            return der[start:at], der[at:after], der[after:end]
        at = after
    return der[start:at], b"", der[at:end]


def _header(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at `at` (X.690 section 8.1)."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(der[at + 2 : start], "big")
    return tag, start, start + length


def element(tag: int, content: bytes) -> bytes:
    """An element in DER: tag, length and content (X.690 section 8.1.3)."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(octets))) + octets + content
