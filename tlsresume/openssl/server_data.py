"""Data connections beside a control connection (RFC 959 section 5, RFC 4217), for a talk that
wants them: a port for each, one client there, from the control connection's address only.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tlsresume.openssl.server_talk import Talk

#: Seconds that a client has to come, and that it has to read or to say more.
_COME = 10.0
_CHUNK = 65_536

#: Serve TLS on a connection with this talk; whether the handshake succeeded.
Converse = Callable[[socket.socket, Talk], bool]


class DataPorts:
    """The data connections of one control connection. A context manager: leaving it closes the
    port. `adopt` and `disown` have the server shut a socket when it stops."""

    def __init__(
        self,
        control: socket.socket,
        converse: Converse,
        adopt: Callable[[socket.socket], None],
        disown: Callable[[socket.socket], None],
    ) -> None:
        self._control = control
        self._converse = converse
        self._adopt = adopt
        self._disown = disown
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._listener is not None:
            self._disown(self._listener)
            self._listener = None

    def listen(self) -> tuple[str, int]:
        """Wait for a client at a new port, instead of the last one; the address and port.
        Raises OSError."""
        self._close()
        listener = socket.socket(self._control.family)
        try:
            listener.bind((self._control.getsockname()[0], 0))
            listener.listen(4)
            self._adopt(listener)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        address, port = listener.getsockname()[:2]
        return address, port

    def transfer(self, talk: Talk, *, secure: bool) -> bool:
        """Serve the client that comes there; whether one came, and was content."""
        connection = self._accept()
        self._close()
        if connection is None:
            return False
        try:
            self._adopt(connection)
            connection.settimeout(_COME)
            return self._converse(connection, talk) if secure else _in_clear(connection, talk)
        except OSError:
            return False
        finally:
            self._disown(connection)

    def _accept(self) -> socket.socket | None:
        if self._listener is None:
            return None
        peer = self._control.getpeername()[0]
        deadline = time.monotonic() + _COME
        with suppress(OSError):
            while (left := deadline - time.monotonic()) > 0:
                self._listener.settimeout(left)
                connection, source = self._listener.accept()
                if source[0] == peer:
                    return connection
                connection.close()  # somebody else's: data is the client's own
        return None


def _in_clear(connection: socket.socket, talk: Talk) -> bool:
    """A transfer without TLS."""
    connection.sendall(talk.secured())
    while not talk.last and (data := connection.recv(_CHUNK)):
        talk.answer(data, reused=False)
    connection.shutdown(socket.SHUT_WR)
    return True
