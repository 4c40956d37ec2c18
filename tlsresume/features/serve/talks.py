"""What `serve` says to clients: HTTP, and enough of other protocols that real clients come
to TLS by STARTTLS and leave content.

Protocols of lines are rows of a table: verbs and their replies, before and inside TLS.
Nothing that a client sends is kept, but for the first line of its first request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tlsresume.features.serve.message_talks import LONGEST, LDAPTalk, PostgresTalk, XMPPTalk
from tlsresume.openssl.server_talk import HTTP, ClearReply, Talk


class WebTalk(HTTP):
    """HTTP/1.1, whose answer says whether the connection was resumed. `quic_port` is that of
    HTTP/3 beside it, named in the answer (Alt-Svc, RFC 7838)."""

    def __init__(
        self, node: int = 1, *, close: bool = False, quic_port: Callable[[], int] | None = None
    ) -> None:
        super().__init__(node, close=close)
        if quic_port is not None:
            self.fields = (b'Alt-Svc: h3=":%d"; ma=3600' % quic_port(),)

    def body(self, *, reused: bool) -> bytes:
        return b"resumed\n" if reused else b"full handshake\n"


class LineProtocol(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol of lines. `clear` and `secure` are replies by verb, before and inside TLS;
    `start` are the words that ask for TLS and `go` the reply. In replies `%t` stands for the
    command's tag (IMAP). `text_after`: the verb after whose reply lines up to a single dot
    follow, and the reply to that.
    """

    greeting: bytes
    start: bytes
    go: bytes
    clear: Mapping[bytes, bytes]
    secure: Mapping[bytes, bytes]
    unknown: bytes
    quits: tuple[bytes, ...]
    tagged: bool = False
    secured: bytes = b""
    text_after: tuple[bytes, bytes] | None = None


_SMTP = {
    b"HELO": b"250 localhost\r\n",
    b"NOOP": b"250 ok\r\n",
    b"RSET": b"250 ok\r\n",
    b"QUIT": b"221 bye\r\n",
}
_SMTP_SECURE = _SMTP | {
    b"EHLO": b"250-localhost\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
    b"LHLO": b"250-localhost\r\n250 8BITMIME\r\n",
    b"AUTH": b"235 welcome\r\n",
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"VRFY": b"252 perhaps\r\n",
    b"DATA": b"354 go ahead\r\n",
}
_FTP = {
    b"FEAT": b"211-Features:\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n UTF8\r\n211 End\r\n",
    b"USER": b"331 password, please\r\n",
    b"PASS": b"230 welcome\r\n",
    b"PBSZ": b"200 PBSZ=0\r\n",
    b"PROT": b"200 ok\r\n",
    b"SYST": b"215 UNIX Type: L8\r\n",
    b"PWD": b'257 "/" is the folder\r\n',
    b"CWD": b"250 ok\r\n",
    b"TYPE": b"200 ok\r\n",
    b"OPTS": b"200 ok\r\n",
    b"CLNT": b"200 ok\r\n",
    b"NOOP": b"200 ok\r\n",
    b"QUIT": b"221 bye\r\n",
}
_POP3 = {
    b"CAPA": b"+OK\r\nUSER\r\nSTLS\r\n.\r\n",
    b"NOOP": b"+OK\r\n",
    b"QUIT": b"+OK bye\r\n",
}
_IMAP = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n%t OK done\r\n",
    b"NOOP": b"%t OK done\r\n",
    b"ID": b"* ID NIL\r\n%t OK done\r\n",
    b"LOGOUT": b"* BYE bye\r\n%t OK done\r\n",
}
_NNTP = {
    b"CAPABILITIES": b"101 capabilities\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\n.\r\n",
    b"MODE": b"200 ready\r\n",
    b"QUIT": b"205 bye\r\n",
}
_SIEVE = b'"IMPLEMENTATION" "tlsresume"\r\n"SIEVE" "fileinto"\r\n'

