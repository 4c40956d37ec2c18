"""What a QUIC client keeps to resume, as bytes: a record of our own, in JSON.

aioquic hands out a ticket as an object in memory. What must outlive the process is
written down here: the secret, the ticket and its times, and what aioquic does not keep
beside it: the ALPN and the QUIC version (a ticket is bound to it, RFC 9369 section 4), the
server's certificate, the nonce, and a NEW_TOKEN (RFC 9000 section 8.1.3), which proves the
client's address and is a second, separate kind of resumption.

Bytes are hexadecimal. Unknown keys of a newer format are ignored; a higher `format` is
refused. The record holds a secret.
"""

from __future__ import annotations

import binascii
import math
from typing import Annotated

import msgspec

from tlsresume.errors import SessionError
from tlsresume.sessions.facts import SessionFields
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Secret

#: The number of this layout; what is not compatible gets the next one.
FORMAT = 1

#: QUIC's versions by their numbers on the wire (RFC 9000 section 15, RFC 9369 section 3.1).
VERSIONS: dict[int, int] = {0x00000001: 1, 0x6B3343CF: 2}

#: The first bytes of each record: how it is told from DER.
MAGIC = b'{"format":'

_UINT32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
_UINT16 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]

#: A time beyond this cannot be a date (the year 9999).
_LAST_TIME = 253_402_300_799


class QUICState(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket of a QUIC connection, and all that is needed to offer it again.

    `issued` is in seconds since 1970, `lifetime` in seconds (RFC 8446 section 4.6.1);
    `max_early_data` is 0xFFFFFFFF or None (RFC 9001 section 4.6.1); `extensions` are those of
    the EncryptedExtensions that 0-RTT needs, as pairs of type and body; `peer` is the server's
    certificate in DER; `token` a NEW_TOKEN of the same connection; `verify_result` what came of verifying the
    certificate (X509_V_*), since a resumed handshake verifies nothing.
    """

    format: int = FORMAT
    quic_version: _UINT32
    cipher_suite: _UINT16
    secret: str
    ticket: str
    issued: float
    lifetime: _UINT32
    age_add: _UINT32
    max_early_data: _UINT32 | None = None
    extensions: tuple[tuple[_UINT16, str], ...] = ()
    server_name: str | None = None
    alpn: str | None = None
    nonce: str = ""
    peer: str | None = None
    token: str | None = None
    verify_result: _UINT16 = 0

    def __repr__(self) -> str:
        return f"QUICState(ticket of {len(self.ticket) // 2} bytes, lifetime {self.lifetime} s)"

    @property
    def secret_bytes(self) -> Secret:
        """The PSK of the ticket."""
        return Secret(bytes.fromhex(self.secret))

    @property
    def ticket_bytes(self) -> bytes:
        """The ticket as it was received."""
        return bytes.fromhex(self.ticket)

    def lasting(self, seconds: int) -> QUICState:
        """A copy whose lifetime is at least `seconds`."""
        return msgspec.structs.replace(self, lifetime=max(self.lifetime, seconds))


def encode(state: QUICState) -> bytes:
    """The record as bytes."""
    return msgspec.json.encode(state)


def decode(data: bytes) -> QUICState:
    """The record in `data`. Raises SessionError, which says what is wrong with it."""
    try:
        state = msgspec.json.decode(data, type=QUICState)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SessionError(f"not a QUIC session record: {error}") from error
    if not 1 <= state.format <= FORMAT:
        raise SessionError(
            f"a QUIC session record of format {state.format}: a newer tlsresume wrote it"
        )
    texts = (state.secret, state.ticket, state.nonce, state.peer or "", state.token or "")
    for text in (*texts, *(body for _, body in state.extensions)):
        try:
            binascii.unhexlify(text)
        except ValueError as error:
            raise SessionError(f"not a QUIC session record: {error}") from error
    if not math.isfinite(state.issued) or not 0 <= state.issued <= _LAST_TIME:
        raise SessionError("not a QUIC session record: its time is no date")
    return state


def read(data: bytes) -> SessionFields:
    """The facts. Raises SessionError."""
    state = decode(data)
    return SessionFields(
        tls_version=ProtocolVersion.TLSv1_3,
        protocol=ProtocolVersion.TLSv1_3.label,
        cipher=state.cipher_suite,
        session_id=b"",
        master_key=state.secret_bytes,
        time=int(state.issued),
        timeout=state.lifetime,
        peer=None if state.peer is None else bytes.fromhex(state.peer),
        session_id_context=b"",
        verify_result=state.verify_result,
        hostname=state.server_name,
        lifetime_hint=state.lifetime or None,
        ticket=state.ticket_bytes or None,
        extended_master_secret=False,
        age_add=state.age_add,
        max_early_data=state.max_early_data or 0,
        alpn=state.alpn,
        group=None,
    )


def lasting(data: bytes, seconds: int) -> bytes:
    """The same with a lifetime of at least `seconds`. Raises SessionError."""
    return encode(decode(data).lasting(seconds))
