"""URL schemes and well-known ports: how TLS starts there. Data only.

Ports are IANA's. A scheme that ends in clear text starts TLS by a prelude (`starttls`);
the others speak TLS from the first byte.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

#: What carries TLS: a TCP connection, QUIC (RFC 9001), or datagrams of DTLS (RFC 6347).
Transport = Literal["tcp", "quic", "dtls"]

#: Sizes that a datagram of DTLS may have: less than this holds no ClientHello, more no UDP
#: payload.
MTU_RANGE = (256, 65_000)


class Scheme(NamedTuple):
    """What a URL scheme means: its port (0: it has none, and must be named), the ALPN to
    offer, whether it is HTTP, the STARTTLS prelude if any, the protocol that is spoken inside
    TLS, and what carries TLS."""

    port: int
    alpn: tuple[str, ...] = ()
    http: bool = False
    starttls: str | None = None
    speaks: str | None = None
    transport: Transport = "tcp"


SCHEMES: dict[str, Scheme] = {
    "https": Scheme(443, ("http/1.1",), http=True),
    "imaps": Scheme(993, speaks="imap"),
    "pop3s": Scheme(995, speaks="pop3"),
    "smtps": Scheme(465, speaks="smtp"),
    "ftps": Scheme(990, speaks="ftp"),
    "ldaps": Scheme(636, speaks="ldap"),
    "nntps": Scheme(563, speaks="nntp"),
    "mqtts": Scheme(8883, speaks="mqtt"),
    "amqps": Scheme(5671, speaks="amqp"),
    "rediss": Scheme(6379, speaks="redis"),
    "ircs": Scheme(6697, speaks="irc"),
    # XEP-0368 section 2.
    "xmpps": Scheme(5223, ("xmpp-client",), speaks="xmpp"),
    "smtp": Scheme(25, starttls="smtp"),
    "submission": Scheme(587, starttls="smtp"),
    "lmtp": Scheme(24, starttls="lmtp"),
    "imap": Scheme(143, starttls="imap"),
    "pop3": Scheme(110, starttls="pop3"),
    "ftp": Scheme(21, starttls="ftp"),
    "ldap": Scheme(389, starttls="ldap"),
    "xmpp": Scheme(5222, starttls="xmpp"),
    "xmpp-server": Scheme(5269, starttls="xmpp-server"),
    "nntp": Scheme(119, starttls="nntp"),
    "sieve": Scheme(4190, starttls="sieve"),
    "irc": Scheme(6667, starttls="irc"),
    "postgres": Scheme(5432, starttls="postgres"),
    "postgresql": Scheme(5432, starttls="postgres"),
    "mysql": Scheme(3306, starttls="mysql"),
    # RFC 9114 section 3.1, RFC 9250 section 4.1.1.
    "h3": Scheme(443, ("h3",), http=True, transport="quic"),
    "doq": Scheme(853, ("doq",), speaks="dns", transport="quic"),
    "quic": Scheme(0, transport="quic"),
    "dtls": Scheme(0, transport="dtls"),
    # RFC 7252 section 6.2.
    "coaps": Scheme(5684, speaks="coap", transport="dtls"),
}

#: The preludes that can be asked for by name.
STARTTLS: tuple[str, ...] = tuple(
    dict.fromkeys(scheme.starttls for scheme in SCHEMES.values() if scheme.starttls)
)

#: The scheme that a port is taken for where none is named; the first of several wins.
SCHEME_OF_PORT: dict[int, str] = {
    scheme.port: name for name, scheme in reversed(SCHEMES.items()) if scheme.transport == "tcp"
}
