"""What a file holds that somebody calls a session: sessions, or what is known of one.

People bring PEM, DER, and both in every wrapping; logs and reports with a session in them; the
text that OpenSSL prints; a bare ticket; and files that are something else. `find_contents`
goes through these in an order that leaves no doubt: what is whole and ours first, then what
is wrapped (`unwrap`), then what only tells of a session, at last what the file is instead
(`identify`). Nothing that is whole is called damaged. All steps are linear in the file.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from dataclasses import replace
from typing import ClassVar

from tlsresume.errors import SessionFileError
from tlsresume.sessions.curl_sessions import find_curl_sessions
from tlsresume.sessions.identify import TICKET_KEY_HINTS, Identified, identify, name_of_pem
from tlsresume.sessions.metadata import NO_METADATA, SessionMetadata, parse_metadata
from tlsresume.sessions.printed import PrintedSession, find_printed
from tlsresume.sessions.quic_state import MAGIC
from tlsresume.sessions.session import NOT_USABLE_HERE, Session, SessionError
from tlsresume.sessions.unwrap import Unwrapped, decode_text, unwrap, words
from tlsresume.tickets.key_file_text import KeyText, find_keys
from tlsresume.tickets.looks_like import looks_like
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

#: The shortest and longest of what is taken for a bare ticket: real ones hold a session's
#: secret and a seal (80 bytes is a ticket key), and RFC 8446 allows two bytes of length.
_TICKET_LENGTHS = range(96, 65_536)


#: A file of ticket keys has a thousand lines at most.
_LARGEST_KEYS = 128 * 1024


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


def find_contents(data: bytes, path: str) -> Contents:
    """What `data` holds, the content of the file called `path`.

    Raises SessionFileError where it is nothing of `Contents`; the error says what it is.
    """
    if not data.strip():
        raise SessionFileError(f"{path} is empty", path=path, hints=UNREADABLE)
    if _is_der(data):
        try:
            return Contents(sessions=(Found(_session(data, path)),))
        except SessionFileError:
            # Bytes that were written as characters begin alike.
            if (wrapped := _of_layers(data)) is None:
                raise
            return wrapped
    decoded, encoding = decode_text(data)
    found = _find(decoded, path)
    return found.wrapped(encoding) if encoding else found


def _is_der(data: bytes) -> bool:
    """A SEQUENCE, long or beginning with an INTEGER; neither can begin a text."""
    return data[:1] == b"\x30" and (data[1:2] >= b"\x80" or data[2:3] == b"\x02")


def _find(data: bytes, path: str) -> Contents:
    text = _text(data)
    if text is not None:
        found = _of_pem(text, path)
        if found is not None:
            return found
        found = _of_curl(text, path)
        if found is not None:
            return found
    wrapped = _of_layers(data)
    if wrapped is not None:
        return wrapped
    if text is None:
        return _of_binary(data, path)
    printed = find_printed(text)
    if printed:
        return Contents(printed=printed)
    raise _of_text(data, text, path)


def _text(data: bytes) -> str | None:
    """The text that `data` is; None for binary data. A log may have a few odd bytes."""
    if b"\0" in data and b"-----BEGIN " not in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1") if b"-----BEGIN " in data or b"SSL-Session:" in data else None


# ----------------------------------------------------------------------- PEM

_BOUNDARY = re.compile(r"-----(BEGIN|END) ([^-\n]{1,64})-----")

#: What may stand before each line of a block: quotes of mail, of YAML, of programs.
_QUOTES = " \t\r>|\"'`,;"


def _of_pem(text: str, path: str) -> Contents | None:
    """The sessions in PEM blocks; None where there is none.

    Raises SessionFileError where a block is not whole, or beside a private key.
    """
    # In a shell's variable or a JSON value the line ends are two characters.
    escaped = "\\n" in text and "-----\\n" in text.replace("\\r", "")
    if escaped:
        text = text.replace("\\r", "").replace("\\n", "\n")
    text = text.replace("\r\n", "\n")
    marks = list(_BOUNDARY.finditer(text))
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
    if ":" in body:
        raise SessionFileError(f"{path} is encrypted PEM, which is not supported", path=path)
    joined = "".join(line.strip(_QUOTES) for line in body.splitlines())
    if "\n" not in body:
        joined = "".join(joined.split())
    data = _base64(joined, path)
    if begin[2] == QUIC_LABEL:
        return Found(_quic_session(data, path), pem=True, wrapping=wrapping)
    return Found(_session(data, path), pem=True, wrapping=wrapping)


def _with_metadata(
    found: Found, text: str, begin: re.Match[str], end: re.Match[str], path: str
) -> Found:
    """The only session of a text, with the lines above it."""
    head, rest = text[: begin.start()].split("\n"), text[end.end() :]
    around = bool(rest.strip(_QUOTES + "\n")) or len(_BOUNDARY.findall(text)) > 2
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


# ---------------------------------------------------------------------- curl


def _of_curl(text: str, path: str) -> Contents | None:
    lines = find_curl_sessions(text)
    if not lines:
        return None
    found = []
    for line in lines:
        try:
            session = Session.from_der(line.data)
        except SessionError:
            continue
        found.append(
            Found(
                session,
                SessionMetadata(alpn=line.alpn),
                wrapping=("a file of curl --ssl-sessions",),
            )
        )
    if not found:
        other = identify(lines[0].data) or Identified("sessions of another TLS library")
        raise not_a_session(
            path, replace(other, what=f"a file of curl --ssl-sessions: {other.what}")
        )
    return Contents(sessions=tuple(found))


# ------------------------------------------------------------------ wrappings


def _of_layers(data: bytes) -> Contents | None:
    """A session inside wrappings; a file that is named is named from inside, too."""
    for inner in unwrap(data):
        found = _inside(inner)
        if found is not None:
            return found
    text = _text(data)
    for inner in words(data) if text is not None else ():
        found = _inside(inner)
        if found is not None:
            return found
    return None


def _inside(inner: Unwrapped) -> Contents | None:
    try:
        session = Session.from_der(inner.data)
    except SessionError:
        pass
    else:
        return Contents(sessions=(Found(session, wrapping=inner.wrapping),))
    if b"-----" not in inner.data:
        return None
    try:
        found = _of_pem(inner.data.decode(), "")
    except (UnicodeDecodeError, SessionFileError):
        return None
    return None if found is None else found.wrapped(*inner.wrapping)


# ------------------------------------------------------------------ the rest


def _of_binary(data: bytes, path: str) -> Contents:
    """A ticket by itself, or an error that names the file."""
    identified = identify(data)
    if identified is not None:
        raise not_a_session(path, identified)
    if _is_ticket(data):
        return Contents(ticket=data)
    if len(data) in (32, 64):
        what = f"{len(data)} bytes: a ticket key, an ID or a handle of a session, by their length"
        raise not_a_session(path, Identified(what))
    raise not_a_session(path, Identified("binary data"))


def _is_ticket(data: bytes) -> bool:
    """Whether bytes are as random as a sealed ticket, and a layout fits."""
    if len(data) not in _TICKET_LENGTHS:
        return False
    high = sum(byte >= 0x80 for byte in data)
    commonest = max(Counter(data).values())
    return (
        len(data) * 3 <= high * 10 <= len(data) * 7
        and commonest <= 8 + len(data) // 32
        and bool(looks_like(data))
    )


def _of_text(data: bytes, text: str, path: str) -> SessionFileError:
    """The error that names a text without a session."""
    for each in (Unwrapped(data), *unwrap(data)):
        identified = identify(each.data)
        if identified is not None:
            what = " of ".join((*each.wrapping, identified.what))
            return not_a_session(path, replace(identified, what=what))
    keys = find_keys(text) if len(text) <= _LARGEST_KEYS else None
    if isinstance(keys, KeyText):
        count = sum(len(group) for group in keys.groups)
        what = "a ticket key" if count == 1 else f"{count} ticket keys"
        form = f" ({keys.form})" if keys.form else ""
        return not_a_session(path, Identified(what + form, hints=TICKET_KEY_HINTS))
    labels = [mark[2] for mark in _BOUNDARY.finditer(text) if mark[1] == "BEGIN"]
    if labels:
        return not_a_session(path, Identified(name_of_pem(labels[0])))
    if not text.isprintable() and _control(text):
        line = text[: _control(text)].count("\n") + 1
        return SessionFileError(f"{path}, line {line}: control characters", path=path)
    return not_a_session(path, Identified("text without a PEM block"))


def _control(text: str) -> int:
    """Where the first control character stands; 0 where there is none."""
    match = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)
    return 0 if match is None else match.start() + 1


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


def _session(der: bytes, path: str) -> Session:
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
