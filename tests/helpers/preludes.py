"""Conversations that each prelude has with an honest server: what is said, by whom."""

from __future__ import annotations

from tlsresume.protocols.packets import MYSQL_SSL_REQUEST, SSL_REQUEST, STARTTLS_REQUEST
from tlsresume.protocols.talk import Prelude

#: Server and client in turn, the server first; an empty text is a turn without words.
Conversation = tuple[bytes, ...]

MYSQL_GREETING = (
    b"\x0a" + b"10.11.6-MariaDB\0" + b"\x01\0\0\0" + b"abcdefgh" + b"\0"
    + b"\xff\xff" + b"\x21" + b"\x02\0" + b"\xff\x81" + b"\x15" + bytes(10) + b"ijklmnopqrst\0"
    + b"mysql_native_password\0"
)  # fmt: skip
MYSQL_HANDSHAKE = len(MYSQL_GREETING).to_bytes(3, "little") + b"\0" + MYSQL_GREETING

_STREAM = (
    b"<?xml version='1.0'?><stream:stream to=\"a.example\" xmlns='%s'"
    b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)
_XMPP_ANSWER = (
    b"<?xml version='1.0'?><stream:stream from='a.example' id='a&gt;>b' version='1.0'"
    b' xmlns="%s" xmlns:stream="http://etherx.jabber.org/streams">'
    b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
    b"<mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
)
_XMPP_ASK = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

HONEST: dict[str, Conversation] = {
    "smtp": (
        b"220-mx1.a.example ESMTP ready\r\n220 be brief\r\n",
        b"EHLO tlsresume.invalid\r\n",
        b"250-mx1.a.example Hello\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n",
        b"STARTTLS\r\n",
        b"220 2.0.0 go on\r\n",
    ),
    "lmtp": (
        b"220 store.a.example\r\n",
        b"LHLO tlsresume.invalid\r\n",
        b"250-store.a.example\r\n250 starttls\r\n",
        b"STARTTLS\r\n",
        b"220 ok\n",
    ),
    "imap": (
        b"* OK [CAPABILITY IMAP4rev1 {5}\r\nab\r\nc STARTTLS] ready\r\n",
        b"A1 STARTTLS\r\n",
        b"* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n",
    ),
    "pop3": (b"+OK ready\r\n", b"STLS\r\n", b"+OK begin\r\n"),
    "ftp": (
        b"220-Welcome\r\n 220 is not the end\r\n221 nor this\r\n220 now\r\n",
        b"AUTH TLS\r\n",
        b"234 AUTH TLS ok\r\n",
    ),
    "nntp": (b"201 no posting\r\n", b"STARTTLS\r\n", b"382 go on\r\n"),
    "sieve": (
        b'"IMPLEMENTATION" {9+}\r\na "sieve"\r\n"SASL" ""\r\n"STARTTLS"\r\nOK "ready"\r\n',
        b"STARTTLS\r\n",
        b'OK "begin"\r\n',
    ),
    "irc": (
        b"",
        b"STARTTLS\r\n",
        b":irc.a.example NOTICE * :*** looking you up\r\nPING :123\r\n",
        b"PONG :123\r\n",
        b":irc.a.example 670 * :STARTTLS successful\r\n",
    ),
    "ldap": (
        b"",
        STARTTLS_REQUEST,
        b"\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037",
    ),
    "postgres": (b"", SSL_REQUEST, b"S"),
    "mysql": (MYSQL_HANDSHAKE, b"\x20\0\0\x01" + MYSQL_SSL_REQUEST),
    "xmpp": (
        b"",
        (_STREAM % b"jabber:client").replace(b'"', b"'").replace(b"'a.example'", b'"a.example"'),
        _XMPP_ANSWER % b"jabber:client",
        _XMPP_ASK,
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ),
    "xmpp-server": (
        b"",
        (_STREAM % b"jabber:server").replace(b'"', b"'").replace(b"'a.example'", b'"a.example"'),
        _XMPP_ANSWER % b"jabber:server",
        _XMPP_ASK,
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>",
    ),
}


def play(prelude: Prelude, conversation: Conversation, size: int) -> None:
    """Hold a conversation, the server's words in pieces of a size. AssertionError where the
    client says something else."""
    said = b""
    for turn, text in enumerate(conversation):
        if turn % 2:
            assert said == text
            said = b""
            continue
        for at in range(0, len(text), size):
            prelude.receive(text[at : at + size])
            said += prelude.drain()
        said += prelude.drain()
    assert said == b"", said
