"""`inspect`: what a session file holds, and whether it can be used now. Offline.

The result is a tree of plain values, the same for people and for JSON. Text in
it that others wrote (certificate names, metadata) is given as it stands; who
prints it makes it safe. A certificate that cannot be read is said to be so, and
keeps nothing else from being shown. Secrets are left out unless asked for.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TypeVar

from cryptography import x509

from tlsresume.actions.usability import unsupported_here
from tlsresume.diagnosis.judge import judge_tickets
from tlsresume.diagnosis.ticket_keys import Issued, key_use, ticket_key_use
from tlsresume.diagnosis.view import Saved, make_view
from tlsresume.results import ErrorResult, Finding, KeyUse
from tlsresume.session.file import (
    Format,
    SessionFile,
    SessionMetadata,
    parse_session_file,
    read_session_files,
)
from tlsresume.session.file import read_session_file as read
from tlsresume.session.keyfile import TicketKeyFile
from tlsresume.session.layouts import Around, LooksLike, looks_like
from tlsresume.session.names import verify_result_text
from tlsresume.session.printed import PrintedSession
from tlsresume.session.session import NOT_USABLE_HERE, Session, SessionFields, Unsupported
from tlsresume.session.ticket import KeyNaming, is_stateful
from tlsresume.wire.handshake import ProtocolVersion

__all__ = [
    "CertificateInspection",
    "Inspection",
    "PartialInspection",
    "TicketInspection",
    "inspect",
    "inspect_file",
]

_T = TypeVar("_T")

#: RFC 8446 section 4.6.1: no ticket may live longer than seven days.
LONGEST_LIFETIME = 604_800


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketInspection:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateInspection:
    """The server's certificate. Times are UTC, ISO 8601; `error` says what could not be
    read, and those fields are None or empty then."""

    sha256: str
    subject: str | None = None
    subject_alternative_names: tuple[str, ...] = ()
    not_before: str | None = None
    not_after: str | None = None
    expired: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
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
    master_key: str | None = field(default=None, repr=False)
    unsupported: Unsupported | None = None
    max_fragment_length: int | None = None
    wrapping: tuple[str, ...] = ()
    number: int | None = None
    of: int | None = None


#: Where there is no session, what tells of one: the text that OpenSSL prints, or a ticket.
Source = Literal["printed", "ticket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialInspection:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """One session of a file that was inspected, what else tells of one, or why the file cannot
    be read."""

    path: str
    inspection: Inspection | None = None
    error: ErrorResult | None = None
    partial: PartialInspection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspections:
    """What `inspect` found, file by file."""

    files: tuple[FileResult, ...]


def inspect(
    source: str | os.PathLike[str] | bytes | SessionFile,
    now: float | None = None,
    *,
    show_secrets: bool = False,
    show_ticket: bool = False,
    ticket_keys: Sequence[TicketKeyFile] = (),
) -> Inspection:
    """Explain a session without a network: a path (`-` is standard input), the content
    of a session file, or a SessionFile.

    `now` is in seconds since 1970; `ticket_keys` are an operator's key files, to tell
    which key made the ticket. Raises SessionFileError, and SessionError for a
    SessionFile made by hand around bytes that are no session.
    """
    if isinstance(source, bytes):
        source = parse_session_file(source, "session")
    file = source if isinstance(source, SessionFile) else read(os.fspath(source))
    now = time.time() if now is None else now
    session, fields = file.session, file.session.fields
    usable, reason = session.usable(now)
    unsupported = unsupported_here(session)
    if unsupported is not None:
        usable, reason = False, NOT_USABLE_HERE + unsupported[1]
    time_left = session.time_left(now)
    tls13 = fields.tls_version >= ProtocolVersion.TLSv1_3
    certificate = _certificate(fields.peer, now) if fields.peer is not None else None
    return Inspection(
        path=file.path,
        format=file.format,
        session=session.sha256,
        tls_version=fields.protocol,
        cipher=fields.cipher_name,
        cipher_hash=fields.cipher_hash,
        mechanism=session.mechanism,
        resumable=session.resumable,
        usable=usable,
        reason=reason,
        session_id=fields.session_id.hex(),
        ticket=_ticket(session, file.metadata, ticket_keys, show=show_ticket)
        if fields.ticket
        else None,
        created=_iso(fields.time),
        age=math.floor(session.age(now)),
        lifetime=session.lifetime,
        expires=None if session.expires_at is None else _iso(session.expires_at),
        time_left=None if time_left is None else math.floor(time_left),
        timeout=fields.timeout,
        age_add=fields.age_add if tls13 else None,
        max_early_data=fields.max_early_data,
        extended_master_secret=None if tls13 else fields.extended_master_secret,
        server_name=fields.hostname,
        alpn=fields.alpn,
        group=fields.group_name,
        verify_code=fields.verify_result,
        verify_message=verify_result_text(fields.verify_result),
        certificate=certificate,
        metadata=file.metadata,
        mode=None if file.mode is None else f"{file.mode:04o}",
        warnings=(*file.warnings, *_warnings(session, fields, file.metadata, certificate)),
        findings=_ticket_findings(session),
        master_key=fields.master_key.hex() if show_secrets else None,
        unsupported=None if unsupported is None else unsupported[0],
        max_fragment_length=fields.max_fragment_length,
        wrapping=file.wrapping,
        number=None if file.place is None else file.place[0],
        of=None if file.place is None else file.place[1],
    )


def inspect_file(
    path: str,
    now: float | None = None,
    *,
    show_secrets: bool = False,
    show_ticket: bool = False,
    ticket_keys: Sequence[TicketKeyFile] = (),
) -> tuple[FileResult, ...]:
    """Explain all that the file at `path` holds: each session, or what else tells of one.

    Arguments as of `inspect`. Raises SessionFileError where the file can only be named.
    """
    now = time.time() if now is None else now
    files, contents = read_session_files(path)
    results = [
        FileResult(
            path=path,
            inspection=inspect(
                file,
                now,
                show_secrets=show_secrets,
                show_ticket=show_ticket,
                ticket_keys=ticket_keys,
            ),
        )
        for file in files
    ]
    name = "standard input" if path == "-" else path
    for number, printed in enumerate(contents.printed, 1):
        part = _printed(printed, name, now, ticket_keys, show=show_ticket)
        if len(contents.printed) > 1:
            part = replace(part, number=number, of=len(contents.printed))
        results.append(FileResult(path=path, partial=part))
    if contents.ticket is not None:
        alone = _alone(contents.ticket, name, ticket_keys, show=show_ticket)
        results.append(FileResult(path=path, partial=alone))
    return tuple(results)


def _printed(
    printed: PrintedSession,
    path: str,
    now: float,
    ticket_keys: Sequence[TicketKeyFile],
    *,
    show: bool,
) -> PartialInspection:
    ticket = None
    if printed.ticket:
        around = Around(lifetime=printed.lifetime_hint)
        ticket = _ticket_alone(printed.ticket, around, ticket_keys, show=show)
    return PartialInspection(
        path=path,
        source="printed",
        reason="what openssl prints of a session cannot be offered: only -sess_out makes a file",
        tls_version=printed.protocol,
        cipher=printed.cipher,
        session_id=printed.session_id.hex() or None,
        session_id_context=printed.session_id_context.hex() or None,
        ticket=ticket,
        created=None if printed.time is None else _iso(printed.time),
        age=None if printed.time is None else math.floor(now - printed.time),
        lifetime=printed.lifetime_hint,
        timeout=printed.timeout,
        max_early_data=printed.max_early_data,
        extended_master_secret=None if printed.tls13 else printed.extended_master_secret,
        verify_code=printed.verify_code,
    )


def _alone(
    ticket: bytes, path: str, ticket_keys: Sequence[TicketKeyFile], *, show: bool
) -> PartialInspection:
    return PartialInspection(
        path=path,
        source="ticket",
        reason="by its look a ticket alone: without the secret that belongs to it nobody can"
        " offer it",
        ticket=_ticket_alone(ticket, Around(), ticket_keys, show=show),
    )


def _ticket_alone(
    ticket: bytes, around: Around, ticket_keys: Sequence[TicketKeyFile], *, show: bool
) -> TicketInspection:
    """A ticket without its session; a given key may tell who made it."""
    naming = KeyNaming.learn([ticket])
    return TicketInspection(
        length=len(ticket),
        sha256=hashlib.sha256(ticket).hexdigest(),
        stateful=is_stateful(ticket),
        key_name=naming.name_of(ticket),
        key_name_certain=naming.certain,
        key_name_reason=naming.reason,
        hex=ticket.hex() if show else None,
        looks_like=looks_like(ticket, around),
        made_by=ticket_key_use(ticket, ticket_keys, naming) if ticket_keys else None,
    )


def _ticket(
    session: Session,
    metadata: SessionMetadata,
    ticket_keys: Sequence[TicketKeyFile],
    *,
    show: bool,
) -> TicketInspection:
    ticket = session.fields.ticket or b""
    naming = KeyNaming.learn([ticket])
    key_name, certain, reason = naming.name_of(ticket), naming.certain, naming.reason
    saved = (metadata.ticket_key_name or "").lower()
    # What was seen on several tickets when it was saved is better known than from one.
    if len(saved) >= 8 and saved in ticket[:32].hex():
        key_name, certain, reason = saved, True, "as saved in the file"
    return TicketInspection(
        length=len(ticket),
        sha256=hashlib.sha256(ticket).hexdigest(),
        stateful=is_stateful(ticket),
        key_name=key_name,
        key_name_certain=certain,
        key_name_reason=reason,
        hex=ticket.hex() if show else None,
        looks_like=looks_like(
            ticket, Around(lifetime=session.fields.lifetime_hint, tickets=metadata.tickets)
        ),
        made_by=key_use(Issued(session), ticket_keys, naming) if ticket_keys else None,
    )


def _ticket_findings(session: Session) -> tuple[Finding, ...]:
    """What the rules on tickets say of a session that was saved: weak keys, for one."""
    view = make_view(
        (), "", 0, session.mechanism, KeyNaming.learn([]), saved=Saved(session=session)
    )
    return tuple(replace(found, address=None) for found in judge_tickets(view))


def _warnings(
    session: Session,
    fields: SessionFields,
    metadata: SessionMetadata,
    certificate: CertificateInspection | None,
) -> list[str]:
    found = []
    if fields.server_copy and session.not_resumable is None:
        found.append(
            "this is a server's own copy: it can be resumed by its ID alone, where that server"
            " keeps a cache"
        )
    if session.mechanism == "psk" and (session.lifetime or 0) > LONGEST_LIFETIME:
        found.append(
            f"the ticket's lifetime of {session.lifetime} s is above the {LONGEST_LIFETIME} s"
            " that TLS 1.3 allows"
        )
    if certificate is not None and certificate.expired:
        found.append(
            f"the certificate expired on {certificate.not_after}; resumption verifies nothing"
        )
    leaf = (metadata.leaf_sha256 or "").replace(":", "").lower()
    if leaf and certificate is not None and leaf != certificate.sha256:
        found.append("the certificate in the session is not the one that the file names")
    if metadata.mechanism not in (None, session.mechanism):
        found.append(
            f"the file says {metadata.mechanism}, but the session would resume by"
            f" {session.mechanism}"
        )
    if metadata.sni and fields.hostname and metadata.sni.lower() != fields.hostname.lower():
        found.append("the server name in the session is not the SNI that the file names")
    return found


def _certificate(der: bytes, now: float) -> CertificateInspection:
    """What can be read of a certificate; others wrote it, so any part may fail by itself."""
    sha256 = hashlib.sha256(der).hexdigest()
    errors: list[str] = []

    def part(read_it: Callable[[], _T]) -> _T | None:
        try:
            return read_it()
        except Exception as error:  # noqa: BLE001 - an odd certificate can fail in any way
            errors.append(
                f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            )
            return None

    with warnings.catch_warnings():
        # cryptography warns about odd certificates; this shows them.
        warnings.simplefilter("ignore")
        certificate = part(lambda: x509.load_der_x509_certificate(der))
        if certificate is None:
            return CertificateInspection(sha256=sha256, error=errors[0])
        not_after = part(lambda: certificate.not_valid_after_utc)
        not_before = part(lambda: certificate.not_valid_before_utc)
        return CertificateInspection(
            sha256=sha256,
            subject=part(lambda: _subject(certificate)),
            subject_alternative_names=part(lambda: _names(certificate)) or (),
            not_before=None if not_before is None else _iso(not_before.timestamp()),
            not_after=None if not_after is None else _iso(not_after.timestamp()),
            expired=None if not_after is None else not_after.timestamp() < now,
            error="; ".join(errors) or None,
        )


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Subject alternative names (RFC 5280 section 4.2.1.6), as OpenSSL prefixes them."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(_PREFIXES.get(type(name), "other:") + _value(name) for name in names)


_PREFIXES: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS:",
    x509.IPAddress: "IP:",
    x509.RFC822Name: "email:",
    x509.UniformResourceIdentifier: "URI:",
    x509.DirectoryName: "DirName:",
    x509.RegisteredID: "RID:",
}


def _value(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return name.value.rfc4514_string()
    if isinstance(name, x509.RegisteredID):
        return name.value.dotted_string
    if isinstance(name, x509.OtherName):
        return name.type_id.dotted_string
    return str(name.value)


def _iso(seconds: float) -> str | None:
    """A point in time as "2026-01-31T12:00:00Z"; None where the calendar ends."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None
