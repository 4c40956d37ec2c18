"""Extensions of TLS messages: the block, and the bodies that matter for resumption.

The same type number has another body in each message, so there is one table of
body parsers per message. A body without an entry is kept as bytes. Sections
are of RFC 8446 unless another RFC is named.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tlsresume.tls.buffer import Reader, WireError, push_list, push_opaque, push_uint, read_whole
from tlsresume.tls.registry import ExtensionType, name_of
from tlsresume.value import Value

T = TypeVar("T")
D = TypeVar("D")

_EXTENSION_HEADER = struct.Struct("!HH")

BodyParsers = Mapping[int, Callable[[Reader], object]]


class Extension(Value, frozen=True):
    """One extension (section 4.2): `type` is the number, `body` its bytes as they came."""

    type: int
    body: bytes = b""

    @property
    def name(self) -> str:
        """The registered name, or the number."""
        return name_of(ExtensionType, self.type)

    def to_bytes(self) -> bytes:
        """Type, length and body. Raises WireError if one does not fit."""
        return push_uint(self.type, 2) + push_opaque(self.body, 2)


class PskIdentity(Value, frozen=True):
    """A PSK that a ClientHello offers (section 4.2.11).

    `identity` is the ticket; `obfuscated_ticket_age` is milliseconds plus the
    ticket's age_add, modulo 2^32.
    """

    identity: bytes
    obfuscated_ticket_age: int


class KeyShare(Value, frozen=True):
    """A group and a public key (section 4.2.8)."""

    group: int
    key_exchange: bytes


class WithExtensions:
    """What every message with an extension block can be asked."""

    __slots__ = ()

    extensions: tuple[Extension, ...]

    def extension(self, number: int) -> bytes | None:
        """The body of the extension of that type number, None if there is none."""
        for extension in self.extensions:
            if extension.type == number:
                return extension.body
        return None

    def _decoded(self, number: int, pull: Callable[[Reader], T], absent: D) -> T | D:
        body = self.extension(number)
        if body is None:
            return absent
        known: T | None = _read.get((pull, body))
        if known is None:
            known = read_whole(body, pull)
            if pull not in _NEW_EACH_TIME:
                _remember(pull, body, known)
        return known


# ------------------------------------------------------------------- bodies


def pull_empty(reader: Reader) -> bytes:
    """A body that must be empty; what follows is the caller's `end()`."""
    return reader.pull_bytes(0)


def pull_uint16s(reader: Reader) -> tuple[int, ...]:
    """Groups (section 4.2.7), signature algorithms (4.2.3)."""
    return reader.pull_uint16s(2, minimum=2)


def pull_server_names(reader: Reader) -> tuple[tuple[int, bytes], ...]:
    """Pairs of name type and name (RFC 6066 section 3)."""
    return reader.pull_list(2, lambda r: (r.pull_uint8(), r.pull_opaque(2, minimum=1)), minimum=1)


def pull_protocol_names(reader: Reader) -> tuple[bytes, ...]:
    """ALPN as a client offers it (RFC 7301 section 3.1)."""
    return reader.pull_list(2, lambda r: r.pull_opaque(1, minimum=1), minimum=2)


def pull_protocol_name(reader: Reader) -> bytes:
    """ALPN as a server answers it: exactly one name (RFC 7301 section 3.1)."""
    names = pull_protocol_names(reader)
    if len(names) != 1:
        raise WireError(f"{len(names)} protocols selected by ALPN")
    return names[0]


def pull_client_versions(reader: Reader) -> tuple[int, ...]:
    """supported_versions of a ClientHello (section 4.2.1)."""
    return reader.pull_uint16s(1, minimum=2)


def pull_psk_modes(reader: Reader) -> tuple[int, ...]:
    """psk_key_exchange_modes (section 4.2.9)."""
    return tuple(reader.pull_opaque(1, minimum=1))


def _pull_identity(reader: Reader) -> PskIdentity:
    return PskIdentity(reader.pull_opaque(2, minimum=1), reader.pull_uint32())


def pull_offered_psks(reader: Reader) -> tuple[tuple[PskIdentity, ...], tuple[bytes, ...]]:
    """Identities and binders of a ClientHello (section 4.2.11), as many of each."""
    identities = reader.pull_list(2, _pull_identity, minimum=7)
    binders = reader.pull_list(2, lambda r: r.pull_opaque(1, minimum=32), minimum=33)
    if len(identities) != len(binders):
        raise WireError(f"{len(identities)} PSK identities but {len(binders)} binders")
    return identities, binders


def pull_key_share(reader: Reader) -> KeyShare:
    """key_share of a ServerHello (section 4.2.8)."""
    return KeyShare(reader.pull_uint16(), reader.pull_opaque(2, minimum=1))


def pull_key_shares(reader: Reader) -> tuple[KeyShare, ...]:
    """key_share of a ClientHello (section 4.2.8)."""
    return reader.pull_list(2, pull_key_share)


def pull_names(reader: Reader) -> tuple[bytes, ...]:
    """Distinguished names in DER (section 4.2.4; RFC 5246 section 7.4.4)."""
    return reader.pull_list(2, lambda r: r.pull_opaque(2, minimum=1))


