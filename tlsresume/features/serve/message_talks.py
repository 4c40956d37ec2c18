"""STARTTLS protocols that are not made of lines: PostgreSQL, LDAP, XMPP.

Each knows as much as brings a real client to TLS, and leaves it content with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from tlsresume.server.talk import ClearReply, Talk

#: Longest line or message that is waited for.
LONGEST = 8192


class PostgresTalk(Talk):
    """PostgreSQL's SSLRequest, a login that always succeeds, and empty answers."""

    clear = True
    _SSL, _GSS = bytes.fromhex("0000000804d2162f"), bytes.fromhex("0000000804d21630")

    def __init__(self) -> None:
        super().__init__()
        self._data = b""
        self._started = False

    def in_clear(self, data: bytes) -> ClearReply:
        self._data += data
        while len(self._data) >= len(self._SSL):
            request, rest = self._data[:8], self._data[8:]
            self._data = rest
            if request == self._SSL:
                self._data = b""
                return ClearReply(b"S", True, rest)
            if request != self._GSS:
                self.last = True
                return ClearReply(b"")
            return ClearReply(b"N")
        return ClearReply(b"")

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        del reused
        output = b""
        self._data = (self._data + data)[: 2 * LONGEST]
        while True:
            kind, start = (b"", 0) if not self._started else (self._data[:1], 1)
            size = int.from_bytes(self._data[start : start + 4], "big")
            if len(self._data) < start + 4 or len(self._data) < start + size:
                self.last = self.last or size > LONGEST
                return output
            if size < 4:
                self.last = True
                return output
            self._data = self._data[start + size :]
            self.requests += 1
            output += self._reply(kind)
            self._started = True

    def _reply(self, kind: bytes) -> bytes:
        ready = b"Z\0\0\0\5I"
        if not self._started:
            return b"R\0\0\0\x08\0\0\0\0" + ready
        if kind == b"X":
            self.last = True
            return b""
        return b"C\0\0\0\x0dSELECT 0\0" + ready if kind in (b"Q", b"S") else b""


class LDAPTalk(Talk):
    """LDAP's StartTLS (RFC 4511 section 4.14), a bind that succeeds, and empty searches."""

    clear = True
    #: Requests by tag (RFC 4511 section 4.2 on), and the tag of the answer to each.
    _ANSWERS: Mapping[int, int] = {0x60: 0x61, 0x63: 0x65, 0x77: 0x78}
    _START_TLS = b"1.3.6.1.4.1.1466.20037"

    def __init__(self) -> None:
        super().__init__()
        self._data = b""

    def in_clear(self, data: bytes) -> ClearReply:
        self._data += data
        output = b""
        while (message := self._message()) is not None:
            output += self._reply(message)
            if self._START_TLS in message:
                rest, self._data = self._data, b""
                return ClearReply(output, True, rest)
        return ClearReply(output)

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        del reused
        self._data += data
        output = b""
        while not self.last and (message := self._message()) is not None:
            self.requests += 1
            output += self._reply(message)
        return output

    def _message(self) -> bytes | None:
        """The next whole message's content, taken away; None while it is not whole."""
        if len(self._data) < 2:
            return None
        if self._data[0] != 0x30:
            self.last = True
            return None
        size, start = self._data[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(self._data[2:start], "big")
        if size > LONGEST or start > 6:
            self.last = True
            return None
        if len(self._data) < start + size:
            return None
        message = self._data[start : start + size]
        self._data = self._data[start + size :]
        return message

    def _reply(self, message: bytes) -> bytes:
        if len(message) < 4 or message[0] != 2 or message[1] > 4 or len(message) < 3 + message[1]:
            self.last = True
            return b""
        number, tag = message[: 2 + message[1]], message[2 + message[1]]
        answer = self._ANSWERS.get(tag)
        if answer is None:
            self.last = True  # an unbind, or what we do not speak
            return b""
        body = number + bytes((answer, 7)) + bytes.fromhex("0a010004000400")
        return bytes((0x30, len(body))) + body


class XMPPTalk(Talk):
    """XMPP streams: StartTLS (RFC 6120 section 5), then a stream without features."""

    clear = True
    _HEAD = (
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='1'"
        b" xmlns:stream='http://etherx.jabber.org/streams' from='localhost'><stream:features>"
    )

    def __init__(self) -> None:
        super().__init__()
        self._data = b""

    def in_clear(self, data: bytes) -> ClearReply:
        self._data = (self._data + data)[-LONGEST:]
        if b"<starttls" in self._data and b">" in self._data.partition(b"<starttls")[2]:
            self._data = b""
            return ClearReply(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", True)
        if b"<stream:stream" in self._data and self._data.rstrip().endswith(b">"):
            self._data = b""
            wish = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
            return ClearReply(self._HEAD + wish + b"</stream:features>")
        return ClearReply(b"")

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        del reused
        self._data = (self._data + data)[-LONGEST:]
        self.requests += 1
        if b"</stream:stream" in self._data:
            self.last = True
            return b"</stream:stream>"
        if b"<stream:stream" in self._data and self._data.rstrip().endswith(b">"):
            self._data = b""
            return self._HEAD + b"</stream:features>"
        return b""
