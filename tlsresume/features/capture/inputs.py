"""Bytes of capture files and streams, unpacked from gzip where they are packed.

An Input is read from the front, once. A file that is cut or damaged inside gzip ends there,
and `damage` says so; what came before counts.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import zlib
from collections.abc import Callable

from tlsresume.errors import CaptureFileError, reason_of
from tlsresume.files import is_regular

STDIN = "-"
_GZIP = b"\x1f\x8b"
#: Seconds after which a stream that says nothing is idle.
_PATIENCE = 0.5
#: Bytes read at a time.
CHUNK = 1 << 18
_KINDS = (
    (b"\x28\xb5\x2f\xfd", "is packed with zstd", "zstdcat {} | tlsresume capture -"),
    (b"\x04\x22\x4d\x18", "is packed with lz4", "lz4cat {} | tlsresume capture -"),
    (b"\xfd7zXZ", "is packed with xz", "xzcat {} | tlsresume capture -"),
    (b"BZh", "is packed with bzip2", "bzcat {} | tlsresume capture -"),
    (b"snoop\0", "is a capture of snoop", "editcap -F pcap {} other.pcap"),
)
_HOW = "make one with: tcpdump -w FILE.pcap 'tcp port 443 or udp port 443'"


class Input:
    """One capture being read. Close it when done."""

    def __init__(self, path: str) -> None:
        """Raises CaptureFileError where the file cannot be opened."""
        self.path = path
        self.damage: str | None = None
        self._close: Callable[[], None] = lambda: None
        self._stream: int | None = None
        self._gunzip: _Gunzip | None = None
        self._read = self._open()
        try:
            self.head = self._fill(4)
            if self.head.startswith(_GZIP):
                self._gunzip = _Gunzip(self.head, self._read)
                self.head = self._fill(4)
        except BaseException:
            self.close()
            raise

    def _open(self) -> Callable[[int], bytes]:
        if self.path == STDIN:
            try:
                self._stream = stream = sys.stdin.fileno()
            except (OSError, ValueError):
                # A stand-in without a descriptor cannot be waited for.
                return _some_of_stdin
            return lambda size: os.read(stream, size)
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        self._close = lambda: os.close(fd)
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            os.close(fd)
            raise CaptureFileError(
                f"{self.path} is a folder", path=self.path, hints=("name the files in it",)
            )
        return lambda size: os.read(fd, size)

    def _fill(self, least: int) -> bytes:
        data = b""
        while len(data) < least:
            more = self.read(CHUNK)
            if not more:
                break
            data += more
        return data

    def ready(self) -> bool:
        """Whether a read would not wait: False where a stream has nothing for a while."""
        if self._stream is None or self._gunzip is not None:
            return True
        return bool(select.select([self._stream], [], [], _PATIENCE)[0])

    def read(self, size: int) -> bytes:
        """Some bytes, at most about `size`; b"" at the end. Raises CaptureFileError."""
        try:
            if self._gunzip is None:
                return self._read(size)
            return self._gunzip.read(size)
        except zlib.error:
            self.damage = "the gzip data are damaged"
            return b""
        except EOFError:
            self.damage = "the gzip data end too early"
            return b""
        except OSError as error:
            raise self._unreadable(error) from None

    def close(self) -> None:
        """Close the file; the standard input stays open."""
        close, self._close = self._close, lambda: None
        close()

    def _unreadable(self, error: OSError | ValueError) -> CaptureFileError:
        return CaptureFileError(f"cannot read {self.path}: {reason_of(error)}", path=self.path)

    def _error(self, words: str, *hints: str) -> CaptureFileError:
        name = "the standard input" if self.path == STDIN else self.path
        return CaptureFileError(f"{name} {words}", path=self.path, hints=hints)

    def damaged(self, why: str) -> CaptureFileError:
        """What to say of a file that is damaged before its first packet."""
        copy = "copy the file again, as binary data"
        return self._error(f"is damaged at its start: {why}", copy, _HOW)

    def not_a_capture(self) -> CaptureFileError:
        """What to say of a file that does not begin as a capture does."""
        if self.damage is not None:
            return self.damaged(self.damage)
        if not self.head:
            return self._error("is empty", _HOW)
        for magic, what, how in _KINDS:
            if self.head.startswith(magic):
                return self._error(what, how.format(self.path))
        return self._error("is no capture: it begins as neither pcap nor pcapng does", _HOW)


def can_be_read_twice(path: str) -> bool:
    """Whether a path names a regular file, and no pipe or stream."""
    return path != STDIN and is_regular(path)


def _some_of_stdin(size: int) -> bytes:
    """What is there, without waiting for more."""
    return bytes(sys.stdin.buffer.read1(size))  # type: ignore[union-attr]  # a BufferedReader


class _Gunzip:
    """Unpack a stream of gzip members, a bounded piece at a time."""

    def __init__(self, head: bytes, read: Callable[[int], bytes]) -> None:
        self._packed = head
        self._source = read
        self._inflate = zlib.decompressobj(31)
        self._begun = False

    def read(self, size: int) -> bytes:
        """Unpacked bytes; b"" at the end. Raises zlib.error, and EOFError where the end is cut."""
        while True:
            if self._inflate.eof:
                self._packed = self._inflate.unused_data.lstrip(b"\0")
                self._inflate = zlib.decompressobj(31)
                self._begun = False
            packed = self._inflate.unconsumed_tail or self._packed or self._source(size)
            self._packed = b""
            if not packed:
                if self._begun:
                    raise EOFError
                return b""
            self._begun = True
            data = self._inflate.decompress(packed, size)
            if data:
                return data
