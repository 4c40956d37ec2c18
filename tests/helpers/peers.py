"""Peers on loopback that break TLS, or the way to it.

`RawPeer` plays one of `MISDEEDS` on each connection. `Relay` stands between a
client and real TLS servers, and spoils what passes. Both are context managers
with a `port`. Nothing here is shared with the code under test but the
threads of `Acceptor`; ClientHellos are read by a parser of its own.
"""

from __future__ import annotations

import itertools
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from tests.helpers.crowds import reset
from tlsresume.server.acceptor import Acceptor

_CHUNK = 65_536

# ------------------------------------------------------------------ ClientHello


def read_client_hello(connection: socket.socket) -> bytes:
    """The records that hold the ClientHello, as they came; b"" if the client left before."""
    records, message = b"", b""
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        header = _read_exactly(connection, 5)
        body = _read_exactly(connection, int.from_bytes(header[3:5], "big")) if header else b""
        if not body:
            return b""
        records += header + body
        message += body
    return records


def _read_exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            return b""
        data += chunk
    return data


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """The vector at `at` whose length takes `width` bytes, and where it ends."""
    start = at + width
    end = start + int.from_bytes(data[at:start], "big")
    return data[start:end], end


def offers_session(records: bytes) -> bool:
    """Whether a ClientHello offers a session: a pre_shared_key, a session ticket, or, from a
    client that does not speak TLS 1.3 (where it means nothing), a session ID."""
    hello = b""
    while records:
        body, end = _vector(records, 3, 2)
        hello += body
        records = records[end:]
    session_id, at = _vector(hello, 4 + 2 + 32, 1)
    _, at = _vector(hello, at, 2)  # cipher_suites
    _, at = _vector(hello, at, 1)  # legacy_compression_methods
    block, _ = _vector(hello, at, 2)
    extensions: dict[int, bytes] = {}
    at = 0
    while at < len(block):
        number = int.from_bytes(block[at : at + 2], "big")
        extensions[number], at = _vector(block, at + 2, 2)
    if 41 in extensions or extensions.get(35):
        return True
    speaks_tls13 = b"\x03\x04" in extensions.get(43, b"")
    return bool(session_id) and not speaks_tls13


# --------------------------------------------------------------------- misdeeds

Misdeed = Callable[[socket.socket], None]

#: Descriptions of RFC 8446 section 6, by the names of their alerts.
ALERTS = {"handshake_failure": 40, "protocol_version": 70, "internal_error": 80}


def alert_record(name: str) -> bytes:
    """A fatal alert in clear."""
    return bytes([21, 3, 3, 0, 2, 2, ALERTS[name]])


def _drain(connection: socket.socket) -> None:
    """Read until the client leaves."""
    while connection.recv(_CHUNK):
        pass


def _close_at_once(connection: socket.socket) -> None:
    """A client whose ClientHello comes later may see FIN or RST."""


def _silent(connection: socket.socket) -> None:
    _drain(connection)


def _reset_after_hello(connection: socket.socket) -> None:
    read_client_hello(connection)
    reset(connection)


def _says(reply: bytes) -> Misdeed:
    """Answer the ClientHello with some bytes, then FIN."""

    def misdeed(connection: socket.socket) -> None:
        read_client_hello(connection)
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)
        _drain(connection)

    return misdeed


def _ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    _drain(connection)


def _turns_away(connection: socket.socket) -> None:
    connection.sendall(b"421 4.7.0 too many connections\r\n")
    _drain(connection)


MISDEEDS: dict[str, Misdeed] = {
    "closes after accept": _close_at_once,
    "silent": _silent,
    "plain HTTP": _says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    "garbage": _says(bytes(range(255, 0, -1)) * 4),
    "SSH banner": _ssh,
    "too many connections": _turns_away,
    "reset after ClientHello": _reset_after_hello,
    "closes after ClientHello": _says(b""),
    "handshake_failure": _says(alert_record("handshake_failure")),
    "protocol_version": _says(alert_record("protocol_version")),
}


