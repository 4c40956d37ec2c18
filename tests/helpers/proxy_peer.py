"""Proxies of the simplest kind on loopback: HTTP CONNECT and SOCKS5, with passwords."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tlsresume.server.acceptor import Acceptor


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def _relay(client: socket.socket, target: socket.socket) -> None:
    back = threading.Thread(target=_carry, args=(target, client), daemon=True)
    back.start()
    _carry(client, target)
    back.join(5)


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise OSError("gone")
        data += piece
    return data


class HTTPProxy(Acceptor):
    """Answers CONNECT. `answer` is sent instead of connecting; `heads` are the requests."""

    def __init__(self, answer: bytes | None = None, *, piece: int = 4096) -> None:
        super().__init__()
        self.answer = answer
        self.heads: list[bytes] = []
        self._piece = piece

    def serve(self, connection: socket.socket, number: int) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _exactly(connection, 1)
        self.heads.append(head)
        if self.answer is not None:
            for at in range(0, len(self.answer), self._piece):
                connection.sendall(self.answer[at : at + self._piece])
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        try:
            target = socket.create_connection((host.strip("[]"), int(port)), timeout=5)
        except OSError:
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            return
        with target:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
            _relay(connection, target)


class SocksProxy(Acceptor):
    """SOCKS5 (RFC 1928), with a user and password (RFC 1929) if given. `asked` is what was
    asked for: names, and addresses. `code` is answered instead of connecting."""

    def __init__(self, login: tuple[str, str] | None = None, code: int | None = None) -> None:
        super().__init__()
        self.login = login
        self.code = code
        self.asked: list[str] = []

    def serve(self, connection: socket.socket, number: int) -> None:
        _, count = _exactly(connection, 2)
        offered = _exactly(connection, count)
        method = 2 if self.login else 0
        if method not in offered:
            connection.sendall(b"\x05\xff")
            return
        connection.sendall(bytes((5, method)))
        if self.login:
            user = _exactly(connection, _exactly(connection, 2)[1])
            password = _exactly(connection, _exactly(connection, 1)[0])
            good = (user.decode(), password.decode()) == self.login
            connection.sendall(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                return
        kind = _exactly(connection, 4)[3]
        host = {
            1: lambda: socket.inet_ntop(socket.AF_INET, _exactly(connection, 4)),
            3: lambda: _exactly(connection, _exactly(connection, 1)[0]).decode(),
            4: lambda: socket.inet_ntop(socket.AF_INET6, _exactly(connection, 16)),
        }[kind]()
        port = int.from_bytes(_exactly(connection, 2), "big")
        self.asked.append(host)
        if self.code is not None:
            connection.sendall(bytes((5, self.code, 0, 1)) + bytes(6))
            return
        with socket.create_connection((host, port), timeout=5) as target:
            connection.sendall(bytes((5, 0, 0, 1)) + bytes(6))
            _relay(connection, target)
