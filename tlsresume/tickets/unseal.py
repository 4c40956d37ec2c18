"""Opening a ticket with a key: decrypt, check the MAC, read the session inside.

The server's half of RFC 5077 section 4 as implementations really do it. A scheme
is a row of `SCHEMES`. Decryption and the MAC are judged apart: some servers compute
the MAC over something else, and a ticket whose plaintext is a session was made
with this key whatever its MAC says. That the session inside is *ours* is shown by
its secret:

- OpenSSL and BoringSSL: in TLS 1.2 the master secret, in TLS 1.3 the PSK that both
  sides derive from the ticket's nonce, already derived before the ticket is sealed.
- GnuTLS and Go (up to 1.20): in TLS 1.3 the resumption master secret, from which the
  PSK is HKDF-Expand-Label(secret, "resumption", ticket_nonce) (RFC 8446 section 4.6.1).

GnuTLS seals with keys that it derives from the one it was given, anew after three
times the lifetime of its tickets: SHA3-512(period || key).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tlsresume.errors import SessionError
from tlsresume.sessions.session import Session
from tlsresume.tickets.layouts import GNUTLS, GO_1_20, GO_1_21, OPENSSL, TicketLayout
from tlsresume.value import Secret, Value

Scheme = Literal["openssl", "gnutls", "go"]

#: A GnuTLS ticket key: name 16, cipher key 32, MAC key 16.
GNUTLS_MASTER = 64

#: GnuTLS rotates its keys after this many lifetimes of a ticket.
_GNUTLS_PERIODS = 3
_GNUTLS_LIFETIME = 21_600

_HASHES = {32: "sha256", 48: "sha384"}
#: Of nonces that stand in a plaintext: the longest that any known server uses.
_LONGEST_NONCE = 32


class TicketKey(Value, frozen=True):
    """One ticket key, taken apart. `order` says how it lay in its file, in words; an empty
    `name` goes with any."""

    scheme: Scheme
    name: bytes
    cipher_key: Secret
    mac_key: Secret
    order: str = ""


class Unsealed(Value, frozen=True):
    """A ticket that a key opened. `mac` says whether its MAC is that of the key."""

    key: TicketKey
    layout: str
    mac: bool
    plaintext: Secret

    @property
    def session(self) -> Session | None:
        """The server's session, where it is one that OpenSSL wrote."""
        try:
            return Session.from_der(self.plaintext)
        except SessionError:
            return None

    @property
    def is_session(self) -> bool:
        """Whether the plaintext has the shape of a session in DER."""
        return self.plaintext[:1] == b"\x30" and der_length(self.plaintext) == len(self.plaintext)


def unseal(ticket: bytes, key: TicketKey) -> Unsealed | None:
    """A ticket opened with a key; None where another key made it.

    The key made it where the names are equal and the MAC is right, or the plaintext
    is a session all the same.
    """
    for layout, open_it in SCHEMES[key.scheme]:
        fields = layout.parse(ticket)
        if fields is None or (key.name and fields.get("key_name", key.name) != key.name):
            continue
        opened = open_it(layout, ticket, fields, key)
        if opened is not None:
            return opened
    return None


