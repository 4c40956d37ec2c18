"""The readable `Key: value` lines above a session's block: what SSL_SESSION has no place for.

In a file with a `Target` an absent `SNI`, `ALPN` or `STARTTLS` means that none was used. Lines
with keys that are not ours are kept; whatever else stands there says nothing to us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tlsresume.errors import SessionFileError
from tlsresume.value import Value

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*): *(.+)")


class SessionMetadata(Value, frozen=True, kw_only=True):
    """What a session file says beside the session; None where it does not.

    `saved` is UTC in ISO 8601; `leaf_sha256` and `ticket_key_name` are
    hexadecimal; `tickets` counts those that came on the connection; `other` are
    lines with keys that are not ours, kept as they were. `client_certificate_until` is the end
    of the client certificate with which the session was made, in ISO 8601.
    """

    target: str | None = None
    address: str | None = None
    port: int | None = None
    sni: str | None = None
    alpn: str | None = None
    starttls: str | None = None
    saved: str | None = None
    leaf_sha256: str | None = None
    mechanism: str | None = None
    ticket_key_name: str | None = None
    tickets: int | None = None
    tool: str | None = None
    openssl: str | None = None
    client_certificate_until: str | None = None
    other: tuple[tuple[str, str], ...] = ()

    @property
    def client_certificate_end(self) -> datetime | None:
        """`client_certificate_until` as a time; None where it is none."""
        try:
            end = datetime.fromisoformat(self.client_certificate_until or "")
        except ValueError:
            return None
        return end if end.tzinfo is not None else end.replace(tzinfo=UTC)


#: Nothing stands beside the session.
NO_METADATA = SessionMetadata()

#: The key of each line, in the order of writing, and the field that holds its value.
KEYS: dict[str, str] = {
    "Target": "target",
    "Address": "address",
    "Port": "port",
    "SNI": "sni",
    "ALPN": "alpn",
    "STARTTLS": "starttls",
    "Saved": "saved",
    "Leaf-Certificate-SHA-256": "leaf_sha256",
    "Mechanism": "mechanism",
    "Ticket-Key-Name": "ticket_key_name",
    "Tickets": "tickets",
    "Tool": "tool",
    "OpenSSL": "openssl",
    "Client-Certificate-Until": "client_certificate_until",
}

#: The lines whose value is a number, with the numbers allowed.
NUMBERS: dict[str, range] = {"port": range(1, 65536), "tickets": range(1_000_000)}


def parse_metadata(lines: Sequence[str], path: str) -> SessionMetadata:
    """The `Key: value` lines; others, such as OpenSSL's own text form, say nothing to us.

    Raises SessionFileError for a key of ours that is given twice or has a wrong value.
    """
    known: dict[str, Any] = {}
    other: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        key, value = match.groups()
        name = KEYS.get(key)
        if name is None:
            other.append((key, value))
            continue
        if name in known:
            raise SessionFileError(f"{path}, line {number}: {key} is given twice", path=path)
        known[name] = _number(value, name, f"{path}, line {number}", path)
    return replace(SessionMetadata(other=tuple(other)), **known)


def _number(value: str, name: str, where: str, path: str) -> str | int:
    if name not in NUMBERS:
        return value
    if value.isascii() and value.isdecimal() and len(value) < 8 and int(value) in NUMBERS[name]:
        return int(value)
    raise SessionFileError(f"{where}: {value!r} is no {name} number", path=path)


def format_metadata(metadata: SessionMetadata) -> list[str]:
    """The lines. Characters that a line cannot carry are written as Python escapes."""
    return [f"{key}: {_printable(value)}" for key, value in _values(metadata)]


def _values(metadata: SessionMetadata) -> Iterator[tuple[str, str]]:
    for key, name in KEYS.items():
        value = getattr(metadata, name)
        if value is not None and value != "":
            yield key, str(value)
    yield from metadata.other


def _printable(value: str) -> str:
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in value
    )
