"""A line for each connection, as it is done: jsonl and csv, without keeping them in memory.

A file gets its name when it is whole. The columns of csv are the fields of the JSON line.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from tlsresume.errors import OutputFileError, reason_of
from tlsresume.features.capture.seen import Seen
from tlsresume.formats.csv_cells import csv_row
from tlsresume.formats.printable import json_safe

COLUMNS: tuple[str, ...] = Seen.__struct_fields__
#: Text is written out when there is so much of it.
_ENOUGH = 1 << 16


def jsonl_line(seen: Seen) -> str:
    """A connection as JSON."""
    fields = msgspec.to_builtins(seen)
    clean = {
        name: value.encode("utf-8", "backslashreplace").decode() if type(value) is str else value
        for name, value in fields.items()
    }
    return json_safe(msgspec.json.encode(clean).decode()) + "\n"


def csv_line(seen: Seen) -> str:
    """A connection as a row of CSV (RFC 4180)."""
    return csv_row(getattr(seen, name) for name in COLUMNS)


def csv_head() -> str:
    """The row of column names."""
    return csv_row(COLUMNS)


class LineFile:
    """Lines on their way to the standard output (`write`), or to a file that is named at the end."""

    def __init__(
        self, line: Callable[[Seen], str], path: str | None, write: Callable[[str], None]
    ) -> None:
        """Raises OutputFileError."""
        self._line = line
        self._path = path
        self._write = write
        self._pieces: list[str] = []
        self._size = 0
        self._temporary: Path | None = None
        self._file: io.TextIOWrapper | None = None
        if path is not None:
            self._open(path)

    def _open(self, path: str) -> None:
        if Path(path).is_dir() or (Path(path).exists() and not Path(path).is_file()):
            raise OutputFileError(f"{path} is not a regular file", path=path)
        try:
            # The name cannot be guessed, so that what is deleted in the end is ours.
            temporary = Path(path).parent / f".tlsresume-{os.urandom(8).hex()}.tmp"
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            self._temporary = temporary
        except OSError as error:
            raise self._failed(error) from None
        self._file = os.fdopen(fd, "w", encoding="utf-8", newline="")

    def _failed(self, error: OSError) -> OutputFileError:
        path = self._path or "-"
        return OutputFileError(f"cannot write {path}: {reason_of(error)}", path=path)

    def text(self, text: str) -> None:
        """Add text as it is. Raises OutputFileError."""
        self._pieces.append(text)
        self._size += len(text)
        if self._size > _ENOUGH:
            self.flush()

    def add(self, seen: Seen) -> None:
        """Add a connection."""
        self.text(self._line(seen))

    def flush(self) -> None:
        """Write out what waits."""
        text, self._pieces, self._size = "".join(self._pieces), [], 0
        if self._file is None:
            if text:
                self._write(text)
            return
        try:
            self._file.write(text)
        except OSError as error:
            raise self._failed(error) from None

    def finish(self) -> None:
        """Write out the rest, and give a file its name. Raises OutputFileError."""
        self.flush()
        if self._file is None or self._path is None or self._temporary is None:
            return
        try:
            self._file.close()
            self._temporary.replace(self._path)
        except OSError as error:
            raise self._failed(error) from None
        self._temporary = None

    def abandon(self) -> None:
        """Leave no half of a file behind; after `finish` nothing is left to do."""
        if self._file is not None:
            self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None
