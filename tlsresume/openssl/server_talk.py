"""What a built-in server says on a connection, apart from TLS: bytes in, bytes out.

A `Talk` belongs to one connection. Most begin inside TLS; one that begins in clear
(STARTTLS) says when TLS is due. Here is HTTP, which selftest and the tests speak; other
protocols are in features/serve.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

#: Longest request that is waited for; what is longer is never answered.
MAX_REQUEST = 65_536


class ClearReply(NamedTuple):
    """What is said in clear, whether TLS begins now, and what the client sent beyond that."""

    text: bytes
    start_tls: bool = False
    rest: bytes = b""


class DataPort(Protocol):
    """Data connections beside a conversation (FTP), made and served by the server."""

    def listen(self) -> tuple[str, int]:
        """Wait for a client at a new port; the address and port. Raises OSError."""

    def transfer(self, talk: Talk, *, secure: bool) -> bool:
        """Serve the client that comes there; whether one came, and was content. `secure`: with
        TLS, else `talk` speaks in clear."""


class Talk:
    """One connection's conversation; this one never answers.

    `requests` counts what was asked inside TLS, `head` is the first request's beginning;
    `last`: nothing more will be answered, so the server closes. `clear`: it begins in clear.
    `early`: what was asked came in early data. `data` makes data connections, where the server
    can.
    """

    clear = False
    data: DataPort | None = None

    def __init__(self) -> None:
        self.requests = 0
        self.head = b""
        self.last = False
        self.early = False

    def greet(self) -> bytes:
        """What the server says in clear before anything is asked."""
        return b""

    def in_clear(self, data: bytes) -> ClearReply:
        """Take what the client says before TLS."""
        del data
        return ClearReply(b"")

    def secured(self) -> bytes:
        """What the server says inside TLS before anything is asked there."""
        return b""

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        """Take application data, and give what is said to it."""
        del data, reused
        return b""

    def then(self) -> bytes | None:
        """Do what is due once all that was said has left, however long that takes; what is said
        then, or None where nothing was due."""
        return None


class HTTP(Talk):
    """HTTP/1.1: the same answer to each request that ends in an empty line.

    `close`: after the first answer, else when the client asks for it. `too_early`: requests in
    early data get 425 (RFC 8470).
    """

    def __init__(self, node: int = 1, *, close: bool = False, too_early: bool = False) -> None:
        super().__init__()
        self._too_early = too_early
        self.node = node
        self._close = close
        self._request = b""
        #: Header fields of every answer, beside the usual ones.
        self.fields: tuple[bytes, ...] = ()

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        output = b""
        self._request = (self._request + data)[:MAX_REQUEST]
        while b"\r\n\r\n" in self._request and not self.last:
            request, _, self._request = self._request.partition(b"\r\n\r\n")
            self.requests += 1
            self.head = self.head or request
            self.last = self._close or b"connection: close" in request.lower()
            output += self._response(head=request.startswith(b"HEAD "), reused=reused)
        return output

    def body(self, *, reused: bool) -> bytes:
        """The body of each answer."""
        del reused
        return b"tlsresume\n"

    def _response(self, *, head: bool, reused: bool) -> bytes:
        body = self.body(reused=reused)
        lines = [
            b"HTTP/1.1 425 Too Early" if self._too_early and self.early else b"HTTP/1.1 200 OK",
            b"Content-Type: text/plain",
            b"Content-Length: %d" % len(body),
            b"X-Served-By: node%d" % self.node,
            *self.fields,
        ]
        if self.last:
            lines.append(b"Connection: close")
        return b"\r\n".join([*lines, b"", b"" if head else body])
