"""Which protocol a server speaks, by the first words it says in clear: a guess, for a hint.

How greetings begin stands in the rows of `schemes.py`. Here are the hints that follow: for
somebody who began with TLS where it starts later, and for one who named the wrong protocol.
"""

from __future__ import annotations

import re
from functools import cache

from tlsresume.protocols.schemes import PROTOCOLS

#: A reply that greets in several protocols, of which none was recognised.
_READY = re.compile(rb"220[ -]"), ("smtp", "ftp", "lmtp")

_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")

AT_ONCE = (
    "TLS may start at once on this port: then --starttls none, or https://, imaps:// and so on"
)


@cache
def _greetings() -> tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...]:
    """How greetings look, and the protocols that greet so; the first that matches counts."""
    looks = dict.fromkeys(each.greeting for each in PROTOCOLS if each.greeting)
    return (
        *(
            (re.compile(look), tuple(each.name for each in PROTOCOLS if each.greeting == look))
            for look in looks
        ),
        _READY,
    )


def preludes_of(said: bytes) -> tuple[str, ...]:
    """The protocols whose greeting begins like this; empty where none does."""
    return next((names for look, names in _greetings() if look.match(said)), ())


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
