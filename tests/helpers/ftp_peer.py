"""A small FTP server with TLS of the stdlib's, whose options on data connections are knobs."""

from __future__ import annotations

import socket
import ssl
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.helpers import certificates
from tlsresume.server.acceptor import Acceptor


@dataclass(frozen=True, kw_only=True)
class LabOptions:
    """`required`: a data connection must resume (522). `broken`: none ever works. `lasting`:
    so many listings of one login succeed. `tickets`: TLS 1.3 tickets of each connection.
    `extended`: EPSV is known. `early`: TLS on the data connection before the 150. `greets`:
    how the control connection greets; `injects`: bytes sent with the answer to AUTH.
    `elsewhere`: PASV names an address that is not ours."""

    required: bool = False
    broken: bool = False
    lasting: int = 1000
    tickets: int = 2
    extended: bool = True
    early: bool = False
    password: str | None = None
    injects: bytes = b""
    implicit: bool = False
    forgets: bool = False
    elsewhere: bool = False


class FTPPeer(Acceptor):
    """Serves anonymous logins and listings, one thread for each control connection."""

    def __init__(
        self, options: LabOptions | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> None:
        super().__init__()
        self.options = options or LabOptions()
        self.said: list[str] = []
        self._context = self._new_context(version)
        # Sessions of the one are unknown to the other.
        self._data_context = self._new_context(version) if self.options.forgets else self._context

    def _new_context(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = version
        context.num_tickets = self.options.tickets
        identity = certificates.localhost()
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder, "c.pem"), Path(folder, "k.pem")
            certificate.write_bytes(identity.certificate_pem)
            key.write_bytes(identity.key_pem)
            context.load_cert_chain(certificate, key)
        return context

    def serve(self, connection: socket.socket, number: int) -> None:
        if not self.options.implicit:
            connection.sendall(b"220-Hello\r\n 220 dear\r\n220 client\r\n")
            if self._line(connection) != "AUTH TLS":
                return
            connection.sendall(b"234 go\r\n" + self.options.injects)
        tls = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.adopt(tls)
        try:
            tls.do_handshake()
            if self.options.implicit:
                tls.sendall(b"220 inside\r\n")
            self._session(tls)
        finally:
            self.disown(tls)

    def _line(self, stream: socket.socket) -> str:
        data = b""
        while not data.endswith(b"\n"):
            byte = stream.recv(1)
            if not byte:
                raise OSError("gone")
            data += byte
        self.said.append(data.decode().strip())
        return self.said[-1]

    def _session(self, control: ssl.SSLSocket) -> None:
        with ExitStack() as listeners:
            self._commands(control, listeners)

    def _commands(self, control: ssl.SSLSocket, listeners: ExitStack) -> None:
        listener: socket.socket | None = None
        listed = 0
        while True:
            word, _, argument = self._line(control).partition(" ")
            if word in ("EPSV", "PASV") and (self.options.extended or word == "PASV"):
                listener = listeners.enter_context(socket.create_server(("127.0.0.1", 0)))
                listener.settimeout(5)
                port = listener.getsockname()[1]
                if word == "EPSV":
                    control.sendall(b"229 Entering (|||%d|)\r\n" % port)
                else:
                    # An address elsewhere is one that a careful client does not follow.
                    host = b"192,0,2,1" if self.options.elsewhere else b"127,0,0,1"
                    numbers = b"%s,%d,%d" % (host, port // 256, port % 256)
                    control.sendall(b"227 Entering (" + numbers + b").\r\n")
            elif word == "LIST" and listener is not None:
                listed += 1
                self._list(control, listener, listed)
            elif word == "PASS" and self.options.password not in (None, argument):
                control.sendall(b"530 Login incorrect\r\n")
            elif word in _ANSWERS:
                control.sendall(_ANSWERS[word])
                if word == "QUIT":
                    return
            else:
                control.sendall(b"502 unknown\r\n")

    def _list(self, control: ssl.SSLSocket, listener: socket.socket, listed: int) -> None:
        options = self.options
        data, _ = listener.accept()
        if not options.early:
            control.sendall(b"150 Here it comes\r\n")
        with (
            suppress(OSError),
            self._data_context.wrap_socket(
                data, server_side=True, do_handshake_on_connect=False
            ) as tls,
        ):
            tls.do_handshake()
            if options.early:
                control.sendall(b"150 Here it came\r\n")
            if options.broken or listed > options.lasting:
                control.sendall(b"425 Unable to build data connection\r\n")
                return
            if options.required and not tls.session_reused:
                control.sendall(b"522 SSL connection failed: session reuse required\r\n")
                return
            tls.sendall(b"-rw-r--r-- 1 a b 5 Jan 1 2026 file\r\n")
            with suppress(OSError):
                tls.unwrap().close()
            control.sendall(b"226-Sent\r\n226 Done\r\n")


_ANSWERS = {
    "USER": b"331 Password, please\r\n",
    "PASS": b"230-Welcome\r\n230 in\r\n",
    "PBSZ": b"200 PBSZ=0\r\n",
    "PROT": b"200 Private\r\n",
    "QUIT": b"221 Bye\r\n",
}
