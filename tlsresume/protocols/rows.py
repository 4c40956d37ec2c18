"""One row per application protocol: all that the client side of this package knows of it.

A new protocol is one row. If it has STARTTLS, its script (a generator on a `Talk`, see
`talk.py`) goes into `replies.py` for lines of text, into `packets.py`, or into a file of its
own. A script is named here and imported when it is played, since the command line needs only
the rows. What follows from all rows together (by scheme, by port) is in `table.py`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tlsresume.protocols.schemes import Scheme


class Protocol(NamedTuple):
    """An application protocol.

    `script` is the module and function of its STARTTLS conversation; a protocol with one has a
    scheme of its own name. `greeting` is a regular expression for the first bytes of a server
    that speaks first in clear; `perhaps` is one for greetings that other protocols have as
    well. `farewell` is harmless, elicits an answer and ends the conversation: some servers send
    TLS 1.3 tickets only with their first answer. It needs no login and changes nothing. `note`
    is a sentence for whoever starts TLS in it.
    """

    name: str
    schemes: tuple[Scheme, ...]
    script: str | None = None
    greeting: bytes | None = None
    perhaps: bytes | None = None
    farewell: bytes = b""
    note: str | None = None


#: What is asked of it is a request that names the host, which is made for each target.
HTTP = Protocol(
    "http",
    (
        Scheme("https", 443, ("http/1.1",)),
        Scheme("h3", 443, ("h3",), "quic"),  # RFC 9114 section 3.1
    ),
)

#: Nothing is known of the protocol inside TLS.
UNKNOWN = Protocol("", (Scheme("quic", 0, transport="quic"), Scheme("dtls", 0, transport="dtls")))

_STREAM = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:%s'"
    b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'></stream:stream>"
)

#: The order is that of `--starttls` in the help.
ROWS: tuple[Protocol, ...] = (
    HTTP,
    Protocol(
        "smtp",
        (
            Scheme("smtps", 465),
            Scheme("smtp", 25, starttls=True),
            Scheme("submission", 587, starttls=True),
        ),
        script="tlsresume.protocols.replies:smtp",
        greeting=rb"(?i)220(?!.*\bLMTP\b).*SMTP",
        perhaps=rb"220[ -]",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "lmtp",
        (Scheme("lmtp", 24, starttls=True),),
        script="tlsresume.protocols.replies:lmtp",
        greeting=rb"(?i)220.*\bLMTP\b",
        perhaps=rb"220[ -]",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "imap",
        (Scheme("imaps", 993), Scheme("imap", 143, starttls=True)),
        script="tlsresume.protocols.replies:imap",
        greeting=rb"(?i)\* (OK|PREAUTH)\b",
        farewell=b"A2 LOGOUT\r\n",
    ),
    Protocol(
        "pop3",
        (Scheme("pop3s", 995), Scheme("pop3", 110, starttls=True)),
        script="tlsresume.protocols.replies:pop3",
        greeting=rb"\+OK\b",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "ftp",
        (Scheme("ftps", 990), Scheme("ftp", 21, starttls=True)),
        script="tlsresume.protocols.replies:ftp",
        greeting=rb"(?i)220(?!.*(SMTP|\bLMTP\b)).*FTP",
        perhaps=rb"220[ -]",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "ldap",
        (Scheme("ldaps", 636), Scheme("ldap", 389, starttls=True)),
        script="tlsresume.protocols.packets:ldap",
        # UnbindRequest (RFC 4511 section 4.3), message 2.
        farewell=b"\x30\x05\x02\x01\x02\x42\x00",
    ),
    Protocol(
        "xmpp",
        (
            Scheme("xmpps", 5223, ("xmpp-client",)),  # XEP-0368 section 2
            Scheme("xmpp", 5222, starttls=True),
        ),
        script="tlsresume.protocols.xmpp:xmpp",
        greeting=rb"<(\?xml|stream:)",
        farewell=_STREAM % b"client",
    ),
    Protocol(
        "xmpp-server",
        (Scheme("xmpp-server", 5269, starttls=True),),
        script="tlsresume.protocols.xmpp:xmpp_server",
        greeting=rb"<(\?xml|stream:)",
        farewell=_STREAM % b"server",
    ),
    Protocol(
        "nntp",
        (Scheme("nntps", 563), Scheme("nntp", 119, starttls=True)),
        script="tlsresume.protocols.replies:nntp",
        greeting=rb"20[01][ -]",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "sieve",
        (Scheme("sieve", 4190, starttls=True),),
        script="tlsresume.protocols.replies:sieve",
        greeting=rb'(?i)"IMPLEMENTATION"',
        farewell=b"LOGOUT\r\n",
    ),
    Protocol(
        "irc",
        (Scheme("ircs", 6697), Scheme("irc", 6667, starttls=True)),
        script="tlsresume.protocols.replies:irc",
        greeting=rb"(:\S+ )?NOTICE (\*|AUTH)",
        farewell=b"QUIT\r\n",
    ),
    Protocol(
        "postgres",
        (Scheme("postgres", 5432, starttls=True), Scheme("postgresql", 5432, starttls=True)),
        script="tlsresume.protocols.packets:postgres",
        # CancelRequest for process 0 with key 0, which no server has.
        farewell=struct.pack("!IHHII", 16, 1234, 5678, 0, 0),
    ),
    # MySQL has no command before a login, and is told nothing.
    Protocol(
        "mysql",
        (Scheme("mysql", 3306, starttls=True),),
        script="tlsresume.protocols.packets:mysql",
        # The packet's length, its number 0, and the protocol's version 10.
        greeting=rb"(?s)...\x00\x0a\d",
        note="MySQL counts connections that end before a login, and may block an address"
        " after many (max_connect_errors)",
    ),
    # DISCONNECT (MQTT 3.1.1 section 3.14).
    Protocol("mqtt", (Scheme("mqtts", 8883),), farewell=b"\xe0\x00"),
    # A protocol header that asks for no known version: the server names its own and closes
    # (AMQP 0-9-1 section 4.2.2, AMQP 1.0 section 2.2).
    Protocol("amqp", (Scheme("amqps", 5671),), farewell=b"AMQP\x00\x00\x00\x00"),
    Protocol("redis", (Scheme("rediss", 6379),), farewell=b"QUIT\r\n"),
    # RFC 9250 section 4.1.1. The name servers of the root are asked for, with the length before
    # the question (section 4.2).
    Protocol(
        "dns",
        (Scheme("doq", 853, ("doq",), "quic"),),
        farewell=b"\x00\x11" + bytes.fromhex("0000010000010000000000000000020001"),
    ),
    # RFC 7252 section 6.2. A confirmable empty message is answered with a reset: CoAP's ping
    # (section 4.3).
    Protocol("coap", (Scheme("coaps", 5684, transport="dtls"),), farewell=b"\x40\x00\x74\x6c"),
    UNKNOWN,
)
