"""The sessions in a file of `curl --ssl-sessions`.

A line is `KEY:BASE64`; the key is salted, or names the peer. The base64 holds fields, each a
tag of one byte and its value (curl, lib/vtls/vtls_spack.c): the session itself is what curl's
TLS library keeps, for OpenSSL its DER.
"""

from __future__ import annotations

import base64
import binascii

from tlsresume.value import Secret, Value

_VERSION, _TICKET, _ALPN = 0x01, 0x04, 0x05

#: The tags and the length of their values; None: two bytes say it.
_LENGTHS: dict[int, int | None] = {
    0x02: 2,  # the protocol version
    0x03: 8,  # valid until, seconds since 1970
    _TICKET: None,
    _ALPN: None,
    0x06: 4,  # early data allowed
    0x07: None,  # transport parameters of QUIC
}


class CurlSession(Value, frozen=True):
    """One line: the library's own bytes of the session, and the ALPN protocol."""

    data: Secret
    alpn: str | None = None


def find_curl_sessions(text: str) -> tuple[CurlSession, ...]:
    """The sessions in a text; () where it is no such file."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        key, colon, value = line.rpartition(":")
        session = _read(value.strip()) if key and colon else None
        if session is None:
            return ()
        found.append(session)
    return tuple(found)


def _read(value: str) -> CurlSession | None:
    try:
        packed = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    if packed[:1] != bytes((_VERSION,)):
        return None
    values: dict[int, bytes] = {}
    at = 1
    while at < len(packed):
        tag = packed[at]
        if tag not in _LENGTHS:
            # A field of a newer curl: how long it is nobody can tell, and the rest is known.
            break
        length, start = _LENGTHS[tag], at + 1
        if length is None:
            length, start = int.from_bytes(packed[start : start + 2], "big"), start + 2
        at = start + length
        if at > len(packed):
            return None
        values[tag] = packed[start:at]
    if _TICKET not in values:
        return None
    alpn = values.get(_ALPN, b"").decode("ascii", "replace")
    return CurlSession(Secret(values[_TICKET]), alpn if alpn.isprintable() and alpn else None)
