"""Read a file that anybody may have named, with a limit on its size and on the time it takes.

A name may stand for a pipe that nobody writes to, or a device without end. Whoever opens a
file of the user's opens it here, so that no option can hang the process.
"""

from __future__ import annotations

import os
import select
import stat
import time
from typing import NamedTuple

from tlsresume import shortage
from tlsresume.errors import FileError, TLSResumeError

#: How long a pipe or terminal may take, in seconds.
PATIENCE = 10.0

#: What is read of a device that is no terminal: /dev/zero and its like have no end.
_DEVICE = 1 << 20
_CHUNK = 1 << 20

#: Certificates and keys: the largest bundles have a few hundred kilobytes.
LARGEST_PEM = 16 << 20


class _Clock:
    """When reading must end, by `time.monotonic`; None: `PATIENCE` alone counts."""

    end: float | None = None


class _Name(NamedTuple):
    """A pipe or device that was read, told apart from another of the same path."""

    path: str
    device: int
    inode: int


_held: dict[_Name, bytes] = {}


def give_up_after(seconds: float | None) -> None:
    """Wait for no file longer than this from now on, as the user's --deadline says."""
    _Clock.end = None if seconds is None else time.monotonic() + seconds


def read_bounded(path: str, largest: int, error: type[FileError]) -> tuple[bytes, int | None]:
    """The first `largest` bytes of a file and one more, and its permission bits.

    The bits are None where it is no regular file. Links are followed; a pipe is waited
    for, but not longer than `PATIENCE`. Raises `error`.
    """
    try:
        # Without O_NONBLOCK the opening of a pipe waits for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as reason:
        raise _refused(path, reason, error) from reason
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise error(f"{path} is a folder", path=path, hints=("name a file in it",))
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            raise error(f"{path} is not a regular file", path=path)
        device = stat.S_ISCHR(mode) and not os.isatty(fd)
        data = _read(fd, path, min(largest, _DEVICE) if device else largest, error)
        if device and len(data) > _DEVICE:
            raise error(f"{path} is too large: it is a device without end", path=path)
    except OSError as reason:
        raise _refused(path, reason, error) from reason
    finally:
        os.close(fd)
    return data, stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def is_regular(path: str) -> bool:
    """Whether a path names a regular file, which can be read again and never makes one wait."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116  a path may be no valid Path
    except (OSError, ValueError):
        return False


def read_held(path: str, largest: int, error: type[FileError]) -> bytes:
    """A file's content, which is no more than `largest` bytes. What a pipe gave is kept, since
    it gives it once, for as long as the process lives. Raises `error`."""
    try:
        found = os.stat(path)  # noqa: PTH116  same
        name = _Name(path, found.st_dev, found.st_ino)
    except (OSError, ValueError) as reason:
        raise _refused(path, reason, error) from reason
    if name in _held:
        return _held[name]
    data, mode = read_bounded(path, largest, error)
    if len(data) > largest:
        raise error(f"{path} is too large: more than {largest} bytes", path=path)
    if mode is None:
        _held[name] = data
    return data


def _refused(path: str, reason: OSError | ValueError, error: type[FileError]) -> TLSResumeError:
    """What to raise: the file's error, or LocalError where this machine ran out of something."""
    if shortage.is_shortage(reason):
        return shortage.local_error(reason, f"read {path}")
    words = (isinstance(reason, OSError) and reason.strerror) or str(reason)
    return error(f"cannot read {path}: {words.lower()}", path=path)


def _read(fd: int, path: str, largest: int, error: type[FileError]) -> bytes:
    data = bytearray()
    patience = PATIENCE
    if _Clock.end is not None:
        patience = max(0.0, min(patience, _Clock.end - time.monotonic()))
    deadline = time.monotonic() + patience
    while len(data) <= largest:
        # Read before waiting: poll never reports the end of a pipe whose writer was
        # gone when it was opened, as with a quick command in a shell's <(...).
        try:
            chunk = os.read(fd, min(_CHUNK, largest + 1 - len(data)))
        except BlockingIOError:
            ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                what = "no end" if data else "nothing"
                raise error(f"{what} came from {path} within {patience:.3g} s", path=path) from None
            continue
        if not chunk:
            break
        data += chunk
    return bytes(data)