class RawPeer(Acceptor):
    """A TCP server that does the same misdeed, by its name in `MISDEEDS`, each time."""

    def __init__(self, misdeed: str, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._misdeed = MISDEEDS[misdeed]

    def serve(self, connection: socket.socket, number: int) -> None:
        self._misdeed(connection)


class MutePeer(RawPeer):
    """Takes connections, says nothing, and tells by `heard` that one has sent something."""

    def __init__(self) -> None:
        super().__init__("silent")
        self.heard = threading.Event()

    def serve(self, connection: socket.socket, number: int) -> None:
        connection.recv(1, socket.MSG_PEEK)
        self.heard.set()
        super().serve(connection, number)


@contextmanager
def refused_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that is taken, so that no one else gets it, and refuses connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        yield taken.getsockname()[1]


# ------------------------------------------------------------------------ relay

Kill = Literal["fin", "rst", "alert", "silence"]


class Relay(Acceptor):
    """Forwards each connection to the next of `ports`, as a balancer does by round robin.

    `drip`: seconds between two bytes from server to client. `delay`: seconds before
    each chunk from server to client. `reset_every`: reset each n-th connection.
    `reset_after`: reset all connections after the n-th, as a limit or a ban does.
    `kill_offers`: end so each connection whose ClientHello offers a session.
    `swallow_close`: drop the server's alert records, close_notify among them (in TLS 1.3
    known by its length, which two bytes of application data would have, too).
    `offers` counts the ClientHellos that offered a session.
    """

    def __init__(
        self,
        *ports: int,
        host: str = "127.0.0.1",
        drip: float = 0.0,
        delay: float = 0.0,
        reset_every: int | None = None,
        reset_after: int | None = None,
        kill_offers: Kill | None = None,
        swallow_close: bool = False,
    ) -> None:
        super().__init__(host)
        self._ports = itertools.cycle(ports)
        self._drip = drip
        self._delay = delay
        self._reset_every = reset_every
        self._reset_after = reset_after
        self._kill_offers = kill_offers
        self._swallow_close = swallow_close
        self._turns = threading.Lock()
        self.offers = 0

    def serve(self, connection: socket.socket, number: int) -> None:
        with self._turns:
            port = next(self._ports)
        hello = read_client_hello(connection)
        if not hello:
            return
        every, after = self._reset_every, self._reset_after
        if (every and number % every == 0) or (after and number > after):
            reset(connection)
            return
        if offers_session(hello):
            with self._turns:
                self.offers += 1
            if self._kill_offers:
                self._kill(connection, self._kill_offers)
                return
        upstream = socket.create_connection((self.host, port))
        self.adopt(upstream)
        try:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            upstream.sendall(hello)
            self._pass(connection, upstream)
        finally:
            self.disown(upstream)

    def _kill(self, connection: socket.socket, kill: Kill) -> None:
        if kill == "rst":
            reset(connection)
            return
        if kill == "alert":
            connection.sendall(alert_record("internal_error"))
        if kill != "silence":
            connection.shutdown(socket.SHUT_WR)
        _drain(connection)

    def _pass(self, client: socket.socket, upstream: socket.socket) -> None:
        """Forward both ways until the server has ended, or the client is gone with RST."""
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            selector.register(upstream, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is client:
                        data = client.recv(_CHUNK)
                        upstream.sendall(data)
                        if not data:
                            selector.unregister(client)
                            upstream.shutdown(socket.SHUT_WR)
                        continue
                    data = upstream.recv(_CHUNK)
                    pending = self._send(client, pending + data)
                    if not data:
                        client.shutdown(socket.SHUT_WR)
                        return

    def _send(self, client: socket.socket, data: bytes) -> bytes:
        """Send what came from the server, spoilt as asked; return what must wait for more."""
        rest = b""
        if self._swallow_close:
            data, rest = _without_alerts(data)
        if self._delay and data:
            self._stopping.wait(self._delay)
        if not self._drip:
            client.sendall(data)
            return rest
        for byte in data:
            client.sendall(bytes([byte]))
            if self._stopping.wait(self._drip):
                break
        return rest


def _without_alerts(data: bytes) -> tuple[bytes, bytes]:
    """The whole records that are no alerts, and the incomplete rest."""
    kept = b""
    while len(data) >= 5:
        body, end = _vector(data, 3, 2)
        if end > len(data):
            break
        if not (data[0] == 21 or (data[0] == 23 and len(body) == 19)):
            kept += data[:end]
        data = data[end:]
    return kept, data
