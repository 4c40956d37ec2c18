"""What this machine can run out of while it tests others: descriptors, local ports, memory.

A connection that fails for want of these says nothing about the server. So each such error
is told apart here by its number, once, and becomes a `LocalError` or a failure of the kind
`local`, whose words name the limit.
"""

from __future__ import annotations

import contextlib
import errno
import os
from types import ModuleType

from tlsresume.errors import LocalError

try:
    # Now, since an import takes a descriptor, and there may be none when it is wanted.
    import resource
except ImportError:  # not a POSIX system
    _limits: ModuleType | None = None
else:
    _limits = resource

#: Errors of connect(2), socket(2), open(2) and send(2) that are about this machine alone.
SHORTAGES: frozenset[int] = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.EADDRNOTAVAIL,
        errno.EADDRINUSE,
        errno.ENOBUFS,
        errno.ENOMEM,
    }
)

_WORDS: dict[int, str] = {
    errno.ENFILE: "the system has no file descriptor left",
    errno.EADDRNOTAVAIL: "this machine has no local port left",
    errno.EADDRINUSE: "this machine has no local port left",
    errno.ENOBUFS: "this machine has no buffer space left",
    errno.ENOMEM: "this machine has no memory left",
}

#: Descriptors that a run needs beside its connections: standard streams, event loop, files.
_BESIDE = 32


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that this machine ran out of something."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, OSError) and error.errno in SHORTAGES


def words(error: BaseException) -> str:
    """What ran out, as a lower-case clause that names `ulimit -n` where that is the limit."""
    number = error.errno if isinstance(error, OSError) else errno.ENOMEM
    if number == errno.EMFILE:
        limit = descriptor_limit()
        return f"this process has no file descriptor left (ulimit -n: {limit or 'unknown'})"
    return _WORDS.get(number or 0, str(error))


def hints(error: BaseException) -> tuple[str, ...]:
    """What helps, one sentence each."""
    number = error.errno if isinstance(error, OSError) else errno.ENOMEM
    if number == errno.EMFILE:
        return ("allow more with `ulimit -n 4096`, or make fewer connections: --concurrency 1",)
    if number in (errno.EADDRNOTAVAIL, errno.EADDRINUSE):
        return ("closed connections keep their ports for a minute: wait, or use fewer at a time",)
    return ("end other programs, or make fewer connections at a time: --concurrency 1",)


def local_error(error: BaseException, doing: str) -> LocalError:
    """The error to raise; `doing` is what could not be done, such as "look up host.example"."""
    return LocalError(f"cannot {doing}: {words(error)}", hints=hints(error))


def shortage_now() -> OSError | None:
    """The error with which this process gets no descriptor at this moment, if so.

    Libraries that open files (OpenSSL, the resolver) hide it behind errors of their own.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error if is_shortage(error) else None
    return None


def descriptor_limit() -> int | None:
    """How many descriptors this process may have (the soft limit of RLIMIT_NOFILE)."""
    if _limits is None:
        return None
    soft: int = _limits.getrlimit(_limits.RLIMIT_NOFILE)[0]
    return soft


def make_room(connections: int) -> None:
    """Raise the soft limit of descriptors to the hard one, if so many connections at a time
    need that. What the system refuses is left as it is: a shortage is told when it comes."""
    if _limits is None:
        return
    soft, hard = _limits.getrlimit(_limits.RLIMIT_NOFILE)
    if soft == _limits.RLIM_INFINITY or soft >= connections + _BESIDE or soft == hard:
        return
    with contextlib.suppress(OSError, ValueError):
        _limits.setrlimit(_limits.RLIMIT_NOFILE, (hard, hard))
