"""Parsers of handshake messages and alerts.

A message is a frozen value, complete and checked when `parse_handshake` returns
it: a known extension that is malformed is a WireError, an unknown one is kept.
Which layout a message has depends on its type and, for some, on the negotiated
version: that is one table, `PARSERS`. The values are in messages.py, numbers
and their names in registry.py, extension bodies in extensions.py. Sections are
of RFC 8446 unless another RFC is named.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from tlsresume.tls.buffer import Reader, WireError, read_whole, uint16s
from tlsresume.tls.extensions import (
    CERTIFICATE_REQUEST_BODIES,
    CLIENT_HELLO_BODIES,
    ENCRYPTED_EXTENSIONS_BODIES,
    HELLO_RETRY_REQUEST_BODIES,
    NEW_SESSION_TICKET_BODIES,
    SERVER_HELLO_BODIES,
    cut_extensions,
    pull_extensions,
    pull_names,
    pull_uint16s,
)
from tlsresume.tls.messages import (
    HELLO_RETRY_REQUEST_RANDOM,
    Alert,
    CertificateMessage,
    CertificateRequest12,
    CertificateRequest13,
    ClientHello,
    EncryptedExtensions,
    Finished,
    Message,
    NewSessionTicket12,
    NewSessionTicket13,
    Other,
    ServerHello,
)
from tlsresume.tls.registry import (
    HandshakeType,
    ProtocolVersion,
    name_of,
)


def _pull_client_hello(reader: Reader) -> ClientHello:
    legacy_version = reader.pull_uint16()
    random = reader.pull_bytes(32)
    session_id = _pull_session_id(reader)
    cipher_suites = reader.pull_uint16s(2, minimum=2)
    compression_methods = reader.pull_opaque(1, minimum=1)
    block = reader.remaining > 0
    return ClientHello(
        legacy_version,
        random,
        session_id,
        cipher_suites,
        pull_extensions(reader, CLIENT_HELLO_BODIES) if block else (),
        compression_methods,
        block,
    )


def _pull_server_hello(reader: Reader) -> ServerHello:
    legacy_version = reader.pull_uint16()
    random = reader.pull_bytes(32)
    session_id = _pull_session_id(reader)
    cipher_suite = reader.pull_uint16()
    compression_method = reader.pull_uint8()
    block = reader.remaining > 0
    retry = random == HELLO_RETRY_REQUEST_RANDOM
    bodies = HELLO_RETRY_REQUEST_BODIES if retry else SERVER_HELLO_BODIES
    return ServerHello(
        legacy_version,
        random,
        session_id,
        cipher_suite,
        pull_extensions(reader, bodies) if block else (),
        compression_method,
        block,
    )


def _pull_session_id(reader: Reader) -> bytes:
    session_id = reader.pull_opaque(1)
    if len(session_id) > 32:
        raise WireError(f"a session ID of {len(session_id)} bytes, where 32 are the limit")
    return session_id


def _pull_encrypted_extensions(reader: Reader) -> EncryptedExtensions:
    return EncryptedExtensions(pull_extensions(reader, ENCRYPTED_EXTENSIONS_BODIES))


def _pull_new_session_ticket_12(reader: Reader) -> NewSessionTicket12:
    return NewSessionTicket12(reader.pull_uint32(), reader.pull_opaque(2))


def _pull_new_session_ticket_13(reader: Reader) -> NewSessionTicket13:
    return NewSessionTicket13(
        lifetime=reader.pull_uint32(),
        age_add=reader.pull_uint32(),
        nonce=reader.pull_opaque(1),
        ticket=reader.pull_opaque(2, minimum=1),
        extensions=pull_extensions(reader, NEW_SESSION_TICKET_BODIES),
    )


def _pull_certificate_request_10(reader: Reader) -> CertificateRequest12:
    return CertificateRequest12(tuple(reader.pull_opaque(1, minimum=1)), (), pull_names(reader))


def _pull_certificate_request_12(reader: Reader) -> CertificateRequest12:
    return CertificateRequest12(
        tuple(reader.pull_opaque(1, minimum=1)), pull_uint16s(reader), pull_names(reader)
    )


def _pull_certificate_request_13(reader: Reader) -> CertificateRequest13:
    return CertificateRequest13(
        reader.pull_opaque(1), pull_extensions(reader, CERTIFICATE_REQUEST_BODIES)
    )


def _pull_certificate_12(reader: Reader) -> CertificateMessage:
    return CertificateMessage(reader.pull_list(3, lambda r: r.pull_opaque(3, minimum=1)))


def _pull_certificate_13(reader: Reader) -> CertificateMessage:
    def pull_entry(r: Reader) -> bytes:
        certificate = r.pull_opaque(3, minimum=1)
        pull_extensions(r, {})
        return certificate

    context = reader.pull_opaque(1)
    return CertificateMessage(reader.pull_list(3, pull_entry), context)


def _pull_finished(reader: Reader) -> Finished:
    return Finished(len(reader.pull_rest()))


Parsers = Mapping[int, Callable[[Reader], Message]]

#: How a ClientHello begins: type and length, version, random, the session ID's length.
_OWN_HELLO = struct.Struct("!IH32sB")

#: What comes before the length of a ticket's nonce: type and length, lifetime, age_add.
_BEFORE_NONCE = 4 + 4 + 4

_H = HandshakeType

_ANY_VERSION: Parsers = {
    _H.client_hello: _pull_client_hello,
    _H.server_hello: _pull_server_hello,
    _H.encrypted_extensions: _pull_encrypted_extensions,
    _H.finished: _pull_finished,
}

_TLS10: Parsers = {
    **_ANY_VERSION,
    _H.new_session_ticket: _pull_new_session_ticket_12,
    _H.certificate: _pull_certificate_12,
    _H.certificate_request: _pull_certificate_request_10,
}

_TLS12: Parsers = {**_TLS10, _H.certificate_request: _pull_certificate_request_12}

_TLS13: Parsers = {
    **_ANY_VERSION,
    _H.new_session_ticket: _pull_new_session_ticket_13,
    _H.certificate: _pull_certificate_13,
    _H.certificate_request: _pull_certificate_request_13,
}

#: By negotiated version, then by handshake type. Types without a parser are `Other`.
PARSERS: Mapping[ProtocolVersion | None, Parsers] = {
    None: _ANY_VERSION,
    ProtocolVersion.SSLv3: _TLS10,
    ProtocolVersion.TLSv1_0: _TLS10,
    ProtocolVersion.TLSv1_1: _TLS10,
    ProtocolVersion.TLSv1_2: _TLS12,
    ProtocolVersion.TLSv1_3: _TLS13,
}


def parse_handshake(raw: bytes, version: ProtocolVersion | None) -> Message:
    """One whole handshake message, with its 4-byte header, as a value.

    `version` is the negotiated one, None before the ServerHello. Types that are
    not looked into come back as `Other`. Raises WireError on anything that is not
    exactly one well-formed message, and on a message whose layout depends on
    the version when none is given.
    """
    reader = Reader(raw)
    type_ = reader.pull_uint8()
    body = reader.pull_opaque(3)
    reader.end()
    pull = PARSERS[version].get(type_)
    if pull is not None:
        return read_whole(body, pull)
    if type_ in _TLS13:
        raise WireError(f"{name_of(HandshakeType, type_)} before the version was negotiated")
    return Other(type_, len(body))


def own_client_hello(raw: bytes) -> Message:
    """A whole ClientHello, with its header, as `parse_handshake` gives it, where a library of ours
    wrote it: the bodies of its extensions are read when they are asked for. Raises WireError."""
    if len(raw) < _OWN_HELLO.size:
        return parse_handshake(raw, None)
    _, legacy_version, random, size = _OWN_HELLO.unpack_from(raw)
    suites = _OWN_HELLO.size + size + 2
    methods = suites + int.from_bytes(raw[suites - 2 : suites], "big") + 1
    block = methods + int.from_bytes(raw[methods - 1 : methods], "big") + 2
    if len(raw) < block or int.from_bytes(raw[block - 2 : block], "big") != len(raw) - block:
        return parse_handshake(raw, None)
    return ClientHello(
        legacy_version,
        random,
        raw[_OWN_HELLO.size : suites - 2],
        uint16s(raw[suites : methods - 1]),
        cut_extensions(raw[block:]),
        raw[methods : block - 2],
    )


def ticket_of(raw: bytes) -> bytes:
    """The ticket in a whole NewSessionTicket of TLS 1.3, with its header (section 4.6.1), without
    a look at what follows; b"" where there is none."""
    if len(raw) <= _BEFORE_NONCE:
        return b""
    start = _BEFORE_NONCE + 1 + raw[_BEFORE_NONCE] + 2
    end = start + int.from_bytes(raw[start - 2 : start], "big")
    return raw[start:end] if end <= len(raw) else b""


def parse_alert(raw: bytes) -> Alert:
    """The two bytes of an alert. Raises WireError."""
    if len(raw) == 2:
        return Alert(raw[0], raw[1])
    return read_whole(raw, lambda r: Alert(r.pull_uint8(), r.pull_uint8()))
