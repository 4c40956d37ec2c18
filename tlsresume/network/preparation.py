"""What a command imports while its first connection is on its way.

A first connection needs a socket. OpenSSL takes 30 ms to import, and what judges and prints 40 ms:
longer than many servers take to answer. So the first connection is dialled, and a thread imports
meanwhile. TLS begins when the library is there; what we wait for it is not counted into the time of
a connection. Where a server answers at once there is no time for the rest: two threads that work
cost more than one, and it is imported where it is needed. Only the command does so: who imports the
package has most of it by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from time import monotonic as now

from tlsresume import collecting

#: Seconds that the thread keeps the interpreter at a time while connections are timed; Python's
#: own are ten times as many.
_TURN = 0.0005

#: Seconds in which a server that is near has answered our first flight, which takes us 10 ms to make.
_NEAR = 0.03


class _Preparation:
    """Two steps on a thread of its own: `library`, without which no connection can go on, and
    `rest`."""

    def __init__(self, library: Callable[[], object], rest: Callable[[], object]) -> None:
        self._steps = (library, rest)
        self._library: Future[None] = Future()
        # Whoever stops waiting for it does not stop it.
        self._library.set_running_or_notify_cancel()
        self._thread: threading.Thread | None = None
        self.answered = threading.Event()

    def begin(self) -> None:
        """Start the thread, unless it was started."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run)
        try:
            self._thread.start()
        except (RuntimeError, MemoryError):  # this machine starts no more threads
            self._run()

    def _run(self) -> None:
        library, rest = self._steps
        turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        try:
            library()
        except BaseException as error:  # noqa: BLE001  also a panic of Rust: each connection has it
            self._library.set_exception(error)
        else:
            self._library.set_result(None)
            if not self.answered.wait(_NEAR):
                with contextlib.suppress(BaseException):  # it is imported again, and raises there
                    rest()
        finally:
            sys.setswitchinterval(turn)
            collecting.started()

    async def library(self) -> None:
        """Wait for the library. Raises what its step raised."""
        self.begin()
        await asyncio.wrap_future(self._library)

    def end(self) -> None:
        """Wait for the thread, if there is one."""
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()


_preparation: _Preparation | None = None


@contextmanager
def prepared_meanwhile(library: Callable[[], object], rest: Callable[[], object]) -> Iterator[None]:
    """A block in which the first connection that is dialled begins `library`. What that raises
    comes out of every connection. `rest` follows unless the server is near; what it raises comes
    again with its import."""
    global _preparation  # noqa: PLW0603  a process imports once
    mine = _preparation = _Preparation(library, rest)
    try:
        yield
    finally:
        _preparation = None
        mine.end()


def is_planned() -> bool:
    """Whether much is still to be imported."""
    return _preparation is not None


def begin() -> None:
    """A connection is about to be dialled."""
    if _preparation is not None:
        _preparation.begin()


async def ready() -> float:
    """Wait until TLS can begin: the seconds that this took. Raises BindingError."""
    if _preparation is None:
        return 0.0
    began = now()
    await _preparation.library()
    return now() - began


def answered() -> None:
    """A handshake has ended, so there is work again."""
    if _preparation is not None:
        _preparation.answered.set()
