"""From a route to TLS over real sockets: preludes, their failures, and who is blamed."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from pathlib import Path

import pytest

from tests.helpers import certificates
from tests.helpers.crowds import reset
from tests.helpers.preludes import HONEST, MYSQL_HANDSHAKE
from tests.helpers.rows import each_row
from tlsresume.options import ConnectOptions, SaveOptions
from tlsresume.protocols.greetings import AT_ONCE
from tlsresume.results.report import SaveResult
from tlsresume.runs.resume import resume
from tlsresume.runs.save import save
from tlsresume.server.acceptor import Acceptor
from tlsresume.sessions.file import SessionFile, format_session_file, parse_session_file
from tlsresume.targets.target import parse_target

pytestmark = pytest.mark.slow


class PreludePeer(Acceptor):
    """Holds the server's half of a conversation, then speaks TLS (`then` None), or does
    something else: `wait`, `reset`, `close`, or bytes to send instead."""

    def __init__(
        self,
        conversation: tuple[bytes, ...],
        then: bytes | str | None = None,
        *,
        piece: int = 65536,
    ) -> None:
        super().__init__()
        self._conversation = conversation
        self._then = then
        self._piece = piece
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        identity = certificates.localhost()
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder, "c.pem")
            pem.write_bytes(identity.certificate_pem + identity.key_pem)
            self._context.load_cert_chain(pem)
        self.served = threading.Event()

    def serve(self, connection: socket.socket, number: int) -> None:
        for turn, text in enumerate(self._conversation):
            if turn % 2:
                read = 0
                while read < len(text):
                    read += len(connection.recv(len(text) - read)) or len(text)
                continue
            for at in range(0, len(text), self._piece):
                connection.sendall(text[at : at + self._piece])
        if self._then == "wait":
            self._stopping.wait()
        elif self._then == "reset":
            reset(connection)
        elif isinstance(self._then, bytes):
            # Not in the packet of the last answer: the client has begun TLS by now.
            connection.recv(1)
            connection.sendall(self._then)
            connection.recv(65536)
        elif self._then is None:
            tls = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
            self.adopt(tls)
            try:
                tls.do_handshake()
                tls.recv(100)
                tls.unwrap()
            finally:
                self.disown(tls)


def saved(
    peer: PreludePeer, protocol: str, timeout: float = 5
) -> tuple[SaveResult, SessionFile | None]:
    target = parse_target(f"localhost:{peer.port}", starttls=protocol, servername="a.example",
                          family="ipv4")  # fmt: skip
    options = SaveOptions(connect=ConnectOptions(timeout=timeout, ticket_wait=1))
    result, sessions = save(target, options)
    if not sessions:
        return result, None
    return result, parse_session_file(format_session_file(*sessions[-1]), "session.pem")


@each_row("piece", [1, 65536])
@each_row("protocol", sorted(HONEST))
def test_each_prelude_leads_to_tls_and_back(protocol, piece):
    """A session saved behind a prelude is resumed behind the same one, from its file alone."""
    with PreludePeer(HONEST[protocol], piece=piece) as peer:
        result, file = saved(peer, protocol)
        assert result.saved, result
        assert f"STARTTLS {protocol}" in result.notes
        assert file is not None
        assert file.metadata.starttls == protocol
        answer, _ = resume(file)
    assert answer.session_reused is True, answer


@pytest.mark.parametrize(
    ("then", "kind", "said"),
    [
        ("close", "closed", "closed the connection"),
        ("reset", "reset", "reset by the peer"),
        ("wait", "timeout", "answer to STARTTLS"),
    ],
)
def test_a_prelude_that_breaks_off(then, kind, said):
    """Where the server stopped is told, within the time allowed."""
    with PreludePeer(HONEST["smtp"][:4], then) as peer:
        result, _ = saved(peer, "smtp", timeout=0.7)
    assert result.error is not None
    assert (result.error.step, result.error.kind) == ("starttls", kind)
    assert said in result.error.message


def test_a_refusal_stands_in_the_error():
    """The server's own words, and no handshake after them."""
    with PreludePeer(
        (b"220 a.example\r\n", HONEST["smtp"][1], b"502 not here\r\n"), "close"
    ) as peer:
        result, _ = saved(peer, "smtp")
    assert result.error is not None
    assert (result.error.step, result.error.kind) == ("starttls", "starttls")
    assert "'502 not here'" in result.error.message


def test_data_in_clear_in_a_later_packet_is_an_injection_too():
    """What comes in clear where TLS was promised is called by its name."""
    with PreludePeer(HONEST["smtp"], b"250 hello again\r\n") as peer:
        result, _ = saved(peer, "smtp")
    assert result.error is not None
    assert result.error.kind == "injection"


def test_a_greeting_without_end_is_cut_off():
    """A server that talks for ever costs a bounded number of bytes."""
    with PreludePeer((b"220-x\r\n" * 20_000,), "wait") as peer:
        result, _ = saved(peer, "smtp")
    assert result.error is not None
    assert "more than 65536 bytes" in result.error.message


def test_a_port_without_tls_names_what_speaks_there():
    """MySQL on a port that was taken for SMTP is told by its bytes."""
    with PreludePeer((MYSQL_HANDSHAKE,), "wait") as peer:
        result, _ = saved(peer, "smtp", timeout=1)
    assert result.error is not None
    assert result.error.step == "starttls"
    assert result.error.message.isprintable()
    assert result.error.hints == ("this looks like another protocol: --starttls mysql",)


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        ((), AT_ONCE),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), AT_ONCE),
        ((b"* OK IMAP4rev1 ready\r\n",), "this looks like another protocol: --starttls imap"),
    ],
)
def test_the_wrong_prelude_is_told_what_helps(says, hint):
    """Where TLS starts at once, or another protocol speaks, the next step is named."""
    with PreludePeer(says, "wait") as peer:
        result, _ = saved(peer, "smtp", timeout=0.5)
    assert result.error is not None
    assert result.error.hints == (hint,)
