"""Session files: OpenSSL's PEM, with readable `Key: value` lines above the block.

OpenSSL skips what stands above the BEGIN line, so `openssl sess_id` and
`openssl s_client -sess_in` read these files; the lines keep what SSL_SESSION has
no place for. In a file with a `Target` an absent `SNI`, `ALPN` or `STARTTLS`
means that none was used. Also read: bare PEM, and DER.

The reader is strict and bounded, since files come from anywhere: one session,
nothing after it, no control characters, and a clear word on what the file is
when it is no session. A file here holds secrets, so it is written with mode 0600
and a file that others can read is warned about.
"""

from __future__ import annotations

import base64
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from tlsresume.atomic import write_atomically
from tlsresume.errors import SessionFileError
from tlsresume.session.bounded import read_bounded
from tlsresume.session.foreign import name_of_der, name_of_pem
from tlsresume.session.session import Session, SessionError

__all__ = [
    "LARGEST",
    "UNREADABLE",
    "Format",
    "SessionFile",
    "SessionMetadata",
    "format_session_file",
    "parse_session_file",
    "read_session_file",
    "write_session_file",
]

#: No session file comes near this; what is larger is not read to its end.
LARGEST = 1024 * 1024

Format = Literal["pem+metadata", "pem", "der"]

LABEL = "SSL SESSION PARAMETERS"

