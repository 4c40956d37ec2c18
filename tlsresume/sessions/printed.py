"""The session that OpenSSL prints: the `SSL-Session:` block of s_client, s_server and sess_id.

SSL_SESSION_print(3) writes it for people. It shows what a session says, but not all that one
needs to resume: in TLS 1.3 the number that hides the ticket's age is missing. Logs and
reports hold such blocks, quoted, indented, or with other lines around them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Value

_LINE = re.compile(r"[\s>|]*(?P<name>[A-Za-z][A-Za-z .-]{2,40}?)\s*:\s?(?P<value>.*)")
_DUMP = re.compile(r"[\s>|]*(?P<at>[0-9a-f]{4}) - (?P<hex>(?:[0-9a-f]{2}[ -]){1,16})")

#: OpenSSL's dump of a ticket breaks off nowhere; one of more than this is no ticket.
_LARGEST_TICKET = 65_535


class PrintedSession(Value, frozen=True, kw_only=True):
    """What one block shows; None and empty where it does not.

    `protocol` and `cipher` are as printed; `lifetime_hint` and `timeout` are seconds, `time`
    seconds since 1970. The secret is not kept.
    """

    _hidden: ClassVar = frozenset({"ticket"})

    protocol: str | None = None
    cipher: str | None = None
    session_id: bytes = b""
    session_id_context: bytes = b""
    lifetime_hint: int | None = None
    ticket: bytes = b""
    time: int | None = None
    timeout: int | None = None
    verify_code: int | None = None
    extended_master_secret: bool | None = None
    max_early_data: int | None = None

    @property
    def tls13(self) -> bool:
        """Whether it is a session of TLS 1.3."""
        return self.protocol == ProtocolVersion.TLSv1_3.label


def find_printed(text: str) -> tuple[PrintedSession, ...]:
    """Every block in a text, in order; a block begins with a line `SSL-Session:`, or, where
    only a part was pasted, with the ticket's dump."""
    found = []
    lines: list[str] | None = None
    for line in text.splitlines():
        if line.strip(" \t>|") == "SSL-Session:":
            if lines:
                found.append(_read(lines))
            lines = []
        elif lines is not None:
            lines.append(line)
        elif line.strip(" \t>|") == "TLS session ticket:":
            lines = []
    if lines:
        found.append(_read(lines))
    return tuple(block for block in found if block.protocol or block.cipher or block.ticket)


def _read(lines: list[str]) -> PrintedSession:
    """A block from its lines; it ends where something else begins."""
    values: dict[str, str] = {}
    ticket = bytearray()
    for line in lines:
        dump = _DUMP.match(line)
        if dump is not None:
            if int(dump["at"], 16) == len(ticket) and len(ticket) < _LARGEST_TICKET:
                ticket += bytes.fromhex(dump["hex"].replace("-", " "))
            continue
        bare = line.strip(" \t>|")
        if bare.startswith("---") or bare == "read R BLOCK":
            break
        match = _LINE.fullmatch(line)
        if match is not None and match["name"] in _LINES:
            values.setdefault(match["name"], match["value"].strip())
    known = {field: read(values[name]) for name, (field, read) in _LINES.items() if name in values}
    return PrintedSession(ticket=bytes(ticket), **known)


def _protocol(value: str) -> str | None:
    """OpenSSL prints TLS 1.0 as "TLSv1"."""
    return "TLSv1.0" if value == "TLSv1" else value or None


def _hex(value: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        return b""


def _number(value: str) -> int | None:
    match = re.match(r"\d{1,18}(?!\d)", value, re.ASCII)
    return None if match is None else int(match[0])


def _flag(value: str) -> bool | None:
    return None if value not in ("yes", "no") else value == "yes"


#: The lines that are read, by name: the field of each, and how its value is read.
_LINES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Protocol": ("protocol", _protocol),
    "Cipher": ("cipher", lambda value: value or None),
    "Session-ID": ("session_id", _hex),
    "Session-ID-ctx": ("session_id_context", _hex),
    "TLS session ticket lifetime hint": ("lifetime_hint", _number),
    "Start Time": ("time", _number),
    "Timeout": ("timeout", _number),
    "Verify return code": ("verify_code", _number),
    "Extended master secret": ("extended_master_secret", _flag),
    "Max Early Data": ("max_early_data", _number),
}
