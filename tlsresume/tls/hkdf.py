"""HKDF-Expand-Label and the key of a traffic secret (RFC 8446 sections 7.1 and 7.3).

Only what reads packets needs: QUIC's Initial packets and records of TLS 1.3 in a capture.
"""

from __future__ import annotations

import hmac
from typing import Literal

Digest = Literal["sha256", "sha384"]


def extract(salt: bytes, material: bytes, digest: Digest = "sha256") -> bytes:
    """HKDF-Extract (RFC 5869 section 2.2)."""
    return hmac.digest(salt, material, digest)


def expand_label(secret: bytes, label: bytes, length: int, digest: Digest = "sha256") -> bytes:
    """HKDF-Expand-Label with an empty context."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\x00"
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(secret, block + info + bytes([counter]), digest)
        output += block
        counter += 1
    return output[:length]
