"""A TLS connection over TCP: from the bytes of both directions to the facts of its handshake.

TLS may begin at once or behind a dialogue in clear, on any port, with a PROXY header before
it. Who is the client is told by the ClientHello, not by who opened the connection (FTPS in
active mode has them crossed). The flow is done when the wire can say nothing more: at the
ServerHello of TLS 1.3, unless a key log opens what follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsresume.features.capture.handshake import Facts, Packet
from tlsresume.features.capture.proxy_header import read_proxy_header
from tlsresume.features.capture.tcp import Stream
from tlsresume.tls.key_log import KeyLog
from tlsresume.tls.records import (
    Malformed,
    begins_hello,
    find_hello,
    take_messages,
    take_records,
    unsearched,
)
from tlsresume.tls.registry import ContentType, HandshakeType, ProtocolVersion

if TYPE_CHECKING:
    from tlsresume.tls.record_protection import TrafficKey

#: Bytes of one direction: before TLS, and of TLS before the ServerHello or under keys.
MOST_PRELUDE = 1 << 16
MOST_BYTES = 1 << 18
#: Bytes of a direction that wait for the rest of a record or message.
MOST_WAITING = 1 << 17
#: Stands for a Finished that is encrypted.
_FINISHED = b"\x14\x00\x00\x00"
_KEPT = (
    HandshakeType.client_hello,
    HandshakeType.server_hello,
    HandshakeType.new_session_ticket,
)


class Side:
    """One direction: its stream, and what was cut out of it."""

    __slots__ = (
        "buffer", "ciphers_changed", "end", "flow", "index", "kept", "key", "messages", "passed",
        "proxy_read", "stream", "tls",
    )  # fmt: skip

    def __init__(self, flow: TLSFlow, index: int) -> None:
        self.flow = flow
        self.index = index
        self.stream = Stream()
        self.buffer = bytearray()
        self.messages = bytearray()
        self.tls = False
        self.proxy_read = False
        self.ciphers_changed = False
        self.key: TrafficKey | None = None
        self.passed = 0
        #: Bytes of messages that the facts keep.
        self.kept = 0
        self.end = False

    @property
    def waiting(self) -> int:
        """Bytes that are kept."""
        return len(self.buffer) + len(self.messages) + self.stream.held_bytes + self.kept


class TLSFlow:
    """One TCP connection in which TLS may appear."""

    __slots__ = (
        "_key_log", "application_secret", "client", "facts", "keys", "proxied", "sequence",
        "sides", "start",
    )  # fmt: skip

    def __init__(self, keys: tuple[bytes, bytes], start: int, key_log: KeyLog) -> None:
        """`keys` are the two directions' keys, that of who opened the connection first."""
        self.keys = keys
        self.start = start
        #: Of the SYN; -1 where none was seen.
        self.sequence = -1
        self.sides = (Side(self, 0), Side(self, 1))
        self.facts = Facts()
        #: Which side sent the ClientHello.
        self.client: int | None = None
        #: The client's packed address and port, from a PROXY header.
        self.proxied: bytes | None = None
        self.application_secret: bytes | None = None
        self._key_log = key_log

    def data(self, side: Side, data: bytes, time: int, packet: Packet) -> bool:
        """Take bytes in order; whether the flow is done, with or without an answer."""
        side.passed += len(data)
        side.buffer += data
        if not side.tls and not self._find_start(side):
            return side.passed > MOST_PRELUDE
        try:
            done = self._records(side, time, packet)
        except Malformed:
            self.facts.problems += 1
            side.stream.give_up()
            return side.index != self.client
        waiting = len(side.buffer) + len(side.messages)
        return done or waiting > MOST_WAITING or side.passed > MOST_BYTES

    # ---------------------------------------------------------- before TLS

    def _find_start(self, side: Side) -> bool:
        """Find the hello that begins TLS; what came before it is dropped."""
        buffer = side.buffer
        if not side.proxy_read and buffer[0] != ContentType.handshake:
            header = read_proxy_header(bytes(buffer[:4200]))
            if header is None:
                return False
            side.proxy_read = True
            del buffer[: header.length]
            self.proxied = header.address or self.proxied
        kind = begins_hello(buffer)
        if kind is None:
            if len(buffer) < 6 and buffer.startswith(b"\x16"[: len(buffer)]):
                return False
            found = find_hello(buffer)
            if found is None:
                del buffer[: unsearched(buffer)]
                return False
            del buffer[: found[0]]
            kind = found[1]
        if self.client is None:
            client = kind == HandshakeType.client_hello
            self.client = side.index if client else 1 - side.index
        side.tls = True
        side.passed = len(buffer)
        return True

    # --------------------------------------------------------------- records

    def _records(self, side: Side, time: int, packet: Packet) -> bool:
        """Take what records have become whole; whether the flow is done. Raises Malformed."""
        of_server = side.index != self.client
        for header, body in take_records(side.buffer):
            kind = header[0]
            if kind == ContentType.handshake:
                if side.ciphers_changed and not self._in_clear(side, body):
                    if of_server and self.facts.server_hello is not None:
                        self.facts.from_server(_FINISHED, packet)
                        return True
                    continue
                if self._handshake(side, body, time, packet):
                    return True
            elif kind == ContentType.change_cipher_spec:
                side.ciphers_changed = True
            elif kind == ContentType.application_data and of_server:
                if side.key is None:
                    if self.facts.server_hello is not None:
                        return True
                elif self._decrypt(side, header, body, packet):
                    return True
        return False

    def _in_clear(self, side: Side, body: bytes) -> bool:
        """Whether a handshake record behind ChangeCipherSpec is not encrypted: TLS 1.3 sends
        that message for old middleboxes, before a second ClientHello too."""
        if side.messages or self.facts.version is ProtocolVersion.TLSv1_3:
            return True
        hellos = (HandshakeType.client_hello, HandshakeType.server_hello)
        return body[:1] != b"" and body[0] in hellos and body[1:2] == b"\x00"

    def _handshake(self, side: Side, body: bytes, time: int, packet: Packet) -> bool:
        side.messages += body
        of_server = side.index != self.client
        for message in take_messages(side.messages):
            if message[0] in _KEPT:
                side.kept += len(message)
            if not of_server:
                self.facts.from_client(message, time, packet)
                continue
            self.facts.from_server(message, packet)
            if message[0] == HandshakeType.finished and side.key is not None:
                if self.application_secret is None:
                    return True
                side.key = self._key(self.application_secret)
                self.facts.opened = side.key is not None
            elif message[0] == HandshakeType.server_hello and self._open(side):
                continue
            if side.key is None and self.facts.certain_to_be_done:
                return True
        return False

    # ------------------------------------------------------------------ keys

    def _open(self, side: Side) -> bool:
        """Whether a key log opens what follows the ServerHello of TLS 1.3."""
        facts = self.facts
        if facts.server_hello is None or facts.version is not ProtocolVersion.TLSv1_3:
            return False
        secrets = self._key_log.secrets(facts.hellos[0].random) if facts.hellos else None
        if secrets is None:
            return False
        self.application_secret = secrets[1]
        side.key = self._key(secrets[0])
        return side.key is not None

    def _key(self, secret: bytes) -> TrafficKey | None:
        from tlsresume.tls.record_protection import SUITES, TrafficKey

        hello = self.facts.server_hello
        if hello is None or hello.cipher_suite not in SUITES:
            return None
        return TrafficKey(hello.cipher_suite, secret)

    def _decrypt(self, side: Side, header: bytes, body: bytes, packet: Packet) -> bool:
        """Open a record of the server; whether nothing more can be opened."""
        if side.key is None:
            return True
        opened = side.key.open(header, body)
        if opened is None:
            return True
        kind, content = opened
        return kind == ContentType.handshake and self._handshake(side, content, 0, packet)
