"""A TLS server of the stdlib's that does one odd thing after the handshake."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.helpers import certificates
from tests.helpers.crowds import reset
from tlsresume.server.acceptor import Acceptor

#: What is done with a connection after the handshake; the event says that the test is over.
Then = Callable[[ssl.SSLSocket, threading.Event], None]


class TLSPeer(Acceptor):
    """Shakes hands, does `then`, and closes the connection without close_notify."""

    def __init__(
        self,
        then: Then,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        tickets: int = 0,
        *,
        ask_certificate: bool = False,
    ) -> None:
        super().__init__()
        self._then = then
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = self._context.maximum_version = version
        self._context.num_tickets = tickets
        if ask_certificate:
            self._context.verify_mode = ssl.CERT_OPTIONAL
        identity = certificates.localhost()
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder, "c.pem"), Path(folder, "k.pem")
            certificate.write_bytes(identity.certificate_pem)
            key.write_bytes(identity.key_pem)
            self._context.load_cert_chain(certificate, key)

    def serve(self, connection: socket.socket, number: int) -> None:
        tls = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self.adopt(tls)
        try:
            tls.do_handshake()
            self._then(tls, self._stopping)
        finally:
            self.disown(tls)


def flood(tls: ssl.SSLSocket, stopping: threading.Event) -> None:
    """Send without end, as long as anyone reads or the kernel has room."""
    chunk = b"\r" * 16_384
    while not stopping.is_set():
        tls.sendall(chunk)


def ignore(_tls: ssl.SSLSocket, stopping: threading.Event) -> None:
    """Say and read nothing more."""
    stopping.wait()


def reset_at_goodbye(tls: ssl.SSLSocket, _stopping: threading.Event) -> None:
    """Answer close_notify with RST."""
    while tls.recv(4096):
        pass
    reset(tls)


def reset_at_once(tls: ssl.SSLSocket, _stopping: threading.Event) -> None:
    """RST right after the handshake."""
    reset(tls)


def end_at_once(tls: ssl.SSLSocket, _stopping: threading.Event) -> None:
    """FIN right after the handshake, without close_notify; then read to the end."""
    with suppress(OSError):
        socket.socket.shutdown(tls, socket.SHUT_WR)
    while socket.socket.recv(tls, 4096):
        pass
