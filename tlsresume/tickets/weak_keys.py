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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from tlsresume.tickets.layouts import GNUTLS, GO_1_20, GO_1_21, OPENSSL
from tlsresume.tickets.unseal import (
    GNUTLS_MASTER,
    TicketKey,
    der_length,
    gnutls_key,
    gnutls_rotation,
    go_key,
    go_key_name,
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

#: AES on single blocks, from which CBC and CTR are made by hand here.
_ONE_BLOCK = modes.ECB()  # noqa: S305  see above

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
def patterns(length: int) -> Collection[bytes]:
    """The keys of that length that need no guessing, the likeliest first; `pattern_name` says
    what one is called."""
    return dict.fromkeys(key for key, _, _ in _patterns(length))


def pattern_name(key: bytes) -> str:
    """What one of `patterns` is called, as "every byte 0x31 ('1')"."""
    return next(say(what) for known, say, what in _patterns(len(key)) if known == key)


def _patterns(length: int) -> Iterator[tuple[bytes, Callable[[Any], str], int | bytes]]:
    """Each key with what makes its name, which hardly any ever needs, and of what."""
    yield bytes(length), "all zero".format, 0
    yield b"\xff" * length, "all one bits".format, 0xFF
    for byte in range(1, 256):
        yield bytes([byte]) * length, _every_byte, byte
    for start in _OFFSETS:
        yield bytes((start + n) % 256 for n in range(length)), "counting up from {}".format, start
    for start in (255, length - 1, length):
        key = bytes((start - n) % 256 for n in range(length))
        yield key, "counting down from {}".format, start
    for word in WORDS:
        yield (word * length)[:length], _repeated, word
    half = length // 2
    for byte in range(1, 256):
        key = bytes([byte]) * half + bytes(length - half)
        yield key, "0x{:02x} repeated, then zeros".format, byte


def _every_byte(byte: int) -> str:
    said = f" ({chr(byte)!r})" if 0x20 < byte < 0x7F else ""
    return f"every byte 0x{byte:02x}{said}"


def _repeated(word: bytes) -> str:
    said = word.decode() if word.isascii() else word.hex()
    return f"{said!r}, repeated"


def weakness(key: bytes) -> str | None:
    """What is wrong with a key, or a whole key file, as such: a pattern, or a short period."""
    if key and key in patterns(len(key)):
        return pattern_name(key)
    for period in (1, 2, 4, 8, 16, 32):
        if len(key) >= 2 * period and key == (key[:period] * len(key))[: len(key)]:
            return f"{period} bytes, repeated"
    return None


@lru_cache(maxsize=256)
def find_weak_key(
    ticket: bytes,
    secret: bytes,
    nonces: tuple[bytes, ...] = (),
    time: int = 0,
    lifetime: int = 0,
    *,
    named: bool = False,
) -> WeakKey | None:
    """The weak key that sealed a ticket, proved by the secret inside; None: it has none of these.

    `secret` is the session's (the master secret, or TLS 1.3's PSK), `nonces` those that the
    tickets came with, `time` and `lifetime` (seconds) tell GnuTLS's period of rotation. `named`:
    the ticket begins with a name for sure (`begin_with_key_names`), so that a layout without
    one, which costs a third of the search, need not be tried.
    """
    if not secret:
        return None
    return (
        _openssl(ticket, secret, nonces)
        or _gnutls(ticket, secret, nonces, time, lifetime)
        or _go(ticket, secret, nonces, named=named)
    )


def _openssl(ticket: bytes, secret: bytes, nonces: Sequence[bytes]) -> WeakKey | None:
    fields = OPENSSL.parse(ticket)
    if fields is None:
        return None
    iv, ciphertext = fields["iv"], fields["ciphertext"]
    first, sequence = ciphertext[:16], iv[0] ^ 0x30
    for size in (16, 32):
        # A SEQUENCE that fills the ciphertext but for the padding.
        likely = [pair for pair in _block_decryptors(size) if pair[1](first)[0] == sequence]
        for key, decrypt in likely:
            start = bytes(a ^ b for a, b in zip(decrypt(first), iv, strict=True))
            if not 0 < len(ciphertext) - der_length(start) <= 16:
                continue
            opened = unseal(
                ticket, TicketKey("openssl", fields["key_name"], Secret(key), Secret(), "weak")
            )
            if opened is None or not holds_secret(opened.plaintext, secret, nonces):
                continue
            return WeakKey(
                pattern=pattern_name(key),
                layout=OPENSSL.name,
                cipher=f"AES-{size * 8}-CBC",
                mac=_mac_is_weak(ticket, 32, "sha256", (16, 32)),
                reference=PAPER,
            )
    return None


@cache
def _block_decryptors(size: int) -> tuple[tuple[bytes, Callable[[bytes], bytes]], ...]:
    """The weak AES keys of that size, and what decrypts one block with each."""
    # Making these is most of the search. One cipher is given each key in turn, whose context has
    # a copy of it: a cipher for each is a third more.
    aes = (algorithms.AES128 if size == 16 else algorithms.AES256)(bytes(size))
    cipher = Cipher(aes, _ONE_BLOCK)

    def decryptor(key: bytes) -> Callable[[bytes], bytes]:
        aes.key = key
        return cipher.decryptor().update

    return tuple((key, decryptor(key)) for key in patterns(size))


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
    zeros = bytes(GNUTLS_MASTER)
    tried = [(gnutls_key(zeros), zeros)]
    for period in (None, *gnutls_rotation(time, lifetime)):
        named = _gnutls_keys(period).get(key_name)
        if named is not None:
            tried.append(named)
    for key, master in tried:
        opened = unseal(ticket, TicketKey("gnutls", key_name, key.cipher_key, key.mac_key, "weak"))
        if opened is not None and holds_secret(opened.plaintext, secret, nonces):
            zero = not any(key.cipher_key)
            return WeakKey(
                pattern=pattern_name(master),
                layout=GNUTLS.name,
                cipher="AES-256-CBC",
                mac=opened.mac,
                reference=GNUTLS_CVE if zero else None,
            )
    return None


@lru_cache(maxsize=16)
def _gnutls_keys(period: int | None) -> dict[bytes, tuple[TicketKey, bytes]]:
    """Keys that GnuTLS derives from weak ones in a period, by their names, each with its origin."""
    keys = ((gnutls_key(master, period), master) for master in patterns(GNUTLS_MASTER))
    return {key.name: (key, master) for key, master in keys}


@cache
def _go_seeds() -> dict[bytes, bytes]:
    """Weak seeds, by the names of the keys that Go derives from them."""
    return {go_key_name(seed): seed for seed in patterns(32)}


def _go(ticket: bytes, secret: bytes, nonces: Sequence[bytes], *, named: bool) -> WeakKey | None:
    found = []
    if GO_1_20.parse(ticket) is not None and ticket[:16] in _go_seeds():
        seed = _go_seeds()[ticket[:16]]
        found = [(go_key(seed), seed)]
    elif not named and GO_1_21.parse(ticket) is not None:
        body, mac = ticket[:-32], ticket[-32:]
        found = [
            pair
            for pair in _go_states(ticket)
            if hmac.digest(pair[0].mac_key, body, "sha256") == mac
        ]
    for key, seed in found:
        opened = unseal(ticket, key)
        if opened is not None and holds_secret(opened.plaintext, secret, nonces):
            layout = GO_1_20.name if ticket[:16] == key.name else GO_1_21.name
            return WeakKey(
                pattern=pattern_name(seed), layout=layout, cipher="AES-128-CTR", mac=opened.mac
            )
    return None


def _go_states(ticket: bytes) -> Iterator[tuple[TicketKey, bytes]]:
    """The weak keys, and their seeds, under which a ticket of Go 1.21 or later begins as its
    sessions do: the version (03 03, 03 04), then whose session it is (1: a server's, 2: a
    client's) (crypto/tls, SessionState.Bytes)."""
    iv, version, minor, role = ticket[:16], ticket[16] ^ 3, ticket[17], ticket[18]
    for key, seed, cipher in _go_keystreams():
        stream = cipher.update(iv)
        if stream[0] == version and stream[1] ^ minor <= 4 and stream[2] ^ role in (1, 2):
            yield key, seed


@cache
def _go_keystreams() -> tuple[tuple[TicketKey, bytes, CipherContext], ...]:
    """Go's weak keys and their seeds, each with what makes the first block of its CTR key
    stream from an IV."""
    keys = ((go_key(seed), seed) for seed in patterns(32))
    return tuple(
        (key, seed, Cipher(algorithms.AES128(key.cipher_key), _ONE_BLOCK).encryptor())
        for key, seed in keys
    )


def begin_with_key_names(tickets: Iterable[bytes]) -> frozenset[bytes]:
    """The first 16 bytes of tickets that are a name for sure, and no IV of Go's.

    Go 1.21 and later begin a ticket with its IV. The same one twice, were it ever made, would
    have had the same key stream, and each session of Go's begins with 03: what begins alike and
    goes on differently has another layout.
    """
    followed: dict[bytes, set[bytes]] = {}
    for ticket in tickets:
        followed.setdefault(ticket[:16], set()).add(ticket[16:17])
    return frozenset(start for start, after in followed.items() if len(after) > 1)
