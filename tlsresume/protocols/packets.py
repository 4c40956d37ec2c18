"""STARTTLS conversations in binary packets: LDAP, PostgreSQL, MySQL."""

from __future__ import annotations

import struct

from tlsresume.protocols.talk import Reading, Talk

_STARTTLS_OID = b"1.3.6.1.4.1.1466.20037"

#: LDAPMessage { messageID 1, extendedReq { requestName } } (RFC 4511 sections 4.1.1, 4.14.1).
STARTTLS_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _STARTTLS_OID

_EXTENDED_RESPONSE = 0x78
_LONGEST_MESSAGE = 16384


def _length(talk: Talk, first: int, more: bytes) -> int:
    """A definite BER length (X.690 section 8.1.3) that is small enough for us."""
    length = int.from_bytes(more, "big") if first & 0x80 else first
    if first == 0x80 or length > _LONGEST_MESSAGE:
        raise talk.garbled(bytes((first,)) + more)
    return length


def _message(talk: Talk) -> Reading[bytes]:
    """The content of one LDAPMessage."""
    head = yield from talk.exactly(2)
    if head[0] != 0x30 or head[1] > 0x84:
        raise talk.garbled(head + talk.rest)
    more = (yield from talk.exactly(head[1] & 0x7F)) if head[1] & 0x80 else b""
    return (yield from talk.exactly(_length(talk, head[1], more)))


def _elements(talk: Talk, data: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents of the BER elements that make up some bytes."""
    found = []
    at = 0
    while at < len(data):
        tag, first = data[at], data[at + 1] if at + 1 < len(data) else 0x80
        size = first & 0x7F if first & 0x80 else 0
        more = data[at + 2 : at + 2 + size]
        length = _length(talk, first, more)
        start = at + 2 + size
        if size > 4 or len(more) < size or start + length > len(data):
            raise talk.garbled(data)
        found.append((tag, data[start : start + length]))
        at = start + length
    return found


def ldap(talk: Talk, _host: str) -> Reading[None]:
    """RFC 4511 section 4.14."""
    talk.say(STARTTLS_REQUEST, "its answer to StartTLS")
    data = yield from _message(talk)
    elements = _elements(talk, data)
    if len(elements) < 2 or elements[0][0] != 0x02 or elements[1][0] != _EXTENDED_RESPONSE:
        raise talk.garbled(data)
    result = _elements(talk, elements[1][1])
    if len(result) < 3 or [tag for tag, _ in result[:3]] != [0x0A, 0x04, 0x04]:
        raise talk.garbled(data)
    code, text = int.from_bytes(result[0][1][:4], "big"), result[2][1]
    if int.from_bytes(elements[0][1][:4], "big") != 1 or code:
        raise talk.refused(b"resultCode %d %s" % (code, text))


#: "Protocol version" 1234.5679: the length of the packet, then SSLRequest.
SSL_REQUEST = struct.pack("!IHH", 8, 1234, 5679)


def postgres(talk: Talk, _host: str) -> Reading[None]:
    """PostgreSQL's protocol, chapter "SSL Session Encryption": one byte answers."""
    talk.say(SSL_REQUEST, "its answer to SSLRequest")
    answer = yield from talk.exactly(1)
    if answer == b"S":
        return
    if answer == b"N":
        raise talk.refused(b"N", "TLS is switched off on the server: ssl = on")
    if answer != b"E":
        raise talk.garbled(answer + talk.rest)
    (length,) = struct.unpack("!I", (yield from talk.exactly(4)))
    if not 4 <= length <= _LONGEST_MESSAGE:
        # Servers before 7.0, and pgbouncer's peers, end the text with a zero byte.
        raise talk.refused(talk.rest)
    body = yield from talk.exactly(length - 4)
    fields = {part[:1]: part[1:] for part in body.split(b"\0")}
    raise talk.refused(fields.get(b"M", body))


_CLIENT_LONG_PASSWORD, _CLIENT_PROTOCOL_41 = 0x1, 0x200
_CLIENT_SSL, _CLIENT_SECURE_CONNECTION = 0x800, 0x8000
_CLIENT_PLUGIN_AUTH = 0x80000
_UTF8_GENERAL_CI = 33

#: Capabilities, largest packet, character set, and 23 reserved bytes.
MYSQL_SSL_REQUEST = struct.pack(
    "<IIB23x",
    _CLIENT_LONG_PASSWORD | _CLIENT_PROTOCOL_41 | _CLIENT_SSL
    | _CLIENT_SECURE_CONNECTION | _CLIENT_PLUGIN_AUTH,
    1 << 24,
    _UTF8_GENERAL_CI,
)  # fmt: skip


def mysql(talk: Talk, _host: str) -> Reading[None]:
    """MySQL's connection phase: the server's HandshakeV10, then our SSLRequest."""
    head = yield from talk.exactly(4)
    length = int.from_bytes(head[:3], "little")
    if not 1 <= length <= _LONGEST_MESSAGE:
        raise talk.garbled(head + talk.rest)
    packet = yield from talk.exactly(length)
    if packet[0] == 0xFF:
        raise talk.refused(packet[3:], "the server turns this client away before TLS")
    version, zero, rest = packet[1:].partition(b"\0")
    # After the version: thread id (4), the first part of the nonce (8), a filler (1).
    if packet[0] != 10 or not zero or len(rest) < 15:
        raise talk.garbled(packet)
    if not int.from_bytes(rest[13:15], "little") & _CLIENT_SSL:
        raise talk.refused(b"no CLIENT_SSL in its capabilities; version " + version)
    talk.say(
        len(MYSQL_SSL_REQUEST).to_bytes(3, "little")
        + bytes(((head[3] + 1) & 0xFF,))
        + MYSQL_SSL_REQUEST,
        "the start of TLS",
    )