def _cbc(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


def _open_openssl(
    layout: TicketLayout, ticket: bytes, fields: Mapping[str, bytes], key: TicketKey
) -> Unsealed | None:
    padded = _cbc(key.cipher_key, fields["iv"], fields["ciphertext"])
    mac = hmac.compare_digest(hmac.digest(key.mac_key, ticket[:-32], "sha256"), fields["mac"])
    plaintext = _unpad(padded)
    opened = Unsealed(key, layout.name, mac, Secret(padded if plaintext is None else plaintext))
    return opened if mac or (plaintext is not None and opened.is_session) else None


def mac_without_key(ticket: bytes) -> bool:
    """Whether a ticket of OpenSSL's layout has a MAC that was made with an empty key.

    Anybody can make such a MAC, and so change the ticket. Apache httpd 2.4 on OpenSSL 3 does
    that at times where it is given a key file: its MAC key is what lies on the stack.
    """
    fields = OPENSSL.parse(ticket)
    return fields is not None and hmac.digest(b"", ticket[:-32], "sha256") == fields["mac"]


def _unpad(padded: bytes) -> bytes | None:
    """Without the padding of RFC 5652 section 6.3; None where there is none."""
    count = padded[-1]
    if not 1 <= count <= 16 or padded[-count:] != bytes([count]) * count:
        return None
    return padded[:-count]


def _open_gnutls(
    layout: TicketLayout, ticket: bytes, fields: Mapping[str, bytes], key: TicketKey
) -> Unsealed | None:
    mac = hmac.compare_digest(hmac.digest(key.mac_key, ticket[:-20], "sha1"), fields["mac"])
    if not mac:
        # Its plaintext has no shape that would show a right key.
        return None
    plaintext = _cbc(key.cipher_key, fields["iv"], fields["ciphertext"])
    return Unsealed(key, layout.name, mac, Secret(plaintext))


def _open_go(
    layout: TicketLayout, ticket: bytes, fields: Mapping[str, bytes], key: TicketKey
) -> Unsealed | None:
    if not hmac.compare_digest(hmac.digest(key.mac_key, ticket[:-32], "sha256"), fields["mac"]):
        return None
    decryptor = Cipher(algorithms.AES(key.cipher_key), modes.CTR(fields["iv"])).decryptor()
    plaintext = decryptor.update(fields["ciphertext"]) + decryptor.finalize()
    return Unsealed(key, layout.name, mac=True, plaintext=Secret(plaintext))


_Open = Callable[[TicketLayout, bytes, Mapping[str, bytes], TicketKey], Unsealed | None]

#: How each scheme opens a ticket: its layouts, the newest first where there are two.
SCHEMES: dict[Scheme, tuple[tuple[TicketLayout, _Open], ...]] = {
    "openssl": ((OPENSSL, _open_openssl),),
    "gnutls": ((GNUTLS, _open_gnutls),),
    "go": ((GO_1_20, _open_go), (GO_1_21, _open_go)),
}


# ---------------------------------------------------------------- derived keys


def go_key(seed: bytes) -> TicketKey:
    """What Go makes of a key of 32 bytes (crypto/tls, ticketKeyFromBytes)."""
    derived = hashlib.sha512(seed).digest()
    return TicketKey(
        "go", derived[:16], Secret(derived[16:32]), Secret(derived[32:48]), "a seed of 32 bytes"
    )


def go_key_name(seed: bytes) -> bytes:
    """The name alone of what Go makes of a key of 32 bytes."""
    return hashlib.sha512(seed).digest()[:16]


def gnutls_key(master: bytes, period: int | None = None) -> TicketKey:
    """What GnuTLS makes of a key of 64 bytes in a period; None: the key as it stands."""
    key = master
    if period is not None:
        key = hashlib.sha3_512(period.to_bytes(8, "big") + master).digest()
    return TicketKey("gnutls", key[:16], Secret(key[16:48]), Secret(key[48:64]), "name, AES, MAC")


def gnutls_rotation(time: int, lifetime: int) -> tuple[int, ...]:
    """The periods that a ticket of that time (seconds since 1970) may belong to.

    The lifetime in a resumed connection's ticket may be shorter than the server's own,
    so GnuTLS's default is tried as well.
    """
    found = []
    for seconds in dict.fromkeys((lifetime, _GNUTLS_LIFETIME)):
        if seconds > 0:
            period = time // (_GNUTLS_PERIODS * seconds)
            found += [each for each in (period, period - 1, period + 1) if each >= 0]
    return tuple(dict.fromkeys(found))


# --------------------------------------------------------------------- secrets


def holds_secret(plaintext: bytes, secret: bytes, nonces: Sequence[bytes] = ()) -> bool:
    """Whether a decrypted ticket holds a session's secret, or in TLS 1.3 what gives it.

    `nonces` are those of tickets that it may have come with; one that stands behind the
    secret in the plaintext, and the empty one, are tried always.
    """
    if secret and secret in plaintext:
        return True
    digest = _HASHES.get(len(secret))
    if digest is None:
        return False
    size = len(secret)
    infos = [_label_info(nonce, size) for nonce in {b"", *nonces}]
    for at in range(len(plaintext) - size + 1):
        candidate = plaintext[at : at + size]
        for info in infos:
            if hmac.digest(candidate, info, digest) == secret:
                return True
        rest = plaintext[at + size : at + size + 1 + _LONGEST_NONCE]
        behind = rest[1 : 1 + rest[0]] if rest else b""
        if behind and expand_label(candidate, behind, digest, size) == secret:
            return True
    return False


def holds_secret_of(
    ticket: bytes, secret: bytes, nonce: bytes, beside: Sequence[bytes] = ()
) -> bool:
    """Whether a ticket holds in clear, in TLS 1.3, its session's secret or what gives it with the
    nonce that this ticket came with.

    What gives it is the same for all tickets of a connection (RFC 8446 section 4.6.1). So where
    others of that connection are `beside`, made alike, only bytes that stand in these, too, are
    tried: of sealed tickets none, and the HMACs were half of a quick probe's judgement.
    """
    if secret and secret in ticket:
        return True
    digest = _HASHES.get(len(secret))
    if digest is None:
        return False
    size = len(secret)
    info = _label_info(nonce, size)
    places = [ticket[at : at + size] for at in range(len(ticket) - size + 1)]
    for other in beside:
        places = [each for each in places if each in other]
    return any(hmac.digest(each, info, digest) == secret for each in places)


def expand_label(secret: bytes, nonce: bytes, digest: str, length: int) -> bytes:
    """HKDF-Expand-Label(secret, "resumption", nonce, length) (RFC 8446 section 7.1), for a
    length of one hash at most."""
    return hmac.digest(secret, _label_info(nonce, length), digest)[:length]


def _label_info(nonce: bytes, length: int) -> bytes:
    """What HKDF-Expand hashes for its first block: HkdfLabel, and the number of the block."""
    label = b"tls13 resumption"
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(nonce)]) + nonce
    return info + b"\x01"


def der_length(data: bytes) -> int:
    """The length that the outermost DER element says it has, header and all; 0: none is said."""
    if len(data) < 2:
        return 0
    if data[1] < 0x80:
        return 2 + data[1]
    octets = data[1] - 0x80
    if not 1 <= octets <= 4 or len(data) < 2 + octets:
        return 0
    return 2 + octets + int.from_bytes(data[2 : 2 + octets], "big")
