"""What to say inside TLS to make a server answer and close: harmless, and in its own words.

Some servers send TLS 1.3 tickets only with their first answer. A command that ends the
conversation needs no login, changes nothing, and tells where the answer ends. MySQL has
none before a login, and is told nothing.
"""

from __future__ import annotations

import struct

#: UnbindRequest (RFC 4511 section 4.3), message 2.
_UNBIND = b"\x30\x05\x02\x01\x02\x42\x00"
#: CancelRequest for process 0 with key 0, which no server has.
_CANCEL = struct.pack("!IHHII", 16, 1234, 5678, 0, 0)
_STREAM = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'></stream:stream>"
)

FAREWELLS: dict[str, bytes] = {
    "smtp": b"QUIT\r\n",
    "lmtp": b"QUIT\r\n",
    "imap": b"A2 LOGOUT\r\n",
    "pop3": b"QUIT\r\n",
    "ftp": b"QUIT\r\n",
    "ldap": _UNBIND,
    "xmpp": _STREAM,
    "xmpp-server": _STREAM.replace(b"jabber:client", b"jabber:server"),
    "nntp": b"QUIT\r\n",
    "sieve": b"LOGOUT\r\n",
    "irc": b"QUIT\r\n",
    "postgres": _CANCEL,
    "redis": b"QUIT\r\n",
    #: DISCONNECT (MQTT 3.1.1 section 3.14).
    "mqtt": b"\xe0\x00",
    #: A protocol header that asks for no known version: the server names its own and closes
    #: (AMQP 0-9-1 section 4.2.2, AMQP 1.0 section 2.2).
    "amqp": b"AMQP\x00\x00\x00\x00",
    #: Over QUIC: the name servers of the root, with the length before it (RFC 9250 section 4.2).
    "dns": b"\x00\x11" + bytes.fromhex("0000010000010000000000000000020001"),
    #: A confirmable empty message, which is answered with a reset: CoAP's ping (RFC 7252
    #: section 4.3).
    "coap": b"\x40\x00\x74\x6c",
}
