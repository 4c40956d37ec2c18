"""What `inspect` finds in a file: sessions, what tells of one, or why it cannot be read.

Plain values, the same for people and for JSON. Text that others wrote (certificate names,
metadata) is given as it stands; who prints it makes it safe.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from tlsresume.protocols.schemes import Transport
from tlsresume.results.judged import Finding, KeyUse
from tlsresume.results.measured import ErrorResult
from tlsresume.results.value import Result
from tlsresume.sessions.file import Format, SessionMetadata
from tlsresume.sessions.session import Unsupported
from tlsresume.tickets.looks_like import LooksLike
from tlsresume.value import Value


class TicketInspection(Value, frozen=True, kw_only=True):
    """A ticket. `key_name` is hexadecimal, None where not visible; `key_name_reason`
    says how it is known; `hex` is the whole ticket, if it was asked for. `looks_like` names
    layouts, the likeliest first; `made_by` says which given key made the ticket."""

    length: int
    sha256: str
    stateful: bool
    key_name: str | None
    key_name_certain: bool
    key_name_reason: str
    hex: str | None = None
    looks_like: tuple[LooksLike, ...] = ()
    made_by: KeyUse | None = None


class CertificateInspection(Value, frozen=True, kw_only=True):
    """The server's certificate. Times are UTC, ISO 8601; `error` says what could not be
    read, and those fields are None or empty then."""

    sha256: str
    subject: str | None = None
    subject_alternative_names: tuple[str, ...] = ()
    not_before: str | None = None
    not_after: str | None = None
    expired: bool | None = None
    error: str | None = None


class QUICInspection(Value, frozen=True, kw_only=True):
    """What a QUIC session has beside TLS: the QUIC version that its ticket belongs to (RFC 9369
    section 4; None: not known here), and the length of the token for address validation that
    came with it, in bytes (0: none)."""

    version: int | None
    token_length: int


class Inspection(Result, Value, frozen=True, kw_only=True):
    """All that a session file says. Durations are seconds, points in time UTC, ISO 8601.

    `session` is the SHA-256 of the session, a name that gives nothing away.
    `lifetime` and what follows from it is None where the server stated none.
    `extended_master_secret` is None in TLS 1.3, which always has its like.
    `server_name` is the SNI that the server acknowledged, `metadata.sni` the one
    that was sent. `master_key` is None unless secrets were asked for. `unsupported` is the
    kind of a session that no connection of this tool can offer; `reason` then says why.
    `wrapping` says what the session was found in, the outermost first; `number` and `of`
    which it is, where a file has several. `max_fragment_length` is in bytes.
    """

    _hidden: ClassVar = frozenset({"master_key"})

    path: str
    format: Format
    session: str
    tls_version: str
    cipher: str
    cipher_hash: str | None
    mechanism: Literal["psk", "ticket", "session-id"]
    resumable: bool
    usable: bool
    reason: str
    session_id: str
    ticket: TicketInspection | None
    created: str | None
    age: int
    lifetime: int | None
    expires: str | None
    time_left: int | None
    timeout: int
    age_add: int | None
    max_early_data: int
    extended_master_secret: bool | None
    server_name: str | None
    alpn: str | None
    group: str | None
    verify_code: int
    verify_message: str
    certificate: CertificateInspection | None
    metadata: SessionMetadata
    mode: str | None
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    master_key: str | None = None
    unsupported: Unsupported | None = None
    max_fragment_length: int | None = None
    wrapping: tuple[str, ...] = ()
    number: int | None = None
    of: int | None = None
    transport: Transport = "tcp"
    quic: QUICInspection | None = None

    @property
    def ok(self) -> bool:
        """Whether the session can be offered now."""
        return self.usable


#: Where there is no session, what tells of one: the text that OpenSSL prints, or a ticket.
Source = Literal["printed", "ticket"]


class PartialInspection(Value, frozen=True, kw_only=True):
    """What is known of a session that is not there: OpenSSL printed it, or only its ticket was
    kept. Units as in `Inspection`; None is "not shown". `reason` says why it cannot be offered.
    """

    path: str
    source: Source
    reason: str
    tls_version: str | None = None
    cipher: str | None = None
    session_id: str | None = None
    session_id_context: str | None = None
    ticket: TicketInspection | None = None
    created: str | None = None
    age: int | None = None
    lifetime: int | None = None
    timeout: int | None = None
    max_early_data: int | None = None
    extended_master_secret: bool | None = None
    verify_code: int | None = None
    number: int | None = None
    of: int | None = None


class FileResult(Value, frozen=True, kw_only=True):
    """One session of a file that was inspected, what else tells of one, or why the file cannot
    be read."""

    path: str
    inspection: Inspection | None = None
    error: ErrorResult | None = None
    partial: PartialInspection | None = None


class Inspections(Value, frozen=True, kw_only=True):
    """What `inspect` found, file by file."""

    files: tuple[FileResult, ...]
