"""`--targets FILE`: a target a line, with options of its own.

A line is split as a shell would (quotes, backslashes); `#` begins a comment.
The options are those of "Where to connect", "What to offer", "Certificates" and
"Time and data"; what a line says comes before what the command line says.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from tlsresume.errors import FileError, UsageError
from tlsresume.session.bounded import read_bounded

if TYPE_CHECKING:
    from tlsresume.cli.connecting import Connection
    from tlsresume.target import Target

#: No list of targets comes near this.
LARGEST = 16 * 1024 * 1024


def read_targets(path: str, connection: Connection) -> list[tuple[Target, Connection]]:
    """The targets of a file (`-`: standard input), each with its way to connect.

    Raises FileError when the file cannot be read, UsageError naming file and line
    when a line makes no sense, or none has a target.
    """
    name = "standard input" if path == "-" else path
    found = []
    for number, line in enumerate(_text(path, name).splitlines(), 1):
        where = f"{name}, line {number}"
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise UsageError(f"{where}: {str(error).lower()}") from None
        if words:
            found.append(_parse(words, where, connection))
    if not found:
        raise UsageError(f"{name} names no target")
    return found


def _parse(words: list[str], where: str, connection: Connection) -> tuple[Target, Connection]:
    try:
        text, own = connection.line(words)
        return own.target(text), own
    except click.ClickException as error:
        message = " ".join(error.format_message().split()).removesuffix(".")
        raise UsageError(f"{where}: {message[:1].lower()}{message[1:]}") from None
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", hints=error.hints) from None


def _text(path: str, name: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            data, _ = read_bounded(path, LARGEST, FileError)
        if len(data) > LARGEST:
            raise FileError(f"{name} is too large for a list of targets", path=path)
        return data.decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot read {name}: {reason}", path=path) from None
    except UnicodeDecodeError:
        raise FileError(f"{name} is not UTF-8 text", path=path) from None
