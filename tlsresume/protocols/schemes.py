"""Application protocols, a row each: all that is particular to one, but for its conversation.

A new protocol is a row of `PROTOCOLS`; one that starts TLS by STARTTLS also needs its conversation,
a generator that `script` names (see `replies.py` for protocols of lines). URL schemes, the values of
`--starttls`, the protocol that a port is taken for, greetings and farewells all follow from the
rows. Data only, and cheap to import. Ports are IANA's.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

#: What carries TLS: a TCP connection, QUIC (RFC 9001), or datagrams of DTLS (RFC 6347).
Transport = Literal["tcp", "quic", "dtls"]

#: Sizes that a datagram of DTLS may have: less than this holds no ClientHello, more no UDP
#: payload.
MTU_RANGE = (256, 65_000)


class Protocol(NamedTuple):
    """What there is to know of an application protocol.

    `name` is also the value of `--starttls`. `tls` are the URL schemes with which TLS starts at
    once, `clear` those with which it starts by the conversation `script`, each with its port (0:
    it must be named). `alpn` is offered with the schemes in `tls`.

    `script` is MODULE:FUNCTION in this folder. `greeting` is a regular expression for the first
    bytes of a server that speaks first; protocols that greet alike have the same one.

    `farewell` is said inside TLS to make a server answer and close: harmless, needing no login,
    and with an end that can be told. Some servers send TLS 1.3 tickets only with their first
    answer. Empty where the protocol has nothing of the kind, as MySQL before a login.
    """

    name: str
    tls: tuple[tuple[str, int], ...] = ()
    clear: tuple[tuple[str, int], ...] = ()
    alpn: tuple[str, ...] = ()
    script: str = ""
    greeting: bytes = b""
    farewell: bytes = b""
    http: bool = False
    transport: Transport = "tcp"


#: UnbindRequest (RFC 4511 section 4.3), message 2.
_UNBIND = b"\x30\x05\x02\x01\x02\x42\x00"
#: CancelRequest of PostgreSQL for process 0 with key 0, which no server has.
_CANCEL = struct.pack("!IHHII", 16, 1234, 5678, 0, 0)
_STREAM = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'></stream:stream>"
)
_XMPP_GREETING = rb"<(\?xml|stream:)"

#: The order is that of the values of `--starttls`; of several greetings that fit the first counts,
#: and of several schemes with one port.
PROTOCOLS: tuple[Protocol, ...] = (
    Protocol("http", tls=(("https", 443),), alpn=("http/1.1",), http=True),
    Protocol(
        "smtp",
        tls=(("smtps", 465),),
        clear=(("smtp", 25), ("submission", 587)),
        script="replies:smtp",
        greeting=rb"(?i)220(?!.*\bLMTP\b).*E?SMTP",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "lmtp",
        clear=(("lmtp", 24),),
        script="replies:lmtp",
        greeting=rb"(?i)220.*\bLMTP\b",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "imap",
        tls=(("imaps", 993),),
        clear=(("imap", 143),),
        script="replies:imap",
        greeting=rb"(?i)\* (OK|PREAUTH)\b",
        farewell=b"A2 LOGOUT\r\n",
    ),
    Protocol(
        "pop3",
        tls=(("pop3s", 995),),
        clear=(("pop3", 110),),
        script="replies:pop3",
        greeting=rb"\+OK\b",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "ftp",
        tls=(("ftps", 990),),
        clear=(("ftp", 21),),
        script="replies:ftp",
        greeting=rb"(?i)220.*FTP",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "ldap",
        tls=(("ldaps", 636),),
        clear=(("ldap", 389),),
        script="packets:ldap",
        farewell=_UNBIND,
    ),
    Protocol(
        "xmpp",
        tls=(("xmpps", 5223),),
        clear=(("xmpp", 5222),),
        alpn=("xmpp-client",),  # XEP-0368 section 2
        script="xmpp:xmpp",
        greeting=_XMPP_GREETING,
        farewell=_STREAM,
    ),
    Protocol(
        "xmpp-server",
        clear=(("xmpp-server", 5269),),
        script="xmpp:xmpp_server",
        greeting=_XMPP_GREETING,
        farewell=_STREAM.replace(b"jabber:client", b"jabber:server"),
    ),
    Protocol(
        "nntp",
        tls=(("nntps", 563),),
        clear=(("nntp", 119),),
        script="replies:nntp",
        greeting=rb"20[01][ -]",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "sieve",
        clear=(("sieve", 4190),),
        script="replies:sieve",
        greeting=rb'(?i)"IMPLEMENTATION"',
        farewell=b"LOGOUT\r\n",
    ),
    Protocol(
        "irc",
        tls=(("ircs", 6697),),
        clear=(("irc", 6667),),
        script="replies:irc",
        greeting=rb"(:\S+ )?NOTICE (\*|AUTH)",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "postgres",
        clear=(("postgres", 5432), ("postgresql", 5432)),
        script="packets:postgres",
        farewell=_CANCEL,
    ),
    Protocol(
        "mysql",
        clear=(("mysql", 3306),),
        script="packets:mysql",
        # The packet's length, its number 0, and the protocol's version 10.
        greeting=rb"(?s)...\x00\x0a\d",
    ),
    # DISCONNECT (MQTT 3.1.1 section 3.14).
    Protocol("mqtt", tls=(("mqtts", 8883),), farewell=b"\xe0\x00"),
    # A protocol header that asks for no known version: the server names its own and closes
    # (AMQP 0-9-1 section 4.2.2, AMQP 1.0 section 2.2).
    Protocol("amqp", tls=(("amqps", 5671),), farewell=b"AMQP\x00\x00\x00\x00"),
    Protocol("redis", tls=(("rediss", 6379),), farewell=b"QUIT\r\n"),
    # RFC 9114 section 3.1.
    Protocol("http", tls=(("h3", 443),), alpn=("h3",), http=True, transport="quic"),
    # The name servers of the root, with the length before the message (RFC 9250 section 4.2).
    Protocol(
        "dns",
        tls=(("doq", 853),),
        alpn=("doq",),
        farewell=b"\x00\x11" + bytes.fromhex("0000010000010000000000000000020001"),
        transport="quic",
    ),
    # A confirmable empty message, which is answered with a reset: CoAP's ping (RFC 7252 section
    # 4.3; the scheme: section 6.2).
    Protocol("coap", tls=(("coaps", 5684),), farewell=b"\x40\x00\x74\x6c", transport="dtls"),
    # Whatever is spoken inside.
    Protocol("", tls=(("quic", 0),), transport="quic"),
    Protocol("", tls=(("dtls", 0),), transport="dtls"),
)


class Scheme(NamedTuple):
    """What a URL scheme means: its port (0: it must be named), the ALPN to offer, whether it is
    HTTP, the STARTTLS conversation if any, the protocol spoken inside TLS, and what carries TLS."""

    port: int
    alpn: tuple[str, ...] = ()
    http: bool = False
    starttls: str | None = None
    speaks: str | None = None
    transport: Transport = "tcp"


SCHEMES: dict[str, Scheme] = {
    **{
        scheme: Scheme(port, each.alpn, each.http, None, each.name or None, each.transport)
        for each in PROTOCOLS
        for scheme, port in each.tls
    },
    **{
        scheme: Scheme(port, starttls=each.name, speaks=each.name)
        for each in PROTOCOLS
        for scheme, port in each.clear
    },
}

#: The protocols whose STARTTLS conversation can be asked for by name.
STARTTLS: tuple[str, ...] = tuple(each.name for each in PROTOCOLS if each.script)

#: What to say inside TLS, by protocol.
FAREWELLS: dict[str, bytes] = {each.name: each.farewell for each in PROTOCOLS if each.farewell}

#: The scheme that a port is taken for where none is named; the first of several wins.
SCHEME_OF_PORT: dict[int, str] = {
    scheme.port: name for name, scheme in reversed(SCHEMES.items()) if scheme.transport == "tcp"
}
