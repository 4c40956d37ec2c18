"""Opening records of TLS 1.3 with a traffic secret out of a key log (RFC 8446 section 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from tlsresume.tls.hkdf import Digest, expand_label
from tlsresume.value import Value


class _Cipher(Protocol):
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class _Suite(Value, frozen=True):
    key_length: int
    digest: Digest
    cipher: Callable[[bytes], _Cipher]


#: The cipher suites of TLS 1.3 (RFC 8446 appendix B.4).
SUITES: dict[int, _Suite] = {
    0x1301: _Suite(16, "sha256", AESGCM),
    0x1302: _Suite(32, "sha384", AESGCM),
    0x1303: _Suite(32, "sha256", ChaCha20Poly1305),
    0x1304: _Suite(16, "sha256", AESCCM),
    0x1305: _Suite(16, "sha256", lambda key: AESCCM(key, tag_length=8)),
}


class TrafficKey:
    """One direction's key of one epoch; `open` takes its records in order."""

    __slots__ = ("_cipher", "_iv", "_sequence")

    def __init__(self, cipher_suite: int, secret: bytes) -> None:
        """Raises KeyError for a suite that is not one of TLS 1.3."""
        suite = SUITES[cipher_suite]
        self._cipher = suite.cipher(expand_label(secret, b"key", suite.key_length, suite.digest))
        self._iv = int.from_bytes(expand_label(secret, b"iv", 12, suite.digest), "big")
        self._sequence = 0

    def open(self, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """The content type and the content of a record; None where the key does not fit.

        `header` are the record's first five bytes.
        """
        nonce = (self._iv ^ self._sequence).to_bytes(12, "big")
        try:
            plain = self._cipher.decrypt(nonce, body, header).rstrip(b"\x00")
        except (InvalidTag, ValueError):
            return None
        self._sequence += 1
        return (plain[-1], plain[:-1]) if plain else None
