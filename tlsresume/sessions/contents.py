"""Find the sessions in a file, or say what the file holds instead.

People bring PEM, DER, and both in every wrapping; logs and reports with a session in them; the
text that OpenSSL prints; a bare ticket; and files that are something else. `find_contents`
goes through these in an order that leaves no doubt: what is whole and ours first, then what
is wrapped (`unwrap`), then what only tells of a session, at last what the file is instead
(`identify`). Nothing that is whole is called damaged. All steps are linear in the file.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from tlsresume.errors import SessionError, SessionFileError
from tlsresume.sessions.curl_sessions import find_curl_sessions
from tlsresume.sessions.identify import TICKET_KEY_HINTS, Identified, identify, name_of_pem
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.pem_blocks import (
    BOUNDARY,
    UNREADABLE,
    Contents,
    Found,
    find_pem,
    not_a_session,
    session_of_der,
)
from tlsresume.sessions.printed import find_printed
from tlsresume.sessions.session import Session
from tlsresume.sessions.unwrap import Unwrapped, decode_text, unwrap, words
from tlsresume.tickets.key_file_text import KeyText, find_keys
from tlsresume.tickets.looks_like import looks_like

#: The shortest and longest of what is taken for a bare ticket: real ones hold a session's
#: secret and a seal (80 bytes is a ticket key), and RFC 8446 allows two bytes of length.
_TICKET_LENGTHS = range(96, 65_536)


#: A file of ticket keys has a thousand lines at most.
_LARGEST_KEYS = 128 * 1024


def find_contents(data: bytes, path: str) -> Contents:
    """What `data` holds, the content of the file called `path`.

    Raises SessionFileError where it is nothing of `Contents`; the error says what it is.
    """
    if not data.strip():
        raise SessionFileError(f"{path} is empty", path=path, hints=UNREADABLE)
    if _is_der(data):
        try:
            return Contents(sessions=(Found(session_of_der(data, path)),))
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
        found = find_pem(text, path)
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
        found = find_pem(inner.data.decode(), "")
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
        form = f" ({keys.form})" if keys.form else ", by its length" if count == 1 else ""
        return not_a_session(path, Identified(what + form, hints=TICKET_KEY_HINTS))
    labels = [mark[2] for mark in BOUNDARY.finditer(text) if mark[1] == "BEGIN"]
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
