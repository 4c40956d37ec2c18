"""What a server says in clear where TLS was expected: in words, and what that means."""

from __future__ import annotations

import re

from tlsresume.error_queue import ErrorStack
from tlsresume.protocols.greetings import hint_for_plain
from tlsresume.protocols.limits import LIMIT_CODES, SLOWER
from tlsresume.protocols.table import starttls_by_greeting
from tlsresume.transports.failures import Broken

#: First words of servers that speak before TLS in a way that no prelude knows, and of such
#: that want no more clients now: SMTP, FTP, NNTP by number (RFC 5321 section 4.2), IMAP, POP3.
_GREETING = re.compile(rb"2[0-9]{2}[ -]")
#: The numbers by which they limit their clients.
_LIMITED = re.compile(b"(?:%s)[ -]" % b"|".join(b"%d" % code for code in sorted(LIMIT_CODES)))
_TURNED_AWAY = re.compile(rb"[45][0-9]{2}[ -]|\* BYE\b|-ERR\b")


def not_tls(data: bytes, stack: ErrorStack) -> Broken:
    """The failure of a connection whose server began with these bytes."""
    if _LIMITED.match(data):
        return Broken("rate-limit", describe_plain(data), stack, hints=(SLOWER,))
    return Broken("not-tls", describe_plain(data), stack, hints=hint_for_plain(data))


def describe_plain(data: bytes) -> str:
    """Words for bytes that came where TLS was expected, safe to print."""
    if data.startswith(b"HTTP/"):
        return "the server answers in plain HTTP, not TLS"
    if data.startswith(b"SSH-"):
        return "the server speaks SSH, not TLS"
    shown = _shown(data[:24])
    if _TURNED_AWAY.match(data):
        return f"the server turns this client away in plain text: {_shown(data.rstrip())!r}"
    if starttls_by_greeting(data) or _GREETING.match(data):
        return f"the server greets in plain text ({shown!r}): TLS starts later here (STARTTLS)"
    return f"the server's answer is not TLS; it begins {shown!r}"


def _shown(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
