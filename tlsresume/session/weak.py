"""Ticket keys that need no guessing: zeros, one byte over and over, counting, words.

A server that was given no real key, or one from a test, seals its tickets with
something an observer can try out. Trying is done here, on a ticket that was given
to us, without any connection: one block is decrypted per candidate, with a cipher
object that is kept for the process (making one costs twenty times what it does), and
only what looks like a session is decrypted whole. That a key "opens" a ticket proves
nothing by itself; the proof is that the plaintext holds the secret of the session
that the ticket came with.

The candidates are `patterns`; the layouts that are tried are OpenSSL's (and
BoringSSL's), GnuTLS's and Go's. GnuTLS 3.6.4 to 3.6.13 used a key of zeros until
its first rotation (CVE-2020-13777). Zero keys and keys of one repeated byte were
found on servers of large providers (Hebrok et al., "We Really Need to Talk About
Session Tickets", USENIX Security 2023).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from tlsresume.session.layouts import GNUTLS, GO_1_20, GO_1_21, OPENSSL
from tlsresume.session.unseal import (
    GNUTLS_MASTER,
    TicketKey,
    der_length,
    gnutls_key,
    gnutls_rotation,
    go_key,
    holds_secret,
    unseal,
)
from tlsresume.value import Secret, Value

PAPER = "Hebrok et al., USENIX Security 2023"
GNUTLS_CVE = "CVE-2020-13777"

#: Words that stand in examples and in the key files of test suites, repeated to fill a key.
WORDS: tuple[bytes, ...] = (
    b"0123456789abcdef",
    b"0123456789ABCDEF",
    b"1234567890123456",
    b"1234567890",
    b"abcdefghijklmnopqrstuvwxyz",
    b"abcdefghijklmnop",
    b"\xde\xad\xbe\xef",
    b"\xca\xfe\xba\xbe",
    b"deadbeef",
    b"changeme",
    b"password",
    b"secret",
    b"test",
    b"key",
)

#: Where a key begins in a key file: a file that counts does not begin again for each part.
_OFFSETS = (0, 1, 16, 17, 32, 33, 48, 49)


class WeakKey(Value, frozen=True, kw_only=True):
    """The key that opened a ticket: how to say it, under which layout, what was published.

    `mac` says whether the MAC is that of a weak key too.
    """

    pattern: str
    layout: str
    cipher: str
    mac: bool
    reference: str | None = None


@cache
def patterns(length: int) -> dict[bytes, str]:
    """The keys of that length that need no guessing, with their names; the likeliest first."""
    named: dict[bytes, str] = {}
    for key, name in _patterns(length):
        named.setdefault(key, name)
    return named


def _patterns(length: int) -> Iterator[tuple[bytes, str]]:
    yield bytes(length), "all zero"
    yield b"\xff" * length, "all one bits"
    for byte in range(1, 256):
        said = f" ({chr(byte)!r})" if 0x20 < byte < 0x7F else ""
        yield bytes([byte]) * length, f"every byte 0x{byte:02x}{said}"
    for start in _OFFSETS:
        yield bytes((start + n) % 256 for n in range(length)), f"counting up from {start}"
    for start in (255, length - 1, length):
        yield bytes((start - n) % 256 for n in range(length)), f"counting down from {start}"
    for word in WORDS:
        said = word.decode() if word.isascii() else word.hex()
        yield (word * length)[:length], f"{said!r}, repeated"
    half = length // 2
    for byte in range(1, 256):
        yield bytes([byte]) * half + bytes(length - half), f"0x{byte:02x} repeated, then zeros"


def weakness(key: bytes) -> str | None:
    """What is wrong with a key, or a whole key file, as such: a pattern, or a short period."""
    known = patterns(len(key)).get(key) if key else None
    if known is not None:
        return known
    for period in (1, 2, 4, 8, 16, 32):
        if len(key) >= 2 * period and key == (key[:period] * len(key))[: len(key)]:
            return f"{period} bytes, repeated"
    return None


@lru_cache(maxsize=256)
def find_weak_key(
    ticket: bytes, secret: bytes, nonces: tuple[bytes, ...] = (), time: int = 0, lifetime: int = 0
) -> WeakKey | None:
    """The weak key that sealed a ticket, proved by the secret inside; None: it has none of these.

    `secret` is the session's (the master secret, or TLS 1.3's PSK), `nonces` those that the
    tickets came with, `time` and `lifetime` (seconds) tell GnuTLS's period of rotation.
    """
    if not secret:
        return None
    return (
        _openssl(ticket, secret, nonces)
        or _gnutls(ticket, secret, nonces, time, lifetime)
        or _go(ticket, secret, nonces)
    )


def _openssl(ticket: bytes, secret: bytes, nonces: Sequence[bytes]) -> WeakKey | None:
    fields = OPENSSL.parse(ticket)
    if fields is None:
        return None
    iv, ciphertext = fields["iv"], fields["ciphertext"]
    first, sequence = ciphertext[:16], iv[0] ^ 0x30
    for size in (16, 32):
        for key, name, cipher in _block_decryptors(size):
            block = cipher.update(first)
            # A SEQUENCE that fills the ciphertext but for the padding.
            if block[0] != sequence:
                continue
            start = bytes(a ^ b for a, b in zip(block, iv, strict=True))
            if not 0 < len(ciphertext) - der_length(start) <= 16:
                continue
            opened = unseal(
                ticket, TicketKey("openssl", fields["key_name"], Secret(key), Secret(), "weak")
            )
            if opened is None or not holds_secret(opened.plaintext, secret, nonces):
                continue
            return WeakKey(
                pattern=name,
                layout=OPENSSL.name,
                cipher=f"AES-{size * 8}-CBC",
                mac=_mac_is_weak(ticket, 32, "sha256", (16, 32)),
                reference=PAPER,
            )
    return None


@cache
def _block_decryptors(size: int) -> tuple[tuple[bytes, str, CipherContext], ...]:
    """The weak AES keys of that size, their names, and what decrypts one block with each."""
    return tuple(
        (key, name, Cipher(algorithms.AES(key), modes.ECB()).decryptor())  # noqa: S305  one block of CBC, by hand
        for key, name in patterns(size).items()
    )


def _mac_is_weak(ticket: bytes, length: int, digest: str, sizes: Sequence[int]) -> bool:
    body, mac = ticket[:-length], ticket[-length:]
    return any(hmac.digest(key, body, digest) == mac for size in sizes for key in patterns(size))


def _gnutls(
    ticket: bytes, secret: bytes, nonces: Sequence[bytes], time: int, lifetime: int
) -> WeakKey | None:
    fields = GNUTLS.parse(ticket)
    if fields is None:
        return None
    key_name = fields["key_name"]
    # Zeros were used as they stood, beside whatever name.
    tried = [(gnutls_key(bytes(GNUTLS_MASTER)), patterns(GNUTLS_MASTER)[bytes(GNUTLS_MASTER)])]
    for period in (None, *gnutls_rotation(time, lifetime)):
        named = _gnutls_keys(period).get(key_name)
        if named is not None:
            tried.append(named)
    for key, name in tried:
        opened = unseal(ticket, TicketKey("gnutls", key_name, key.cipher_key, key.mac_key, "weak"))
        if opened is not None and holds_secret(opened.plaintext, secret, nonces):
            zero = not any(key.cipher_key)
            return WeakKey(
                pattern=name,
                layout=GNUTLS.name,
                cipher="AES-256-CBC",
                mac=opened.mac,
                reference=GNUTLS_CVE if zero else None,
            )
    return None


@lru_cache(maxsize=16)
def _gnutls_keys(period: int | None) -> dict[bytes, tuple[TicketKey, str]]:
    """Keys that GnuTLS derives from weak ones in a period, by their names."""
    keys = ((gnutls_key(master, period), name) for master, name in patterns(GNUTLS_MASTER).items())
    return {key.name: (key, name) for key, name in keys}


@cache
def _go_keys() -> dict[bytes, tuple[TicketKey, str]]:
    """Keys that Go derives from weak seeds, by their names."""
    keys = {seed: go_key(seed) for seed in patterns(32)}
    return {key.name: (key, patterns(32)[seed]) for seed, key in keys.items()}


def _go(ticket: bytes, secret: bytes, nonces: Sequence[bytes]) -> WeakKey | None:
    found = []
    if GO_1_20.parse(ticket) is not None and ticket[:16] in _go_keys():
        found = [_go_keys()[ticket[:16]]]
    elif GO_1_21.parse(ticket) is not None:
        body, mac = ticket[:-32], ticket[-32:]
        found = [
            pair
            for pair in _go_states(ticket)
            if hmac.digest(pair[0].mac_key, body, "sha256") == mac
        ]
    for key, name in found:
        opened = unseal(ticket, key)
        if opened is not None and holds_secret(opened.plaintext, secret, nonces):
            layout = GO_1_20.name if ticket[:16] == key.name else GO_1_21.name
            return WeakKey(pattern=name, layout=layout, cipher="AES-128-CTR", mac=opened.mac)
    return None


def _go_states(ticket: bytes) -> Iterator[tuple[TicketKey, str]]:
    """The weak keys under which a ticket of Go 1.21 or later begins as its sessions do: the
    version (03 03, 03 04), then whose session it is (1: a server's, 2: a client's)
    (crypto/tls, SessionState.Bytes)."""
    iv, version, minor, role = ticket[:16], ticket[16] ^ 3, ticket[17], ticket[18]
    for pair, cipher in _go_keystreams():
        stream = cipher.update(iv)
        if stream[0] == version and stream[1] ^ minor <= 4 and stream[2] ^ role in (1, 2):
            yield pair


@cache
def _go_keystreams() -> tuple[tuple[tuple[TicketKey, str], CipherContext], ...]:
    """Go's weak keys, each with what makes the first block of its CTR key stream from an IV."""
    return tuple(
        (pair, Cipher(algorithms.AES(pair[0].cipher_key), modes.ECB()).encryptor())  # noqa: S305  one block of CTR, by hand
        for pair in _go_keys().values()
    )
