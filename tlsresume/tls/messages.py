"""Handshake messages and alerts as frozen values, and how the hellos and tickets are written.

No parsing of whole messages here: that is handshake.py, which checks every known
extension, so that the properties below cannot fail on a parsed message. On a
message made by hand with a malformed extension they raise WireError. Sections are
of RFC 8446 unless another RFC is named.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from tlsresume.tls.buffer import Reader, push_list, push_opaque, push_uint
from tlsresume.tls.extensions import (
    Extension,
    KeyShare,
    PskIdentity,
    WithExtensions,
    pull_client_versions,
    pull_key_share,
    pull_key_shares,
    pull_names,
    pull_offered_psks,
    pull_protocol_name,
    pull_protocol_names,
    pull_psk_modes,
    pull_server_names,
    pull_uint16s,
    push_extensions,
)
from tlsresume.tls.registry import (
    AlertDescription,
    AlertLevel,
    ExtensionType,
    HandshakeType,
    name_of,
)
from tlsresume.value import Value

#: Up to Python 3.11 each look at a member of an enum is a call; a name of its own is none.
_SERVER_NAME = ExtensionType.server_name
_SUPPORTED_GROUPS = ExtensionType.supported_groups
_ALPN = ExtensionType.application_layer_protocol_negotiation
_EXTENDED_MASTER_SECRET = ExtensionType.extended_master_secret
_SESSION_TICKET = ExtensionType.session_ticket
_PRE_SHARED_KEY = ExtensionType.pre_shared_key
_EARLY_DATA = ExtensionType.early_data
_SUPPORTED_VERSIONS = ExtensionType.supported_versions
_PSK_MODES = ExtensionType.psk_key_exchange_modes
_KEY_SHARE = ExtensionType.key_share

#: SHA-256 of "HelloRetryRequest" (section 4.1.3).
HELLO_RETRY_REQUEST_RANDOM = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)

#: How the random of a server that speaks TLS 1.3 ends where TLS 1.2 is chosen (section 4.1.3).
SPEAKS_TLS13 = b"DOWNGRD\x01"


def _framed(kind: HandshakeType, body: bytes) -> bytes:
    return push_uint(kind, 1) + push_opaque(body, 3)


# ------------------------------------------------------------------- hellos


class ClientHello(WithExtensions, Value, frozen=True, dict=True):
    """Section 4.1.2; RFC 5246 section 7.4.1.2.

    `extension_block` is False where the message ends before the extensions, as
    old clients may; it exists so that `to_bytes` gives the same bytes.
    """

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher_suites: tuple[int, ...]
    extensions: tuple[Extension, ...] = ()
    compression_methods: bytes = b"\x00"
    extension_block: bool = True

    @cached_property
    def _bodies(self) -> dict[int, bytes]:
        """By type; it is asked for a dozen of them. Of a type that comes twice the first counts."""
        return {each.type: each.body for each in reversed(self.extensions)}

    def extension(self, number: int) -> bytes | None:
        """The body of the extension of that type number, None if there is none."""
        return self._bodies.get(number)

    @property
    def server_name(self) -> str | None:
        """The host name of SNI (RFC 6066 section 3); bytes that are not ASCII are escaped."""
        for name_type, name in self._decoded(_SERVER_NAME, pull_server_names, ()):
            if name_type == 0:
                return name.decode("ascii", "backslashreplace")
        return None

    @property
    def session_ticket(self) -> bytes | None:
        """The ticket offered (RFC 5077 section 3.2): b"" asks for one, None: no extension."""
        return self.extension(_SESSION_TICKET)

    @property
    def psk_identities(self) -> tuple[PskIdentity, ...]:
        """Section 4.2.11, in the order of preference."""
        return self._decoded(_PRE_SHARED_KEY, pull_offered_psks, ((), ()))[0]

    @property
    def psk_binders(self) -> tuple[bytes, ...]:
        """Section 4.2.11.2, one per identity."""
        return self._decoded(_PRE_SHARED_KEY, pull_offered_psks, ((), ()))[1]

    @property
    def supported_versions(self) -> tuple[int, ...]:
        """Section 4.2.1; empty without the extension, as before TLS 1.3."""
        return self._decoded(_SUPPORTED_VERSIONS, pull_client_versions, ())

    @property
    def alpn(self) -> tuple[bytes, ...]:
        """RFC 7301 section 3.1."""
        return self._decoded(_ALPN, pull_protocol_names, ())

    @property
    def offers_extended_master_secret(self) -> bool:
        """RFC 7627 section 5.1."""
        return self.extension(_EXTENDED_MASTER_SECRET) is not None

    @property
    def early_data(self) -> bool:
        """Whether early data follows (section 4.2.10)."""
        return self.extension(_EARLY_DATA) is not None

    @property
    def psk_modes(self) -> tuple[int, ...]:
        """Section 4.2.9."""
        return self._decoded(_PSK_MODES, pull_psk_modes, ())

    @property
    def supported_groups(self) -> tuple[int, ...]:
        """Section 4.2.7."""
        return self._decoded(_SUPPORTED_GROUPS, pull_uint16s, ())

    @property
    def key_shares(self) -> tuple[KeyShare, ...]:
        """Section 4.2.8."""
        return self._decoded(_KEY_SHARE, pull_key_shares, ())

    def to_bytes(self) -> bytes:
        """The whole message with its header. Raises WireError if a field does not fit."""
        body = (
            push_uint(self.legacy_version, 2)
            + self.random
            + push_opaque(self.session_id, 1)
            + push_list((push_uint(suite, 2) for suite in self.cipher_suites), 2)
            + push_opaque(self.compression_methods, 1)
        )
        if self.extension_block:
            body += push_extensions(self.extensions)
        return _framed(HandshakeType.client_hello, body)


class ServerHello(WithExtensions, Value, frozen=True):
    """Section 4.1.3, HelloRetryRequest (4.1.4) included; RFC 5246 section 7.4.1.3."""

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher_suite: int
    extensions: tuple[Extension, ...] = ()
    compression_method: int = 0
    extension_block: bool = True

    @property
    def is_hello_retry_request(self) -> bool:
        """Whether its random is the one that marks a HelloRetryRequest (section 4.1.3)."""
        return self.random == HELLO_RETRY_REQUEST_RANDOM

    @property
    def speaks_tls13(self) -> bool:
        """Whether a server that chose TLS 1.2 says by its random that it speaks TLS 1.3, too
        (section 4.1.3)."""
        return self.random.endswith(SPEAKS_TLS13)

    @property
    def version(self) -> int:
        """The negotiated version: supported_versions if sent, else the legacy field."""
        return self._decoded(_SUPPORTED_VERSIONS, Reader.pull_uint16, self.legacy_version)

    @property
    def selected_identity(self) -> int | None:
        """The index of the PSK that the server took (section 4.2.11), None: it took none."""
        if self.is_hello_retry_request:
            return None
        return self._decoded(_PRE_SHARED_KEY, Reader.pull_uint16, None)

    @property
    def session_ticket_promised(self) -> bool:
        """Whether a NewSessionTicket will come in this handshake (RFC 5077 section 3.2)."""
        return self.extension(_SESSION_TICKET) is not None

    @property
    def extended_master_secret(self) -> bool:
        """RFC 7627 section 5.1."""
        return self.extension(_EXTENDED_MASTER_SECRET) is not None

    @property
    def selected_group(self) -> int | None:
        """The group of key_share (section 4.2.8); None in TLS 1.2, or with `psk_ke`."""
        if self.is_hello_retry_request:
            return self._decoded(_KEY_SHARE, Reader.pull_uint16, None)
        share = self._decoded(_KEY_SHARE, pull_key_share, None)
        return None if share is None else share.group

    @property
    def alpn(self) -> bytes | None:
        """RFC 7301 section 3.1; TLS 1.3 has it in EncryptedExtensions."""
        return self._decoded(_ALPN, pull_protocol_name, None)

    def to_bytes(self) -> bytes:
        """The whole message with its header. Raises WireError if a field does not fit."""
        body = (
            push_uint(self.legacy_version, 2)
            + self.random
            + push_opaque(self.session_id, 1)
            + push_uint(self.cipher_suite, 2)
            + push_uint(self.compression_method, 1)
        )
        if self.extension_block:
            body += push_extensions(self.extensions)
        return _framed(HandshakeType.server_hello, body)


class EncryptedExtensions(WithExtensions, Value, frozen=True):
    """Section 4.3.1."""

    extensions: tuple[Extension, ...] = ()

    @property
    def early_data_accepted(self) -> bool:
        """Section 4.2.10."""
        return self.extension(_EARLY_DATA) is not None

    @property
    def alpn(self) -> bytes | None:
        """RFC 7301 section 3.1."""
        return self._decoded(_ALPN, pull_protocol_name, None)

    @property
    def server_name_acknowledged(self) -> bool:
        """Whether the server used SNI to choose (RFC 6066 section 3)."""
        return self.extension(_SERVER_NAME) is not None


# ------------------------------------------------------------------ tickets


class NewSessionTicket12(Value, frozen=True):
    """RFC 5077 section 3.3; `lifetime_hint` in seconds, an empty `ticket` means none."""

    _hidden: ClassVar = frozenset({"ticket"})

    lifetime_hint: int
    ticket: bytes

    def to_bytes(self) -> bytes:
        """The whole message with its header."""
        body = push_uint(self.lifetime_hint, 4) + push_opaque(self.ticket, 2)
        return _framed(HandshakeType.new_session_ticket, body)


class NewSessionTicket13(WithExtensions, Value, frozen=True):
    """Section 4.6.1; `lifetime` in seconds, `age_add` in milliseconds."""

    _hidden: ClassVar = frozenset({"ticket"})

    lifetime: int
    age_add: int
    nonce: bytes
    ticket: bytes
    extensions: tuple[Extension, ...] = ()

    @property
    def max_early_data(self) -> int | None:
        """Bytes of early data that the server allows, None: no early data."""
        return self._decoded(_EARLY_DATA, Reader.pull_uint32, None)

    def to_bytes(self) -> bytes:
        """The whole message with its header."""
        body = (
            push_uint(self.lifetime, 4)
            + push_uint(self.age_add, 4)
            + push_opaque(self.nonce, 1)
            + push_opaque(self.ticket, 2)
            + push_extensions(self.extensions)
        )
        return _framed(HandshakeType.new_session_ticket, body)


NewSessionTicket = NewSessionTicket12 | NewSessionTicket13

# ----------------------------------------------------- certificates and rest


class CertificateRequest12(Value, frozen=True):
    """RFC 5246 section 7.4.4; before TLS 1.2 there are no `signature_algorithms`.

    `authorities` are distinguished names in DER.
    """

    certificate_types: tuple[int, ...]
    signature_algorithms: tuple[int, ...]
    authorities: tuple[bytes, ...]


class CertificateRequest13(WithExtensions, Value, frozen=True):
    """Section 4.3.2."""

    context: bytes
    extensions: tuple[Extension, ...]

    @property
    def signature_algorithms(self) -> tuple[int, ...]:
        """Section 4.2.3."""
        return self._decoded(ExtensionType.signature_algorithms, pull_uint16s, ())

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """Distinguished names in DER (section 4.2.4)."""
        return self._decoded(ExtensionType.certificate_authorities, pull_names, ())


CertificateRequest = CertificateRequest12 | CertificateRequest13


class CertificateMessage(Value, frozen=True):
    """Section 4.4.2, RFC 5246 section 7.4.2: certificates in DER, the leaf first."""

    _hidden: ClassVar = frozenset({"certificates"})

    certificates: tuple[bytes, ...]
    context: bytes = b""


class Finished(Value, frozen=True):
    """Section 4.4.4; only its body's length is kept."""

    length: int


class Other(Value, frozen=True):
    """A message that is not looked into: its type and its body's length."""

    type: int
    length: int


class Alert(Value, frozen=True):
    """Section 6; `level` and `description` are the numbers."""

    level: int
    description: int

    @property
    def name(self) -> str:
        """The RFC's name of the description, or its number."""
        return name_of(AlertDescription, self.description)

    @property
    def fatal(self) -> bool:
        """Whether the connection ends with it (section 6.2)."""
        return self.level == AlertLevel.fatal


Message = (
    ClientHello
    | ServerHello
    | EncryptedExtensions
    | NewSessionTicket12
    | NewSessionTicket13
    | CertificateRequest12
    | CertificateRequest13
    | CertificateMessage
    | Finished
    | Other
)
