"""Reading a file that anybody may have named: no more than it may hold, and never for ever."""

from __future__ import annotations

import os
import select
import stat
import time

from tlsresume.errors import FileError

#: How long a pipe or terminal may stay silent, in seconds.
PATIENCE = 10.0


def read_bounded(path: str, largest: int, error: type[FileError]) -> tuple[bytes, int | None]:
    """The first `largest` bytes of a file and one more, and its permission bits.

    The bits are None where it is no regular file. Links are followed; a pipe is waited
    for, but not longer than `PATIENCE`. Raises `error`.
    """
    try:
        # Without O_NONBLOCK the opening of a pipe waits for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as reason:
        raise error(_why(path, reason), path=path) from reason
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise error(f"{path} is a folder", path=path, hints=("name a file in it",))
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            raise error(f"{path} is not a regular file", path=path)
        data = _read(fd, path, largest, error)
    except OSError as reason:
        raise error(_why(path, reason), path=path) from reason
    finally:
        os.close(fd)
    return data, stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _why(path: str, reason: OSError | ValueError) -> str:
    words = (isinstance(reason, OSError) and reason.strerror) or str(reason)
    return f"cannot read {path}: {words.lower()}"


def _read(fd: int, path: str, largest: int, error: type[FileError]) -> bytes:
    data = bytearray()
    deadline = time.monotonic() + PATIENCE
    while len(data) <= largest:
        # Read before waiting: poll never reports the end of a pipe whose writer was
        # gone when it was opened, as with a quick command in a shell's <(...).
        try:
            chunk = os.read(fd, largest + 1 - len(data))
        except BlockingIOError:
            ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise error(f"nothing came from {path} within {PATIENCE:g} s", path=path) from None
            continue
        if not chunk:
            break
        data += chunk
    return bytes(data)