def _pull_cookie(reader: Reader) -> bytes:
    return reader.pull_opaque(2, minimum=1)


def _pull_renegotiated_connection(reader: Reader) -> bytes:
    return reader.pull_opaque(1)


# ------------------------------------------------------------------- tables

_E = ExtensionType

CLIENT_HELLO_BODIES: BodyParsers = {
    _E.server_name: pull_server_names,
    _E.supported_groups: pull_uint16s,
    _E.signature_algorithms: pull_uint16s,
    _E.application_layer_protocol_negotiation: pull_protocol_names,
    _E.extended_master_secret: pull_empty,
    _E.session_ticket: Reader.pull_rest,  # the ticket itself, without a length (RFC 5077 3.2)
    _E.pre_shared_key: pull_offered_psks,
    _E.early_data: pull_empty,
    _E.supported_versions: pull_client_versions,
    _E.cookie: _pull_cookie,
    _E.psk_key_exchange_modes: pull_psk_modes,
    _E.key_share: pull_key_shares,
    _E.renegotiation_info: _pull_renegotiated_connection,
}

SERVER_HELLO_BODIES: BodyParsers = {
    _E.server_name: pull_empty,
    _E.application_layer_protocol_negotiation: pull_protocol_name,
    _E.extended_master_secret: pull_empty,
    _E.session_ticket: pull_empty,
    _E.pre_shared_key: Reader.pull_uint16,
    _E.supported_versions: Reader.pull_uint16,
    _E.key_share: pull_key_share,
    _E.renegotiation_info: _pull_renegotiated_connection,
}

HELLO_RETRY_REQUEST_BODIES: BodyParsers = {
    _E.supported_versions: Reader.pull_uint16,
    _E.cookie: _pull_cookie,
    _E.key_share: Reader.pull_uint16,
}

ENCRYPTED_EXTENSIONS_BODIES: BodyParsers = {
    _E.server_name: pull_empty,
    _E.supported_groups: pull_uint16s,
    _E.application_layer_protocol_negotiation: pull_protocol_name,
    _E.early_data: pull_empty,
}

NEW_SESSION_TICKET_BODIES: BodyParsers = {_E.early_data: Reader.pull_uint32}

CERTIFICATE_REQUEST_BODIES: BodyParsers = {
    _E.signature_algorithms: pull_uint16s,
    _E.certificate_authorities: pull_names,
    _E.signature_algorithms_cert: pull_uint16s,
}


def _pull_extension(reader: Reader) -> Extension:
    return Extension(reader.pull_uint16(), reader.pull_opaque(2))


def cut_extensions(data: bytes) -> tuple[Extension, ...]:
    """The extensions of a block, whatever their bodies. Captures have thousands of blocks: the
    short way is for sound ones, the Reader says what is wrong with others. Raises WireError."""
    found, at, end = [], 0, len(data)
    unpack, size = _EXTENSION_HEADER.unpack_from, _EXTENSION_HEADER.size
    while at + size <= end:
        number, length = unpack(data, at)
        start = at + size
        at = start + length
        if at > end:
            break
        found.append(Extension(number, data[start:at]))
    else:
        if at == end:
            return tuple(found)
    return Reader(push_opaque(data, 2)).pull_list(2, _pull_extension)


def pull_extensions(reader: Reader, bodies: BodyParsers) -> tuple[Extension, ...]:
    """An extension block whose known bodies are sound.

    Raises WireError, also when one type comes twice (section 4.2).
    """
    extensions = cut_extensions(reader.pull_opaque(2))
    seen: set[int] = set()
    for extension in extensions:
        if extension.type in seen:
            raise WireError(f"extension {extension.name} comes twice")
        seen.add(extension.type)
        pull = bodies.get(extension.type)
        if pull is not None and pull in _NEW_EACH_TIME:
            _check(extension, pull)
        elif pull is not None and (pull, extension.body) not in _read:
            _remember(pull, extension.body, _check(extension, pull))
    return extensions


def _check(extension: Extension, pull: Callable[[Reader], Any]) -> Any:
    try:
        return read_whole(extension.body, pull)
    except WireError as error:
        raise WireError(f"extension {extension.name}: {error.message}") from None


#: What bodies without an error say. Most hellos of a probe, and of a capture, have the same few.
_read: dict[tuple[Callable[[Reader], Any], bytes], Any] = {}
_MOST_READ, _LONGEST_READ = 1024, 64


#: Bodies that hold keys and tickets never come again.
_NEW_EACH_TIME: frozenset[Callable[[Reader], object]] = frozenset(
    {
        pull_key_share,
        pull_key_shares,
        pull_offered_psks,
        Reader.pull_rest,
    }
)


def _remember(pull: Callable[[Reader], Any], body: bytes, value: object) -> None:
    if len(body) <= _LONGEST_READ:
        if len(_read) >= _MOST_READ:
            _read.clear()
        _read[pull, body] = value


def push_extensions(extensions: tuple[Extension, ...]) -> bytes:
    """The block as `pull_extensions` reads it."""
    return push_list((extension.to_bytes() for extension in extensions), 2)
