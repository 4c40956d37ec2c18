"""Which given key made which ticket, on which address; and the session that is inside.

Pure. A row of the answer is one key name on one address. Of the session inside
everything is told but its secrets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct, field

from tlsresume.evidence.certificates import subject_of
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import KeyUse, SealedSession
from tlsresume.sessions.session import Session
from tlsresume.tickets.key_names import KeyNaming, is_stateful
from tlsresume.tickets.unseal import holds_secret, mac_without_key
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.units import iso_or_none
from tlsresume.value import Value

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import Opened, TicketKeyFile


class Issued(Value, frozen=True):
    """A ticket to be opened, with its own session and where it came from."""

    session: Session
    address: str | None = None
    port: int | None = None
    nonces: tuple[bytes, ...] = ()


class _Row(Struct):
    use: KeyUse
    tickets: int = 0
    mechanisms: list[Mechanism] = field(default_factory=list)


def issued_tickets(journal: Iterable[Trial]) -> list[Issued]:
    """Every ticket of a journal that its session is known of."""
    return [
        Issued(
            session,
            attempt.address,
            attempt.port,
            tuple(ticket.nonce for ticket in attempt.tickets if ticket.nonce is not None),
        )
        for attempt in journal
        for session in attempt.sessions
        if session.fields.ticket
        and any(ticket.ticket == session.fields.ticket for ticket in attempt.tickets)
    ]


def key_uses(
    tickets: Sequence[Issued], files: Sequence[TicketKeyFile], naming: KeyNaming
) -> tuple[KeyUse, ...]:
    """A row for each key on each address, in the order in which they were met."""
    if not files:
        return ()
    rows: dict[tuple[object, ...], _Row] = {}
    known: set[bytes] = set()
    for issued in tickets:
        ticket = issued.session.fields.ticket
        if ticket is None or ticket in known:
            continue
        known.add(ticket)
        use = key_use(issued, files, naming)
        key = (use.address, use.port, use.key_name, use.file, use.key, use.mac, use.same_secret)
        row = rows.setdefault(key, _Row(use))
        row.tickets += 1
        if issued.session.mechanism not in row.mechanisms:
            row.mechanisms.append(issued.session.mechanism)
    return tuple(_finished(row) for row in rows.values())


def _finished(row: _Row) -> KeyUse:
    return replace(row.use, tickets=row.tickets, mechanisms=tuple(row.mechanisms))


def key_use(issued: Issued, files: Sequence[TicketKeyFile], naming: KeyNaming) -> KeyUse:
    """Which of the given keys made one ticket, and what is inside."""
    from tlsresume.tickets.key_files import open_with

    session, fields = issued.session, issued.session.fields
    ticket = fields.ticket or b""
    opened = open_with(ticket, files, time=fields.time, lifetime=fields.lifetime_hint or 0)
    use = replace(
        _use(ticket, opened, files, naming),
        address=issued.address,
        port=issued.port,
        mechanisms=(session.mechanism,),
    )
    if opened is None:
        return use
    unsealed = opened.unsealed
    same = holds_secret(unsealed.plaintext, fields.master_key, issued.nonces)
    note = None
    if not unsealed.mac:
        note = "decrypted, MAC does not match"
        if mac_without_key(ticket):
            note += ": it is made with an empty key"
    elif unsealed.session is None and not same:
        note = "the MAC matches, but what is inside could not be read"
    # What Go makes of a key names no ticket.
    name = naming.name_of(ticket) if unsealed.layout == "go-1.21" else use.key_name
    return replace(use, key_name=name or None, same_secret=same, note=note)


def ticket_key_use(ticket: bytes, files: Sequence[TicketKeyFile], naming: KeyNaming) -> KeyUse:
    """Which key made a ticket whose session is not known: what is inside is held against
    nothing."""
    from tlsresume.tickets.key_files import open_with

    return _use(ticket, open_with(ticket, files), files, naming)


def _use(
    ticket: bytes, opened: Opened | None, files: Sequence[TicketKeyFile], naming: KeyNaming
) -> KeyUse:
    """The row of one ticket, as far as the ticket and the key that opened it tell."""
    unknown = KeyUse(key_name=naming.name_of(ticket), tickets=1)
    if opened is None:
        return replace(unknown, note=_why_none(ticket, files))
    unsealed = opened.unsealed
    inside = unsealed.session
    return replace(
        unknown,
        key_name=unsealed.key.name.hex() or unknown.key_name,
        file=opened.file.path,
        key=opened.key.number,
        keys=len(opened.file.keys),
        role=opened.key.role,
        order=unsealed.key.order,
        layout=unsealed.layout,
        mac="matches" if unsealed.mac else "does-not-match",
        session=None if inside is None else sealed_session(inside),
    )


def _why_none(ticket: bytes, files: Sequence[TicketKeyFile]) -> str:
    if is_stateful(ticket):
        return "stateful: no key made it"
    named = [
        f"key {key.number} of {file.path}"
        for file in files
        for key in file.keys
        if len(key.data) > 32 and key.data[:16] == ticket[:16]
    ]
    if named:
        return f"it has the name of {named[0]}, but that key does not open it"
    return "none of the given keys"


def sealed_session(session: Session) -> SealedSession:
    """The server's half of a session, without its secrets."""
    fields = session.fields
    tls13 = fields.tls_version >= ProtocolVersion.TLSv1_3
    return SealedSession(
        tls_version=fields.protocol,
        cipher=fields.cipher_name,
        created=iso_or_none(fields.time),
        timeout=fields.timeout,
        client_certificate=None if fields.peer is None else hashlib.sha256(fields.peer).hexdigest(),
        client_subject=None if fields.peer is None else subject_of(fields.peer),
        server_name=fields.hostname,
        alpn=fields.alpn,
        session_id_context=fields.session_id_context.hex(),
        extended_master_secret=None if tls13 else fields.extended_master_secret,
        max_early_data=fields.max_early_data,
    )


def which(use: KeyUse) -> str:
    """The key of a row in words: `key 2 of tickets.key (current)`."""
    if use.file is None:
        return use.note or "none of the given keys"
    role = {"current": "current", "next": "the next one", "older": "an older one"}.get(use.role)
    of = f"key {use.key} of {use.file}" if use.keys > 1 else use.file
    return f"{of} ({role})" if role else of


def fleet_summary(uses: Sequence[KeyUse]) -> str | None:
    """`3 of 4 addresses use key 2 of tickets.key; 192.0.2.13 uses none of the given keys`."""
    addresses = list(dict.fromkeys(use.address for use in uses if use.address is not None))
    if not addresses:
        return None
    by_key: dict[str, list[str]] = {}
    for use in uses:
        where = by_key.setdefault(which(use), [])
        if use.address is not None and use.address not in where:
            where.append(use.address)
    parts = []
    for words, where in sorted(by_key.items(), key=lambda pair: -len(pair[1])):
        verb = "uses" if len(where) == 1 else "use"
        who = (
            where[0]
            if len(where) == 1
            else f"all {len(where)} addresses"
            if len(where) == len(addresses)
            else f"{len(where)} of {len(addresses)} addresses"
        )
        parts.append(f"{who} {verb} {words}")
    return "; ".join(parts)
