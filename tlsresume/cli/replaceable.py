"""Whether a report may take the place of a file, told before any connection is made.

A report is written over the last one, unasked. Whatever else is there (a typing error names
the list of targets, or a key) is kept, unless `--force` says otherwise.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from tlsresume.errors import OutputFileError
from tlsresume.files import refuse_odd

#: How much of a file is looked at.
_START = 4096


def check_replaceable(path: str, name: str, begins: str, *, force: bool) -> None:
    """Raise OutputFileError where the report `name`, whose output matches `begins`, cannot be
    written to `path`, or should not be."""
    try:
        refuse_odd(path)
        start = _start(path)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise OutputFileError(f"cannot write {path!r}: {reason}", path=path) from None
    if start is None:
        folder = Path(path).parent
        if not folder.is_dir():
            raise OutputFileError(
                f"cannot write {path}: there is no folder {folder}",
                path=path,
                hints=("make the folder first",),
            )
        return
    if force or not start.strip() or re.match(begins, start):
        return
    raise OutputFileError(
        f"{path} holds something else than a report in the format {name}",
        path=path,
        hints=("--force replaces it", f"--format {name}=FILE writes elsewhere"),
    )


def _start(path: str) -> str | None:
    """The first part of a file as text; None where there is none. A link to what is no file,
    such as a pipe, has no start: the link itself is replaced."""
    try:
        kind = Path(path).stat().st_mode
    except FileNotFoundError:
        return "" if os.path.lexists(path) else None
    if not stat.S_ISREG(kind):
        return ""
    # It may have become a pipe since.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        data = file.read(_START) or b""
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\r\n", "\n")
