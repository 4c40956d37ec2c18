"""Writing a file whole or not at all.

The bytes go to a new file in the same folder, reach the disk, and only then get
the name that was asked for. Whatever happens before that, a full disk or Ctrl-C,
leaves no trace. Nothing is ever written through a symbolic link: with `force`
the link itself is replaced, and what it pointed to stays as it was. Devices and
pipes are refused, since putting a file in their place would break the machine.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tlsresume.errors import OutputFileError

_HINTS: dict[int, str] = {
    errno.ENOENT: "Make the folder first.",
    errno.ENOTDIR: "Part of the path is a file, where a folder was expected.",
    errno.EACCES: "Choose a folder that you can write to.",
    errno.EPERM: "Choose a folder that you can write to.",
    errno.EROFS: "The file system is read-only; choose another folder.",
    errno.ENOSPC: "The disk is full; nothing was written.",
    errno.EDQUOT: "Your quota is used up; nothing was written.",
}

#: What link(2) says on file systems without hard links.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}


def write_atomically(
    path: str, data: bytes | Iterable[bytes], *, force: bool = False, mode: int = 0o600
) -> None:
    """Write `data`, whole or in pieces, to `path` with permissions `mode` (less the umask), all
    or nothing.

    An existing file is replaced only with `force`. Raises OutputFileError.
    """
    try:
        refuse_odd(path)
        if not force and os.path.lexists(path):
            raise FileExistsError(path)
        folder = Path(path).parent
        # The name cannot be guessed, so that what is deleted in the end is ours.
        temporary = folder / f".tlsresume-{secrets.token_hex(8)}.tmp"
        try:
            _write(temporary, (data,) if isinstance(data, bytes) else data, mode)
            if force:
                temporary.replace(path)
            else:
                _give_name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(folder)
    except FileExistsError:
        raise OutputFileError(
            f"{path} exists already", path=path, hints=("--force replaces it",)
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0)
        raise OutputFileError(
            f"cannot write {path}: {reason}", path=path, hints=(hint,) if hint else ()
        ) from error
    except ValueError as error:
        raise OutputFileError(f"cannot write {path!r}: {error}", path=path) from error


def refuse_odd(path: str) -> None:
    """Raise OutputFileError for a path whose place no file may take: a folder, a device."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(kind):
        raise OutputFileError(f"{path} is a folder", path=path, hints=("name a file in it",))
    if not stat.S_ISREG(kind) and not stat.S_ISLNK(kind):
        raise OutputFileError(
            f"{path} is not a regular file", path=path, hints=("use - for standard output",)
        )


def _write(path: Path, pieces: Iterable[bytes], mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def _give_name(temporary: Path, path: str) -> None:
    """Name the file, but take no name that exists: link(2) fails where rename(2) replaces."""
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        return
    # Without hard links the name is claimed by an empty file first.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        temporary.replace(path)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the file system can."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
