"""Reading files that anybody may have named, and writing files whole or not at all.

Reading has a limit on the size and on the time: a name may stand for a pipe that nobody writes
to, or a device without end. Whoever opens a file of the user's opens it here, so that no option
can hang the process. TOML (policies, configuration) is read in linear time; which keys may stand
in it is the caller's business.

Writing: the bytes go to a new file in the same folder, reach the disk, and only then get the
name that was asked for. Whatever happens before that, a full disk or Ctrl-C, leaves no trace.
Nothing is ever written through a symbolic link: with `force` the link itself is replaced, and
what it pointed to stays as it was. Devices and pipes are refused, since putting a file in their
place would break the machine.
"""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tlsresume import shortage
from tlsresume.errors import FileError, OutputFileError, TLSResumeError

if TYPE_CHECKING:
    from pathlib import Path

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


# ------------------------------------------------------------------------- TOML

#: No file that people write comes near this, in characters.
LARGEST_TOML = 1024 * 1024

#: The longest keys that mean anything have five parts. The work of tomllib on one key grows with
#: the square of the number of its parts, so more of them are refused unread.
_MOST_PARTS = 64
#: A key of more parts than that, also inside a text or a comment, where nobody writes one.
#: Possessive, and begun at the begin of a part only: so the search is linear.
_PART = r"(?:[A-Za-z0-9_-]++|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')"
_LONG_KEY = rf"(?<![A-Za-z0-9_.\-\"'\\])(?:{_PART}[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}"
#: How much of an error of tomllib, which quotes the text, is repeated.
_SHOWN = 200


def parse_toml(text: str, name: str, what: str, error: type[FileError]) -> dict[str, Any]:
    """The tables of a TOML text. `name` is the file's and `what` says what it should be, such as
    "a policy", both for messages. Raises `error`."""
    import tomllib

    if len(text) > LARGEST_TOML:
        raise error(f"{name} is too large for {what}", path=name)
    if long := re.search(_LONG_KEY, text):
        line = text.count("\n", 0, long.start()) + 1
        raise error(f"{name}, line {line}: a key of more than {_MOST_PARTS} parts", path=name)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{name} is nested too deeply for {what}", path=name) from None
    except ValueError as reason:
        said = str(reason)
        said = said[:1].lower() + said[1:]
        shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
        raise error(f"{name} is not TOML: {shown}", path=name) from None


# ------------------------------------------------------------------------- writing

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
    from pathlib import Path

    try:
        refuse_odd(path)
        if not force and os.path.lexists(path):
            raise FileExistsError(path)
        folder = Path(path).parent
        # The name cannot be guessed, so that what is deleted in the end is ours.
        temporary = folder / f".tlsresume-{os.urandom(8).hex()}.tmp"
        try:
            _write_all(temporary, (data,) if isinstance(data, bytes) else data, mode)
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


def _write_all(path: Path, pieces: Iterable[bytes], mode: int) -> None:
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
    from pathlib import Path

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