#: Hints where a file holds no session that can be used.
UNREADABLE = (
    "save the session again: tlsresume save TARGET",
    "why a file may hold no session: tlsresume explain file-unreadable",
)
_BOUNDARY = re.compile(r"-----(BEGIN|END) ([^-]*)-----")
_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*): *(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMetadata:
    """What a session file says beside the session; None where it does not.

    `saved` is UTC in ISO 8601; `leaf_sha256` and `ticket_key_name` are
    hexadecimal; `tickets` counts those that came on the connection; `other` are
    lines with keys that are not ours, kept as they were.
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
    other: tuple[tuple[str, str], ...] = ()


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
}

#: The lines whose value is a number, with the numbers allowed.
NUMBERS: dict[str, range] = {"port": range(1, 65536), "tickets": range(1_000_000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFile:
    """A session file as read. `mode` are its permission bits (None: not a regular file)."""

    path: str
    session: Session
    metadata: SessionMetadata = SessionMetadata()
    format: Format = "der"
    mode: int | None = None
    warnings: tuple[str, ...] = ()


# ---------------------------------------------------------------------- read


def read_session_file(path: str) -> SessionFile:
    """The session in the file at `path`; `-` is standard input. Raises SessionFileError.

    Links are followed. Of a pipe no more than a session file's size is read, and
    it may not stay silent for long (`bounded.PATIENCE`).
    """
    if path == "-":
        return parse_session_file(sys.stdin.buffer.read(LARGEST + 1), "standard input")
    try:
        data, mode = read_bounded(path, LARGEST, SessionFileError)
    except SessionFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            error.hints = ("a session file is made by: tlsresume save TARGET",)
        raise
    file = parse_session_file(data, path)
    if mode is None:
        return file
    return replace(file, mode=mode, warnings=permission_warnings(path, mode))


def permission_warnings(path: str, mode: int) -> tuple[str, ...]:
    """What is wrong with the permission bits of a file that holds secrets."""
    for bits, what in ((0o044, "read"), (0o022, "change")):
        if mode & bits:
            warning = f"others can {what} this file (mode {mode:04o}): it holds secrets;"
            return (f"{warning} chmod 600 {shlex.quote(path)}",)
    return ()


# --------------------------------------------------------------------- parse


def parse_session_file(data: bytes, path: str) -> SessionFile:
    """The session in `data`, the content of the file called `path`.

    PEM with or without lines above it, or DER. Raises SessionFileError.
    """
    if len(data) > LARGEST:
        raise SessionFileError(f"{path} is too large for a session file", path=path)
    if not data.strip():
        raise SessionFileError(f"{path} is empty", path=path, hints=UNREADABLE)
    # A SEQUENCE, long or beginning with an INTEGER; neither can begin a text.
    if data[0] == 0x30 and (data[1:2] >= b"\x80" or data[2:3] == b"\x02"):
        return SessionFile(path=path, session=_session(data, path), format="der")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _not_a_session(path, "binary data") from None
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.replace("\t", " ").isprintable():
            raise SessionFileError(f"{path}, line {number}: control characters", path=path)
    head, body = _split(lines, path)
    metadata = _metadata(head, path)
    return SessionFile(
        path=path,
        session=_session(_base64(body, path), path),
        metadata=metadata,
        format="pem" if metadata == SessionMetadata() else "pem+metadata",
    )


def _not_a_session(path: str, what: str) -> SessionFileError:
    return SessionFileError(f"{path} holds no session: it is {what}", path=path, hints=UNREADABLE)


def _split(lines: list[str], path: str) -> tuple[list[str], list[str]]:
    """The lines above the session's block and those inside it, after a look at the rest."""
    marks = [(n, match) for n, line in enumerate(lines) if (match := _BOUNDARY.match(line))]
    labels = [match[2] for _, match in marks if match[1] == "BEGIN"]
    if not labels:
        raise _not_a_session(path, "text without a PEM block")
    foreign = [label for label in labels if label != LABEL]
    if len(foreign) == len(labels):
        raise _not_a_session(path, name_of_pem(foreign[0]))
    if foreign:
        raise SessionFileError(
            f"{path} holds something else beside the session: {name_of_pem(foreign[0])}", path=path
        )
    if len(labels) > 1:
        raise SessionFileError(
            f"{path} holds {len(labels)} sessions",
            path=path,
            hints=("put each session in a file of its own",),
        )
    if [match[1] for _, match in marks] != ["BEGIN", "END"] or marks[1][1][2] != LABEL:
        raise SessionFileError(
            f"{path} is cut short: the block has no END line", path=path, hints=UNREADABLE
        )
    begin, end = marks[0][0], marks[1][0]
    if any(line.strip() for line in lines[end + 1 :]):
        raise SessionFileError(f"{path} has text after the session", path=path)
    return lines[:begin], lines[begin + 1 : end]


def _metadata(lines: list[str], path: str) -> SessionMetadata:
    """The `Key: value` lines; others, such as OpenSSL's own text form, say nothing to us."""
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


def _base64(lines: list[str], path: str) -> bytes:
    if any(":" in line for line in lines):
        raise SessionFileError(f"{path} is encrypted PEM, which is not supported", path=path)
    try:
        return base64.b64decode("".join(line.strip() for line in lines), validate=True)
    # Of letters beyond ASCII Python says it by a plain ValueError, which binascii.Error is too.
    except ValueError as error:
        raise SessionFileError(
            f"{path} is damaged: its block is no base64 ({error})", path=path, hints=UNREADABLE
        ) from error


def _session(der: bytes, path: str) -> Session:
    try:
        return Session.from_der(der)
    except SessionError as error:
        length = _outer_length(der)
        if length < len(der):
            message = f"{path} has {len(der) - length} bytes after the session"
        elif length > len(der):
            message = f"{path} is cut short: {len(der)} bytes of a session of {length}"
        elif what := name_of_der(der):
            raise _not_a_session(path, what) from error
        else:
            message = f"{path} is damaged: {error.message}"
        raise SessionFileError(message, path=path, hints=UNREADABLE) from error


def _outer_length(der: bytes) -> int:
    """How long the outermost element says it is; the length of `der` if it is none."""
    if len(der) < 2 or der[0] != 0x30:
        return len(der)
    if der[1] < 0x80:
        return 2 + der[1]
    start = 2 + der[1] - 0x80
    return start + int.from_bytes(der[2:start], "big")


# --------------------------------------------------------------------- write


def format_session_file(session: Session, metadata: SessionMetadata) -> bytes:
    """The content of a session file: the lines of `metadata`, then OpenSSL's PEM block.

    Characters in values that a line cannot carry are written as Python escapes.
    """
    lines = [f"{key}: {_printable(value)}" for key, value in _values(metadata)]
    block = textwrap.wrap(base64.b64encode(session.data).decode(), 64)
    return "\n".join(
        [*lines, f"-----BEGIN {LABEL}-----", *block, f"-----END {LABEL}-----", ""]
    ).encode()


def write_session_file(path: str, data: bytes, *, force: bool = False) -> None:
    """Write a session file: mode 0600, whole or not at all, replacing only with `force`.

    Raises OutputFileError.
    """
    write_atomically(path, data, force=force, mode=0o600)


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
