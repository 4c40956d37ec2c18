"""Protocols of lines, with STARTTLS: a table of replies is walked. The tables are in talks.py."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tlsresume.features.serve.message_talks import LONGEST
from tlsresume.server.talk import ClearReply, Talk


class LineProtocol(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol of lines. `clear` and `secure` are replies by verb, before and inside TLS;
    `start` are the words that ask for TLS and `go` the reply. In replies `%t` stands for the
    command's tag (IMAP). `text_after`: the verb after whose reply lines up to a single dot
    follow, and the reply to that.
    """

    greeting: bytes
    go: bytes
    clear: Mapping[bytes, bytes]
    secure: Mapping[bytes, bytes]
    unknown: bytes
    start: bytes = b"STARTTLS"
    quits: bytes = b"QUIT"
    tagged: bool = False
    secured: bytes = b""
    text_after: tuple[bytes, bytes] | None = None


class LineTalk(Talk):
    """A conversation of lines, in clear until TLS is asked for."""

    clear = True

    def __init__(self, protocol: LineProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._line = b""
        self._in_text = False
        #: Lines wait until what is under way is done.
        self.busy = False

    def greet(self) -> bytes:
        return self._protocol.greeting

    def in_clear(self, data: bytes) -> ClearReply:
        output = b""
        self._line += data
        while b"\n" in self._line and not self.last:
            line, _, self._line = self._line.partition(b"\n")
            tag, verb = self._words(line)
            if verb == self._protocol.start:
                rest, self._line = self._line, b""
                return ClearReply(output + self._protocol.go.replace(b"%t", tag), True, rest)
            output += self.reply(self._protocol.clear, tag, verb, line)
        self._check_length()
        return ClearReply(output)

    def secured(self) -> bytes:
        return self._protocol.secured

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        del reused
        output = b""
        self._line += data
        while b"\n" in self._line and not (self.last or self.busy):
            line, _, self._line = self._line.partition(b"\n")
            if self._in_text:
                if line.rstrip(b"\r") == b".":
                    self._in_text = False
                    output += (self._protocol.text_after or (b"", b""))[1]
                self.requests += 1
                continue
            self.requests += 1
            self.head = self.head or line[:LONGEST]
            tag, verb = self._words(line)
            output += self.reply(self._protocol.secure, tag, verb, line)
            text_after = self._protocol.text_after
            self._in_text = text_after is not None and verb == text_after[0]
        self._check_length()
        return output

    def _words(self, line: bytes) -> tuple[bytes, bytes]:
        words = [*line.split(None, 2), b"", b""]
        tag, verb = (words[0], words[1]) if self._protocol.tagged else (b"", words[0])
        return tag[:64], verb.upper()

    def reply(self, replies: Mapping[bytes, bytes], tag: bytes, verb: bytes, line: bytes) -> bytes:
        """The reply to one line, of those for now."""
        del line
        self.last = verb == self._protocol.quits
        return replies.get(verb, self._protocol.unknown).replace(b"%t", tag)

    def _check_length(self) -> None:
        if len(self._line) > LONGEST:
            self.last = True
