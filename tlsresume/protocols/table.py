"""Every STARTTLS prelude by its name."""

from __future__ import annotations

from tlsresume.protocols.packets import ldap, mysql, postgres
from tlsresume.protocols.replies import ftp, imap, irc, lmtp, nntp, pop3, sieve, smtp
from tlsresume.protocols.talk import Script
from tlsresume.protocols.xmpp import xmpp, xmpp_server

PRELUDES: dict[str, Script] = {
    "smtp": smtp,
    "lmtp": lmtp,
    "imap": imap,
    "pop3": pop3,
    "ftp": ftp,
    "ldap": ldap,
    "xmpp": xmpp,
    "xmpp-server": xmpp_server,
    "nntp": nntp,
    "sieve": sieve,
    "irc": irc,
    "postgres": postgres,
    "mysql": mysql,
}
