"""Session files: OpenSSL's PEM, with readable `Key: value` lines above the block.

OpenSSL skips what stands above the BEGIN line, so `openssl sess_id` and
`openssl s_client -sess_in` read these files; the lines keep what SSL_SESSION has
no place for (`metadata`). A QUIC session has a label of its own (quic_state.py). Also read: bare PEM, DER, and either in the wrappings and texts
in which people have them (`contents`).

The reader is bounded, since files come from anywhere, and has a clear word on what the
file is when it is no session. A file here holds secrets, so it is written with mode 0600
and a file that others can read is warned about.
"""

from __future__ import annotations

import base64
import shlex
import sys
import textwrap
from dataclasses import replace
from typing import Literal

import msgspec

from tlsresume.errors import SessionFileError, UsageError
from tlsresume.files import read_bounded, write_atomically
from tlsresume.sessions.contents import find_contents
from tlsresume.sessions.metadata import NO_METADATA, SessionMetadata, format_metadata
from tlsresume.sessions.pem_blocks import LABEL, QUIC_LABEL, UNREADABLE, Contents
from tlsresume.sessions.session import Session
from tlsresume.targets.target import Target, parse_target
from tlsresume.value import Value

__all__ = [
    "LARGEST",
    "UNREADABLE",
    "Contents",
    "Format",
    "SavedTarget",
    "SessionFile",
    "SessionMetadata",
    "format_session_file",
    "parse_contents",
    "parse_session_file",
    "read_session_file",
    "read_session_files",
    "saved_target_of",
    "write_session_file",
]

#: No session file comes near this; what is larger is not read to its end.
LARGEST = 1024 * 1024

Format = Literal["pem+metadata", "pem", "der"]


class SavedTarget(Value, frozen=True, kw_only=True):
    """The server that a file says its session belongs to, with the saved SNI and STARTTLS;
    `target` is None, and `wrong` says why, where the line names none."""

    target: Target | None = None
    wrong: str = ""
    hints: tuple[str, ...] = ()

    @property
    def required(self) -> Target:
        """The target. Raises UsageError where the line names none."""
        if self.target is None:
            raise UsageError(self.wrong, hints=self.hints)
        return self.target


def saved_target_of(metadata: SessionMetadata) -> SavedTarget | None:
    """What the lines above a session say of its server."""
    if metadata.target is None:
        return None
    try:
        target = parse_target(metadata.target, starttls=metadata.starttls or "none")
    except UsageError as error:
        return SavedTarget(wrong=error.message, hints=error.hints)
    return SavedTarget(target=replace(target, server_name=metadata.sni))


class SessionFile(Value, frozen=True, kw_only=True):
    """A session file as read. `mode` are its permission bits (None: not a regular file).

    `wrapping` says what the session was wrapped in, the outermost first; `place` is its
    number and of how many, where the file has several.
    """

    path: str
    session: Session
    metadata: SessionMetadata = NO_METADATA
    #: Of `metadata`; nobody gives it.
    saved: SavedTarget | None = None
    format: Format = "der"
    mode: int | None = None
    warnings: tuple[str, ...] = ()
    wrapping: tuple[str, ...] = ()
    place: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "saved", saved_target_of(self.metadata))


# ---------------------------------------------------------------------- read


def read_session_file(path: str) -> SessionFile:
    """The session in the file at `path`; `-` is standard input. Raises SessionFileError.

    Links are followed. Of a pipe no more than a session file's size is read, and
    it may not stay silent for long (`bounded.PATIENCE`).
    """
    data, mode, name = _read(path)
    file = parse_session_file(data, name)
    return file if mode is None else _with_mode(file, mode)


def read_session_files(path: str) -> tuple[tuple[SessionFile, ...], Contents]:
    """Every session in the file at `path`, and what else it tells of one, for people to see.

    Raises SessionFileError as `read_session_file` does.
    """
    data, mode, name = _read(path)
    contents = parse_contents(data, name)
    files = session_files(contents, name)
    return tuple(file if mode is None else _with_mode(file, mode) for file in files), contents


