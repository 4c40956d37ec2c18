"""`inspect`: what a session file holds, and whether it can be used now. Offline.

The result is a tree of plain values (`results.inspection`). Secrets are left out unless
asked for.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace

from tlsresume.evidence.evidence import Evidence
from tlsresume.findings.judge import judge_tickets
from tlsresume.findings.ticket_keys import Issued, key_use, ticket_key_use
from tlsresume.findings.view import Saved, make_view
from tlsresume.results.inspection import (
    CertificateInspection,
    FileResult,
    Inspection,
    PartialInspection,
    QUICInspection,
    TicketInspection,
)
from tlsresume.results.judged import Finding
from tlsresume.runs.inspect_certificate import inspect_certificate, iso_time
from tlsresume.runs.usability import unsupported_here
from tlsresume.sessions.file import (
    SessionFile,
    SessionMetadata,
    parse_session_file,
    read_session_files,
)
from tlsresume.sessions.file import read_session_file as read
from tlsresume.sessions.names import verify_result_text
from tlsresume.sessions.printed import PrintedSession
from tlsresume.sessions.session import NOT_USABLE_HERE, Session, SessionFields
from tlsresume.tickets.key_files import TicketKeyFile
from tlsresume.tickets.key_names import KeyNaming, is_stateful
from tlsresume.tickets.looks_like import Around, looks_like
from tlsresume.tls.registry import ProtocolVersion

__all__ = [
    "CertificateInspection",
    "Inspection",
    "PartialInspection",
    "TicketInspection",
    "inspect",
    "inspect_file",
]

#: RFC 8446 section 4.6.1: no ticket may live longer than seven days.
LONGEST_LIFETIME = 604_800


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
    certificate = inspect_certificate(fields.peer, now) if fields.peer is not None else None
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
        created=iso_time(fields.time),
        age=math.floor(session.age(now)),
        lifetime=session.lifetime,
        expires=None if session.expires_at is None else iso_time(session.expires_at),
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
        transport=session.transport,
        quic=(
            QUICInspection(version=session.quic_version, token_length=len(session.token))
            if session.kind == "quic"
            else None
        ),
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
        created=None if printed.time is None else iso_time(printed.time),
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
    view = make_view(Evidence(), "", 0, session.mechanism, saved=Saved(session=session))
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
