"""Tickets made by hand, by the server's half of each layout, and those of real servers."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.paths import VECTORS
from tests.sessions import altered
from tlsresume.session.session import Session

FOLDER = VECTORS / "tickets"
SERVERS = ("nginx48", "nginx80", "haproxy80", "apache48", "node48", "gnutls64", "go32")
MECHANISMS = ("psk", "ticket")

IV = bytes(range(200, 216))


def vector(server: str, mechanism: str) -> Session:
    """A session from a real server."""
    return Session.from_der((FOLDER / f"{server}-{mechanism}.der").read_bytes())


def ticket_of(session: Session) -> bytes:
    """A session's ticket."""
    ticket = session.fields.ticket
    assert ticket is not None
    return ticket


def key_of(server: str) -> bytes:
    """The key file that a real server was given."""
    return (FOLDER / f"{server}.key").read_bytes()


def _cbc(key: bytes, iv: bytes, padded: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def seal_openssl(plaintext: bytes, name: bytes, aes: bytes, mac: bytes, iv: bytes = IV) -> bytes:
    """name16 iv16 AES-CBC HMAC-SHA256."""
    count = 16 - len(plaintext) % 16
    body = name + iv + _cbc(aes, iv, plaintext + bytes([count]) * count)
    return body + hmac.digest(mac, body, "sha256")


def seal_gnutls(plaintext: bytes, key: bytes, iv: bytes = IV) -> bytes:
    """name16 iv16 len2 AES-256-CBC HMAC-SHA1, from a key of 64 bytes as it stands."""
    ciphertext = _cbc(key[16:48], iv, plaintext + bytes(-len(plaintext) % 16))
    body = key[:16] + iv + len(ciphertext).to_bytes(2, "big") + ciphertext
    return body + hmac.digest(key[48:64], body, "sha1")


def seal_go(plaintext: bytes, seed: bytes, *, named: bool, iv: bytes = IV) -> bytes:
    """Go: name16 (up to 1.20) iv16 AES-128-CTR HMAC-SHA256, from a seed of 32 bytes."""
    key = hashlib.sha512(seed).digest()
    encryptor = Cipher(algorithms.AES(key[16:32]), modes.CTR(iv)).encryptor()
    body = (key[:16] if named else b"") + iv + encryptor.update(plaintext) + encryptor.finalize()
    return body + hmac.digest(key[32:48], body, "sha256")


def server_session(secret: bytes = bytes(range(48)), **fields: Any) -> Session:
    """What a server seals: a session without a ticket."""
    return altered("openssl40-ticket", master_key=secret, ticket=None, **fields)
