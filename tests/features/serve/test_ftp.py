"""`serve --starttls ftp` and `ftps`: whole transfers, and what data connections offer."""

from __future__ import annotations

import ftplib
import io
import socket
import ssl
import threading
import time
from typing import Any

import pytest

import tlsresume
from tests.features.serve.clients import codes, context_for, result
from tlsresume.features.serve import ftp_talk
from tlsresume.features.serve.serving import Serving
from tlsresume.server import data_connections as server_data


class Reusing(ftplib.FTP_TLS):
    """The control connection's session on each data connection."""

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:  # type: ignore[attr-defined]  # what the base class does it by
            assert isinstance(self.sock, ssl.SSLSocket)
            connection = self.context.wrap_socket(
                connection, server_hostname="localhost", session=self.sock.session
            )
        return connection, size


class Implicit(Reusing):
    """TLS with the connection."""

    def connect(self, host: str = "", port: int = 0, *_: Any, **__: Any) -> str:
        self.host, self.port, self.timeout = host, port, 10
        plain = socket.create_connection((host, port), 10)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname="localhost")
        self.file = self.sock.makefile("r", encoding="utf-8")
        self.welcome = self.getresp()
        return self.welcome

    def auth(self) -> str:
        return ""


def session(
    serving: Serving, kind: type[ftplib.FTP_TLS], version: str, *, protected: bool = True
) -> ftplib.FTP_TLS:
    """A client that has logged in."""
    client = kind(context=context_for(serving, version), timeout=10)
    client.connect("localhost", serving.port)
    client.login("anybody", "anything")
    if protected:
        client.prot_p()
    return client


def transfer_all(client: ftplib.FTP_TLS) -> None:
    """A listing, a file down, a file up."""
    assert client.nlst() == ["hello.txt"]
    lines: list[str] = []
    client.retrlines("LIST", lines.append)
    assert lines[0].endswith("hello.txt")
    got = io.BytesIO()
    client.retrbinary("RETR hello.txt", got.write)
    assert got.getvalue() == b"tlsresume\n"
    assert client.size("hello.txt") == len(got.getvalue())
    assert client.storbinary("STOR up", io.BytesIO(b"x" * 300_000)).startswith("226")


def test_data_connections_that_offer_the_session_and_that_do_not():
    """On both versions, with STARTTLS and without, whole transfers work; that data connections
    offer the control connection's session is seen, and that they offer none is a finding."""
    for protocol, kind, version, own in (
        ("ftp", Reusing, "1.2", 4),
        ("ftp", Reusing, "1.3", 4),
        ("ftp", ftplib.FTP_TLS, "1.2", 0),
        ("ftp", ftplib.FTP_TLS, "1.3", 0),
        ("ftps", Implicit, "1.3", 4),
    ):
        with tlsresume.serve(starttls=protocol) as server:
            assert server.url == f"{protocol}://localhost:{server.port}/"
            client = session(server, kind, version)
            transfer_all(client)
            client.quit()
            report = server.report()
        seen = result(report)
        assert seen.data is not None
        told = (seen.data.connections, seen.data.could_offer, seen.data.own, seen.data.accepted)
        assert told == (4, 4, own, own), (protocol, kind, version)
        grave = {each.code for each in seen.findings if each.severity != "info"}
        assert grave == (set() if own else {"data-connection-offers-nothing"})
        assert seen.verdict == ("resumes" if own else "never-offers")


def test_a_session_of_another_control_connection():
    """A data connection that offers what another control connection got is told of as such."""

    class Mixing(Reusing):
        other: ssl.SSLSession | None = None

        def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
            connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
            wrapped = self.context.wrap_socket(
                connection, server_hostname="localhost", session=type(self).other
            )
            return wrapped, size

    with tlsresume.serve(starttls="ftp") as server:
        context = context_for(server, "1.2")
        clients = [Mixing(context=context, timeout=10) for _ in range(2)]
        for each in clients:
            each.connect("localhost", server.port)
            each.login()
            each.prot_p()
        Mixing.other = clients[0].sock.session  # type: ignore[union-attr]  # it is connected
        clients[1].nlst()
        for each in clients:
            each.quit()
        seen = result(server.report())
    assert seen.data is not None
    assert (seen.data.own, seen.data.other) == (0, 1)
    assert "data-connection-other-session" in codes(seen)


def test_transfers_in_clear_and_none_before_tls():
    """Data in clear is served where the client does not protect it; nothing before AUTH TLS."""
    with tlsresume.serve(starttls="ftp") as server:
        client = session(server, ftplib.FTP_TLS, "1.3", protected=False)
        transfer_all(client)
        client.quit()
        plain = ftplib.FTP(timeout=10)
        plain.connect("localhost", server.port)
        with pytest.raises(ftplib.error_perm, match="534"):
            plain.sendcmd("EPSV")
        with pytest.raises(ftplib.error_perm, match="534"):
            plain.sendcmd("LIST")
        plain.close()
        seen = result(server.report())
    assert (seen.data, seen.connections) == (None, 1)


@pytest.mark.slow
def test_a_data_connection_that_nobody_makes(monkeypatch):
    """A client that never comes to the data port, or speaks no TLS there, is told so, and the
    control connection goes on; a transfer without a port, too."""
    monkeypatch.setattr(server_data, "_COME", 0.2)
    with tlsresume.serve(starttls="ftp") as server:
        client = session(server, ftplib.FTP_TLS, "1.3")
        client.sendcmd("EPSV")
        assert client.sendcmd("LIST").startswith("150")
        with pytest.raises(ftplib.error_temp, match="425"):
            client.getresp()
        client.putcmd("RETR x")  # no port was asked for
        assert client.getresp().startswith("150")
        with pytest.raises(ftplib.error_temp, match="425"):
            client.getresp()
        host, port = client.makepasv()
        with socket.create_connection((host, port), 5) as data:
            data.sendall(b"this is no TLS at all\r\n\r\n")
            assert client.sendcmd("NLST").startswith("150")
            with pytest.raises(ftplib.error_temp, match="425"):
                client.getresp()
        assert client.pwd() == "/"
        client.quit()


def test_stopping_while_a_data_connection_is_awaited():
    """A server that stops does not wait for a client that never comes to its data port."""
    with tlsresume.serve(starttls="ftp") as server:
        client = session(server, ftplib.FTP_TLS, "1.3")
        client.sendcmd("EPSV")
        client.putcmd("LIST")
        assert client.getresp().startswith("150")
        began = time.monotonic()
    assert time.monotonic() - began < server_data._COME / 2
    client.close()


def test_the_port_is_for_its_own_client_only():
    """A new PASV closes the port before it, so a client holds one at a time."""
    with tlsresume.serve(starttls="ftp") as server:
        client = session(server, ftplib.FTP_TLS, "1.3")
        ports = [client.makepasv()[1] for _ in range(3)]
        for port in ports[:2]:
            if port != ports[2]:
                with pytest.raises(OSError):
                    socket.create_connection(("127.0.0.1", port), 2).close()
        client.quit()


def test_threads_end_with_the_server():
    """No thread of a transfer outlives the server."""
    before = set(threading.enumerate())
    with tlsresume.serve(starttls="ftp") as server:
        client = session(server, Reusing, "1.3")
        transfer_all(client)
        client.quit()
    assert set(threading.enumerate()) <= before
    assert ftp_talk.FTPTalk(implicit=True).clear is False
