"""What `serve` says to clients: HTTP, and enough of other protocols that real clients come
to TLS by STARTTLS and leave content.

Protocols of lines are rows of a table: verbs and their replies, before and inside TLS.
Nothing that a client sends is kept, but for the first line of its first request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tlsresume.features.serve.ftp_talk import FTPTalk
from tlsresume.features.serve.line_talk import LineProtocol, LineTalk
from tlsresume.features.serve.message_talks import LDAPTalk, PostgresTalk, XMPPTalk
from tlsresume.server.talk import HTTP, Talk


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


def _mail(name: bytes, hello: bytes) -> LineProtocol:
    """SMTP (RFC 5321) or LMTP (RFC 2033), which differ in the greeting of the client."""
    return LineProtocol(
        greeting=b"220 localhost %s tlsresume\r\n" % name,
        go=b"220 go ahead\r\n",
        clear=_SMTP | {hello: b"250-localhost\r\n250-STARTTLS\r\n250 8BITMIME\r\n"},
        secure=_SMTP_SECURE,
        unknown=b"502 not here\r\n",
        text_after=(b"DATA", b"250 thank you\r\n"),
    )


LINE_PROTOCOLS: Mapping[str, LineProtocol] = {
    "smtp": _mail(b"ESMTP", b"EHLO"),
    "lmtp": _mail(b"LMTP", b"LHLO"),
    "imap": LineProtocol(
        greeting=b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n",
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
        quits=b"LOGOUT",
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
    ),
    "nntp": LineProtocol(
        greeting=b"200 tlsresume\r\n",
        go=b"382 go ahead\r\n",
        clear=_NNTP,
        secure=_NNTP | {b"CAPABILITIES": b"101 capabilities\r\nVERSION 2\r\nREADER\r\n.\r\n"},
        unknown=b"500 not here\r\n",
    ),
    "sieve": LineProtocol(
        greeting=_SIEVE + b'"STARTTLS"\r\nOK "ready"\r\n',
        go=b'OK "go ahead"\r\n',
        clear={b"CAPABILITY": _SIEVE + b'"STARTTLS"\r\nOK\r\n', b"LOGOUT": b"OK\r\n"},
        secure={b"CAPABILITY": _SIEVE + b"OK\r\n", b"NOOP": b"OK\r\n", b"LOGOUT": b"OK\r\n"},
        unknown=b'NO "not here"\r\n',
        quits=b"LOGOUT",
        secured=_SIEVE + b'OK "ready"\r\n',
    ),
}


#: The protocols of `--starttls`.
TALKS: Mapping[str, Callable[[], Talk]] = {
    **{name: partial(LineTalk, protocol) for name, protocol in LINE_PROTOCOLS.items()},
    "ftp": FTPTalk,
    "ftps": partial(FTPTalk, implicit=True),
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