def _with_mode(file: SessionFile, mode: int) -> SessionFile:
    return replace(file, mode=mode, warnings=permission_warnings(file.path, mode))


def _read(path: str) -> tuple[bytes, int | None, str]:
    """The bytes of a file, its permission bits, and what to call it."""
    if path == "-":
        return sys.stdin.buffer.read(LARGEST + 1), None, "standard input"
    try:
        data, mode = read_bounded(path, LARGEST, SessionFileError)
    except SessionFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            error.hints = ("a session file is made by: tlsresume save TARGET",)
        raise
    return data, mode, path


def permission_warnings(path: str, mode: int) -> tuple[str, ...]:
    """What is wrong with the permission bits of a file that holds secrets."""
    for bits, what in ((0o044, "read"), (0o022, "change")):
        if mode & bits:
            warning = f"others can {what} this file (mode {mode:04o}): it holds secrets;"
            return (f"{warning} chmod 600 {shlex.quote(path)}",)
    return ()


# --------------------------------------------------------------------- parse


def parse_session_file(data: bytes, path: str) -> SessionFile:
    """The one session in `data`, the content of the file called `path`.

    Raises SessionFileError, also where there is only what OpenSSL prints of a session, or a
    ticket without one.
    """
    contents = parse_contents(data, path)
    files = session_files(contents, path)
    if len(files) == 1:
        return files[0]
    if files:
        raise SessionFileError(
            f"{path} holds {len(files)} sessions",
            path=path,
            hints=("put each session in a file of its own",),
        )
    if contents.printed:
        raise SessionFileError(f"{path} holds no session: {PRINTED}", path=path, hints=SESS_OUT)
    raise SessionFileError(f"{path} holds no session: {BARE_TICKET}", path=path, hints=UNREADABLE)


#: What is missing where OpenSSL printed a session, and where a ticket stands alone.
PRINTED = "it is the text that openssl prints of one, which shows fields and cannot be offered"
BARE_TICKET = "by its look it is a ticket alone, without the secret that belongs to it"
SESS_OUT = (
    "only -sess_out makes a file: openssl s_client -connect HOST:PORT -sess_out FILE",
    "or: tlsresume save TARGET",
)


def parse_contents(data: bytes, path: str) -> Contents:
    """All that `data` holds of sessions. Raises SessionFileError where it is nothing."""
    if len(data) > LARGEST:
        raise SessionFileError(f"{path} is too large for a session file", path=path)
    return find_contents(data, path)


def session_files(contents: Contents, path: str) -> tuple[SessionFile, ...]:
    """The sessions of a file as files of their own."""
    return tuple(
        SessionFile(
            path=path,
            session=found.session,
            metadata=found.metadata,
            format="der"
            if not found.pem
            else "pem"
            if found.metadata == NO_METADATA
            else "pem+metadata",
            wrapping=found.wrapping,
            place=None if len(contents.sessions) == 1 else (number, len(contents.sessions)),
        )
        for number, found in enumerate(contents.sessions, 1)
    )


# --------------------------------------------------------------------- write


def format_session_file(session: Session, metadata: SessionMetadata) -> bytes:
    """The content of a session file: the lines of `metadata`, then OpenSSL's PEM block; for a
    QUIC session a block of our own, which `openssl sess_id` does not take for one of its.

    Characters in values that a line cannot carry are written as Python escapes.
    """
    lines = format_metadata(metadata)
    label = QUIC_LABEL if session.kind == "quic" else LABEL
    block = textwrap.wrap(base64.b64encode(session.data).decode(), 64)
    return "\n".join(
        [*lines, f"-----BEGIN {label}-----", *block, f"-----END {label}-----", ""]
    ).encode()


def write_session_file(path: str, data: bytes, *, force: bool = False) -> None:
    """Write a session file: mode 0600, whole or not at all, replacing only with `force`.

    Raises OutputFileError.
    """
    write_atomically(path, data, force=force, mode=0o600)