LINE_PROTOCOLS: Mapping[str, LineProtocol] = {
    "smtp": LineProtocol(
        greeting=b"220 localhost ESMTP tlsresume\r\n",
        start=b"STARTTLS",
        go=b"220 go ahead\r\n",
        clear=_SMTP | {b"EHLO": b"250-localhost\r\n250-STARTTLS\r\n250 8BITMIME\r\n"},
        secure=_SMTP_SECURE,
        unknown=b"502 not here\r\n",
        quits=(b"QUIT",),
        text_after=(b"DATA", b"250 thank you\r\n"),
    ),
    "lmtp": LineProtocol(
        greeting=b"220 localhost LMTP tlsresume\r\n",
        start=b"STARTTLS",
        go=b"220 go ahead\r\n",
        clear=_SMTP | {b"LHLO": b"250-localhost\r\n250-STARTTLS\r\n250 8BITMIME\r\n"},
        secure=_SMTP_SECURE,
        unknown=b"502 not here\r\n",
        quits=(b"QUIT",),
        text_after=(b"DATA", b"250 thank you\r\n"),
    ),
    "imap": LineProtocol(
        greeting=b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n",
        start=b"STARTTLS",
        go=b"%t OK go ahead\r\n",
        clear=_IMAP,
        secure=_IMAP
        | {
            b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%t OK done\r\n",
            b"LOGIN": b"%t OK welcome\r\n",
            b"LIST": b'* LIST () "/" INBOX\r\n%t OK done\r\n',
            b"LSUB": b"%t OK done\r\n",
            b"SELECT": b"* 0 EXISTS\r\n* 0 RECENT\r\n* FLAGS ()\r\n%t OK [READ-WRITE] done\r\n",
            b"EXAMINE": b"* 0 EXISTS\r\n* 0 RECENT\r\n* FLAGS ()\r\n%t OK [READ-ONLY] done\r\n",
            b"STATUS": b"* STATUS INBOX (MESSAGES 0)\r\n%t OK done\r\n",
            b"SEARCH": b"* SEARCH\r\n%t OK done\r\n",
            b"CLOSE": b"%t OK done\r\n",
        },
        unknown=b"%t BAD not here\r\n",
        quits=(b"LOGOUT",),
        tagged=True,
    ),
    "pop3": LineProtocol(
        greeting=b"+OK tlsresume\r\n",
        start=b"STLS",
        go=b"+OK go ahead\r\n",
        clear=_POP3,
        secure=_POP3
        | {
            b"CAPA": b"+OK\r\nUSER\r\n.\r\n",
            b"USER": b"+OK\r\n",
            b"PASS": b"+OK welcome\r\n",
            b"STAT": b"+OK 0 0\r\n",
            b"LIST": b"+OK\r\n.\r\n",
            b"UIDL": b"+OK\r\n.\r\n",
        },
        unknown=b"-ERR not here\r\n",
        quits=(b"QUIT",),
    ),
    "ftp": LineProtocol(
        greeting=b"220 tlsresume\r\n",
        start=b"AUTH",
        go=b"234 go ahead\r\n",
        clear=_FTP,
        secure=_FTP,
        unknown=b"502 not here\r\n",
        quits=(b"QUIT",),
    ),
    "nntp": LineProtocol(
        greeting=b"200 tlsresume\r\n",
        start=b"STARTTLS",
        go=b"382 go ahead\r\n",
        clear=_NNTP,
        secure=_NNTP | {b"CAPABILITIES": b"101 capabilities\r\nVERSION 2\r\nREADER\r\n.\r\n"},
        unknown=b"500 not here\r\n",
        quits=(b"QUIT",),
    ),
    "sieve": LineProtocol(
        greeting=_SIEVE + b'"STARTTLS"\r\nOK "ready"\r\n',
        start=b"STARTTLS",
        go=b'OK "go ahead"\r\n',
        clear={b"CAPABILITY": _SIEVE + b'"STARTTLS"\r\nOK\r\n', b"LOGOUT": b"OK\r\n"},
        secure={b"CAPABILITY": _SIEVE + b"OK\r\n", b"NOOP": b"OK\r\n", b"LOGOUT": b"OK\r\n"},
        unknown=b'NO "not here"\r\n',
        quits=(b"LOGOUT",),
        secured=_SIEVE + b'OK "ready"\r\n',
    ),
}


class LineTalk(Talk):
    """A conversation of lines, in clear until TLS is asked for."""

    clear = True

    def __init__(self, protocol: LineProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._line = b""
        self._in_text = False

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
            output += self._reply(self._protocol.clear, tag, verb)
        self._check_length()
        return ClearReply(output)

    def secured(self) -> bytes:
        return self._protocol.secured

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        del reused
        output = b""
        self._line += data
        while b"\n" in self._line and not self.last:
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
            output += self._reply(self._protocol.secure, tag, verb)
            text_after = self._protocol.text_after
            self._in_text = text_after is not None and verb == text_after[0]
        self._check_length()
        return output

    def _words(self, line: bytes) -> tuple[bytes, bytes]:
        words = [*line.split(None, 2), b"", b""]
        tag, verb = (words[0], words[1]) if self._protocol.tagged else (b"", words[0])
        return tag[:64], verb.upper()

    def _reply(self, replies: Mapping[bytes, bytes], tag: bytes, verb: bytes) -> bytes:
        self.last = verb in self._protocol.quits
        return replies.get(verb, self._protocol.unknown).replace(b"%t", tag)

    def _check_length(self) -> None:
        if len(self._line) > LONGEST:
            self.last = True


#: The protocols of `--starttls`.
TALKS: Mapping[str, Callable[[], Talk]] = {
    **{
        name: (lambda protocol=protocol: LineTalk(protocol))  # type: ignore[misc]  # a default binds it now
        for name, protocol in LINE_PROTOCOLS.items()
    },
    "ldap": LDAPTalk,
    "postgres": PostgresTalk,
    "xmpp": XMPPTalk,
}

#: Schemes of URLs that are not the protocol's name.
SCHEMES: Mapping[str, str] = {"postgres": "postgresql"}


def talk_maker(
    starttls: str | None, *, keep_alive: bool, quic_port: Callable[[], int] | None = None
) -> Callable[[int], Talk]:
    """What makes a connection's conversation, given the node's number. `quic_port` gives the port
    of HTTP/3 beside HTTPS, once it is known."""
    if starttls is not None:
        make = TALKS[starttls]
        return lambda _node: make()
    return lambda node: WebTalk(node, close=not keep_alive, quic_port=quic_port)
