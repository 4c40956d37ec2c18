"""Which protocol a server speaks, by the first words it says in clear: a guess, for a hint.

A table of how greetings begin, and the hints that follow from it: for somebody who began
with TLS where it starts later, and for one who named the wrong protocol.
"""

from __future__ import annotations

import re

#: What the first bytes look like, and the preludes that fit; the first that matches counts.
_GREETINGS: tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...] = (
    (re.compile(rb"220.*\bLMTP\b", re.IGNORECASE), ("lmtp",)),
    (re.compile(rb"220.*E?SMTP", re.IGNORECASE), ("smtp",)),
    (re.compile(rb"220.*FTP", re.IGNORECASE), ("ftp",)),
    (re.compile(rb"220[ -]"), ("smtp", "ftp", "lmtp")),
    (re.compile(rb"20[01][ -]"), ("nntp",)),
    (re.compile(rb"\* (OK|PREAUTH)\b", re.IGNORECASE), ("imap",)),
    (re.compile(rb"\+OK\b"), ("pop3",)),
    (re.compile(rb'"IMPLEMENTATION"', re.IGNORECASE), ("sieve",)),
    (re.compile(rb"<(\?xml|stream:)"), ("xmpp", "xmpp-server")),
    (re.compile(rb"(:\S+ )?NOTICE (\*|AUTH)"), ("irc",)),
    # The packet's length, its number 0, and the protocol's version 10.
    (re.compile(rb"...\x00\x0a\d", re.DOTALL), ("mysql",)),
)

_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")

AT_ONCE = (
    "TLS may start at once on this port: then --starttls none, or https://, imaps:// and so on"
)


def preludes_of(said: bytes) -> tuple[str, ...]:
    """The preludes whose greeting begins like this; empty where none does."""
    return next((names for shape, names in _GREETINGS if shape.match(said)), ())


def hint_for_plain(said: bytes) -> tuple[str, ...]:
    """What helps where TLS was expected and these bytes came."""
    if said.startswith(b"HTTP/"):
        return ("check the port; https usually has 443",)
    if names := preludes_of(said):
        urls = " or ".join(f"{name}://HOST:PORT" for name in names)
        return (f"TLS starts later here: --starttls {' or '.join(names)}, or the target {urls}",)
    return ()


def hint_for_words(said: bytes) -> tuple[str, ...]:
    """What helps where a prelude's server said these bytes, which its protocol does not have."""
    if said.startswith(b"HTTP/") or _TLS_RECORD.match(said):
        return (AT_ONCE,)
    if names := preludes_of(said):
        return (f"this looks like another protocol: --starttls {' or '.join(names)}",)
    return ()
