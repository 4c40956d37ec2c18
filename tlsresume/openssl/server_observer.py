"""What the built-in server tells of a connection: its end, and to an observer each step."""

from __future__ import annotations

from typing import Literal, Protocol

from tlsresume.value import Value

#: How the client ended the connection: said close_notify; ended the stream without it; reset
#: it; said what TLS cannot go on with; or said nothing more until the server closed. On QUIC:
#: said CONNECTION_CLOSE, or left that to the server, which is no fault there.
Ending = Literal["close_notify", "fin", "reset", "error", "timeout", "connection_close", "served"]


class Served(Value, frozen=True, kw_only=True):
    """What the server saw of one connection. `clean`: the client said close_notify.

    `head` is the beginning of the first request.
    """

    number: int
    node: int
    handshaken: bool
    version: str | None
    reused: bool
    early_data: int
    requests: int
    clean: bool
    error: str | None
    ending: Ending = "timeout"
    head: bytes = b""


class Observer(Protocol):
    """Who is told of one connection, on its thread. No method may raise."""

    def beside(self, control: Observer) -> None:
        """It is a data connection of that control connection; said before all else."""

    def message(self, sent: bool, content_type: int, raw: bytes) -> None:
        """A handshake message or alert passed; `sent`: it is the server's, and may still wait
        to leave."""

    def leaving(self, *, established: bool) -> None:
        """All messages of the server's until now leave."""

    def ended(self, served: Served) -> None:
        """The connection is over."""
