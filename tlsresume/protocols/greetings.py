"""Hints from the first words that a server says in clear: for somebody who began with TLS where
it starts later, and for one who named the wrong protocol. A guess, by the greetings in `rows.py`.
"""

from __future__ import annotations

import re

from tlsresume.protocols.table import starttls_by_greeting

_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")

AT_ONCE = (
    "TLS may start at once on this port: then --starttls none, or https://, imaps:// and so on"
)


def hint_for_plain(said: bytes) -> tuple[str, ...]:
    """What helps where TLS was expected and these bytes came."""
    if said.startswith(b"HTTP/"):
        return ("check the port; https usually has 443",)
    if names := starttls_by_greeting(said):
        urls = " or ".join(f"{name}://HOST:PORT" for name in names)
        return (f"TLS starts later here: --starttls {' or '.join(names)}, or the target {urls}",)
    return ()


def hint_for_words(said: bytes) -> tuple[str, ...]:
    """What helps where a prelude's server said these bytes, which its protocol does not have."""
    if said.startswith(b"HTTP/") or _TLS_RECORD.match(said):
        return (AT_ONCE,)
    if names := starttls_by_greeting(said):
        return (f"this looks like another protocol: --starttls {' or '.join(names)}",)
    return ()
