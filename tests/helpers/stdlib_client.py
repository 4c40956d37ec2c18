"""A TLS client that is not ours: the stdlib's `ssl`, for tests of servers and peers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.helpers import certificates

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

#: What an end without close_notify says, in an SSLEOFError or (Python 3.11.2) an SSLError.
ENDED = "(?i)unexpected_eof|EOF occurred"


def client_context(version: str | None = None, *, tickets: bool = True) -> ssl.SSLContext:
    """A Context that trusts the test authority; `tickets` off leaves TLS 1.2 its session IDs."""
    context = ssl.create_default_context(cadata=certificates.authority_pem().decode())
    # Set by the Python of Debian 12: an end without close_notify would pass for one with it.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    return context


@contextmanager
def connected(
    port: int,
    context: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
    host: str = "127.0.0.1",
) -> Iterator[ssl.SSLSocket]:
    """A connection after its handshake; leaving the block cuts it.

    Wrapped before it connects: the stdlib loses a socket that was reset before.
    """
    plain = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    plain.settimeout(5)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(
        plain, server_hostname="localhost", session=session, suppress_ragged_eofs=False
    ) as secure:
        secure.connect((host, port))
        yield secure


@dataclass(frozen=True)
class Answer:
    reused: bool
    session: ssl.SSLSession
    head: bytes


def ask(
    port: int,
    context: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
    *,
    host: str = "127.0.0.1",
    clean: bool = True,
) -> Answer:
    """Send a HEAD request, read the answer (and the tickets before it), and close."""
    with connected(port, context, session, host) as secure:
        secure.sendall(HEAD)
        head = b""
        while b"\r\n\r\n" not in head:
            head += secure.recv(65_536)
        assert secure.session is not None
        answer = Answer(bool(secure.session_reused), secure.session, head)
        if clean:
            secure.unwrap()
        return answer


def reuses(port: int, context: ssl.SSLContext, times: int = 2) -> list[bool]:
    """Which of some connections, each offering the same session, resumed it."""
    session = ask(port, context).session
    return [ask(port, context, session).reused for _ in range(times)]
