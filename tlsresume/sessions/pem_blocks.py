"""Read sessions from the PEM blocks of a text; and the types for what a file holds.

Blocks stand alone, several in a file, in quotes, indented, on one line, or with their line ends
written as two characters; lines above the only one are its metadata. A block that is not whole
is an error, and so is one beside a private key.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from typing import ClassVar

from tlsresume.errors import SessionError, SessionFileError
from tlsresume.sessions.identify import Identified, identify, name_of_pem
from tlsresume.sessions.metadata import NO_METADATA, SessionMetadata, parse_metadata
from tlsresume.sessions.printed import PrintedSession
from tlsresume.sessions.quic_state import MAGIC
from tlsresume.sessions.session import NOT_USABLE_HERE, Session
from tlsresume.value import Value

#: The label of OpenSSL's PEM block.
LABEL = "SSL SESSION PARAMETERS"
#: The label of a QUIC ticket's record: one of our own, so that openssl does not try it.
QUIC_LABEL = "TLSRESUME QUIC SESSION"
_LABELS = (LABEL, QUIC_LABEL)

#: Hints where a file holds no session that can be used.
UNREADABLE = (
    "save the session again: tlsresume save TARGET",
    "why a file may hold no session: tlsresume explain file-unreadable",
)


class Found(Value, frozen=True):
    """A session, what stood beside it, and what it was wrapped in, the outermost first."""

    session: Session
    metadata: SessionMetadata = NO_METADATA
    pem: bool = False
    wrapping: tuple[str, ...] = ()


class Contents(Value, frozen=True, kw_only=True):
    """What a file holds: sessions, or else one of the others."""

    _hidden: ClassVar = frozenset({"ticket"})

    sessions: tuple[Found, ...] = ()
    printed: tuple[PrintedSession, ...] = ()
    ticket: bytes | None = None

    def wrapped(self, *wrapping: str) -> Contents:
        """The same, in something more."""
        return replace(
            self,
            sessions=tuple(
                replace(found, wrapping=(*wrapping, *found.wrapping)) for found in self.sessions
            ),
        )


#: Where a block begins and ends: which of the two, and its label.
BOUNDARY = re.compile(r"-----(BEGIN|END) ([^-\n]{1,64})-----")

#: What may stand before each line of a block: quotes of mail, of YAML, of programs.
_QUOTES = " \t\r>|\"'`,;"


def find_pem(text: str, path: str) -> Contents | None:
    """The sessions in PEM blocks; None where there is none.

    Raises SessionFileError where a block is not whole, or beside a private key.
    """
    # In a shell's variable or a JSON value the line ends are two characters.
    escaped = "\\n" in text and "-----\\n" in text.replace("\\r", "")
    if escaped:
        text = text.replace("\\r", "").replace("\\n", "\n")
    text = text.replace("\r\n", "\n")
    marks = list(BOUNDARY.finditer(text))
    labels = [mark[2] for mark in marks if mark[1] == "BEGIN"]
    if not set(labels) & set(_LABELS):
        return None
    if key := next((label for label in labels if label.endswith("PRIVATE KEY")), None):
        raise SessionFileError(
            f"{path} holds something else beside the session: {name_of_pem(key)}", path=path
        )
    blocks = []
    begin: re.Match[str] | None = None
    for mark in marks:
        if mark[2] not in _LABELS and begin is None:
            continue
        expected = (mark[2],) if begin is None else (begin[2],)
        if (mark[1] == "BEGIN") == (begin is not None) or mark[2] not in expected:
            raise _cut_short(path)
        if begin is not None:
            blocks.append((begin, mark))
        begin = mark if begin is None else None
    if begin is not None:
        raise _cut_short(path)
    wrapping = ("line ends written as \\n",) if escaped else ()
    found = [_block(text, first, last, path, wrapping) for first, last in blocks]
    if len(found) == 1:
        return Contents(sessions=(_with_metadata(found[0], text, *blocks[0], path),))
    return Contents(sessions=tuple(found))


def _cut_short(path: str) -> SessionFileError:
    return SessionFileError(
        f"{path} is cut short: the block has no END line", path=path, hints=UNREADABLE
    )


def _block(
    text: str, begin: re.Match[str], end: re.Match[str], path: str, wrapping: tuple[str, ...]
) -> Found:
    body = text[begin.end() : end.start()]
    before = text[text.rfind("\n", 0, begin.start()) + 1 : begin.start()]
    if "\n" not in body.strip() and len(body) > 80:
        wrapping = (*wrapping, "one line")
    elif before and not before.strip():
        wrapping = (*wrapping, "indented")
    elif before.strip(_QUOTES) and (logged := _logged(body)) is not None:
        body = logged
        wrapping = (*wrapping, "lines of a log")
    if ":" in body:
        raise SessionFileError(f"{path} is encrypted PEM, which is not supported", path=path)
    joined = "".join(line.strip(_QUOTES) for line in body.splitlines())
    if "\n" not in body:
        joined = "".join(joined.split())
    data = _base64(joined, path)
    if begin[2] == QUIC_LABEL:
        return Found(_quic_session(data, path), pem=True, wrapping=wrapping)
    return Found(session_of_der(data, path), pem=True, wrapping=wrapping)


def _logged(body: str) -> str | None:
    """The lines of a block without what a log, or a count of lines, has before each of them; None
    where one has nothing before it. The last line is what stands before the END."""
    lines = [words for line in body.splitlines()[1:-1] if (words := line.split())]
    if not lines or any(len(words) == 1 for words in lines):
        return None
    return "\n".join(words[-1] for words in lines)


def _with_metadata(
    found: Found, text: str, begin: re.Match[str], end: re.Match[str], path: str
) -> Found:
    """The only session of a text, with the lines above it."""
    head, rest = text[: begin.start()].split("\n"), text[end.end() :]
    around = bool(rest.strip(_QUOTES + "\n")) or len(BOUNDARY.findall(text)) > 2
    for number, line in enumerate(head, 1):
        if not line.replace("\t", " ").isprintable() and not around:
            raise SessionFileError(f"{path}, line {number}: control characters", path=path)
    if not around:
        return replace(found, metadata=parse_metadata(head, path))
    try:
        metadata = parse_metadata([line.strip() for line in head if line.isprintable()], path)
    except SessionFileError:
        # A log has lines that only look like ours.
        metadata = NO_METADATA
    if metadata.target is None:
        metadata = NO_METADATA
    return replace(found, metadata=metadata, wrapping=("a text around it", *found.wrapping))


def _base64(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SessionFileError(
            f"{path} is damaged: its block is no base64 ({error})", path=path, hints=UNREADABLE
        ) from error


def not_a_session(path: str, identified: Identified) -> SessionFileError:
    """The error for a file that is something else than a session of OpenSSL."""
    hints = identified.hints or UNREADABLE
    if identified.session:
        return SessionFileError(
            f"{path}: {NOT_USABLE_HERE}{identified.what}", path=path, hints=hints
        )
    return SessionFileError(
        f"{path} holds no session: it is {identified.what}", path=path, hints=hints
    )


def session_of_der(der: bytes, path: str) -> Session:
    """The session in `der`. Raises SessionFileError, which says what is there instead."""
    try:
        return Session.from_der(der)
    except SessionError as error:
        length = _outer_length(der)
        if identified := identify(der):
            raise not_a_session(path, identified) from error
        if length < len(der):
            message = f"{path} has {len(der) - length} bytes after the session"
        elif length > len(der):
            message = f"{path} is cut short: {len(der)} bytes of a session of {length}"
        else:
            message = f"{path} is damaged: {error.message}"
        raise SessionFileError(message, path=path, hints=UNREADABLE) from error


def _quic_session(data: bytes, path: str) -> Session:
    if not data.startswith(MAGIC):
        raise SessionFileError(
            f"{path} is damaged: its block is no record of a QUIC session", path=path
        )
    try:
        return Session.from_bytes(data)
    except SessionError as error:
        raise SessionFileError(f"{path} is damaged: {error.message}", path=path) from error


def _outer_length(der: bytes) -> int:
    """How long the outermost element says it is; the length of `der` if it is none.

    A session's length has two bytes at most; more than four are no length at all.
    """
    if len(der) < 2 or der[0] != 0x30 or der[1] == 0x80 or der[1] > 0x84:
        return len(der)
    if der[1] < 0x80:
        return 2 + der[1]
    start = 2 + der[1] - 0x80
    return start + int.from_bytes(der[2:start], "big")
