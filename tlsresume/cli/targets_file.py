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

from tlsresume.cli.connecting import line_options
from tlsresume.errors import FileError, UsageError
from tlsresume.session.bounded import read_bounded

if TYPE_CHECKING:
    from tlsresume.cli.connecting import Connection
    from tlsresume.target import Target

#: How many bad lines of a list are told, and how many hints on them.
MOST_TOLD = 200
MOST_HINTS = 5

#: No list of targets comes near this.
LARGEST = 16 * 1024 * 1024


def read_targets(path: str, connection: Connection) -> list[tuple[Target, Connection]]:
    """The targets of a file (`-`: standard input), each with its way to connect.

    Raises FileError when the file cannot be read, UsageError naming the file and every line
    that makes no sense, or where none has a target.
    """
    name = "standard input" if path == "-" else path
    found = []
    wrong: list[tuple[int, UsageError]] = []
    for number, line in enumerate(_text(path, name).splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                found.append(_parse(words, connection))
        except UsageError as error:
            wrong.append((number, error))
        except ValueError as error:
            wrong.append((number, UsageError(str(error).lower())))
    if wrong:
        raise _bad_lines(name, wrong)
    if not found:
        raise UsageError(f"{name} names no target")
    return found


def _bad_lines(name: str, wrong: list[tuple[int, UsageError]]) -> UsageError:
    """One error for all bad lines of a list."""
    if len(wrong) == 1:
        ((number, error),) = wrong
        return UsageError(f"{name}, line {number}: {error.message}", hints=error.hints)
    told = tuple(f"line {number}: {error.message}" for number, error in wrong[:MOST_TOLD])
    if len(wrong) > MOST_TOLD:
        told = (*told, f"and {len(wrong) - MOST_TOLD} more")
    hints = dict.fromkeys(hint for _, error in wrong for hint in error.hints)
    return UsageError(
        f"{name} has {len(wrong)} bad lines", details=told, hints=tuple(hints)[:MOST_HINTS]
    )


def _parse(words: list[str], connection: Connection) -> tuple[Target, Connection]:
    """What one line names. Raises UsageError."""
    try:
        text, own = connection.line(words)
        return own.target(text), own
    except click.ClickException as error:
        message = " ".join(error.format_message().split()).removesuffix(".")
        unknown = isinstance(error, click.NoSuchOption)
        hints = (f"a line may have: {', '.join(line_options())}",) if unknown else ()
        raise UsageError(f"{message[:1].lower()}{message[1:]}", hints=hints) from None


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
