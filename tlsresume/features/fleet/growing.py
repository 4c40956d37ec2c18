"""An output file that grows as results come, and is whole up to its last line whatever happens.

What was written reaches the disk now and then. Where a line cannot be written whole, as on a full
disk, what came before it is kept and the part of it is cut off.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time

from tlsresume.errors import OutputFileError, reason_of

#: Seconds between two times that what was written is made to reach the disk.
SYNC_EVERY = 5.0
_CHUNK = 65_536


class GrowingFile:
    """A file that lines are appended to. `keep`: what is in it stays, but for a torn last line.

    It is locked while it is open. Raises OutputFileError.
    """

    def __init__(self, path: str, *, keep: bool = False) -> None:
        self.path = path
        self._synced = time.monotonic()
        try:
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  a path may be no valid Path
                    raise OutputFileError(f"{path} is not a regular file", path=path)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (OSError, ValueError) as error:
            raise self._failed(error) from None
        try:
            self._lock()
            self._end = self._whole_lines() if keep else 0
            os.ftruncate(self._fd, self._end)
        except OSError as error:
            os.close(self._fd)
            raise self._failed(error) from None
        except OutputFileError:
            os.close(self._fd)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputFileError(f"another run writes to {self.path}", path=self.path) from None

    def _whole_lines(self) -> int:
        """How many bytes of the file are whole lines."""
        end = os.fstat(self._fd).st_size
        at = end
        while at > 0:
            start = max(0, at - _CHUNK)
            newline = os.pread(self._fd, at - start, start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            at = start
        return 0

    def write(self, text: str) -> None:
        """Append lines. Raises OutputFileError, and leaves no part of them then."""
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        at = self._end
        try:
            while rest:
                written = os.pwrite(self._fd, rest, at)
                rest, at = rest[written:], at + written
            if time.monotonic() - self._synced >= SYNC_EVERY:
                self.sync()
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._end)
            raise self._failed(error) from None
        self._end = at

    def sync(self) -> None:
        """Make what was written reach the disk."""
        os.fsync(self._fd)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Raises OutputFileError where the last of it does not reach the disk."""
        if self._fd < 0:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failed(error) from None
        finally:
            os.close(self._fd)
            self._fd = -1

    def _failed(self, error: OSError | ValueError) -> OutputFileError:
        return OutputFileError(f"cannot write {self.path}: {reason_of(error)}", path=self.path)
