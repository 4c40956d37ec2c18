"""What tickets look like, by implementation: a row of data each.

A ticket is opaque to its client, but each implementation lays it out in its own
way. A row of `LAYOUTS` names the fields in order, the cipher and the MAC, and the
traits of the NewSessionTicket around it (length of the nonce, lifetime, how many
come at once). `parse` cuts a ticket into the fields of a row; which rows are likely is
weighed in `looks_like`. Nothing is decrypted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tlsresume.tickets.key_names import STATEFUL_LENGTH
from tlsresume.value import Value


class Field(Value, frozen=True):
    """One field of a ticket. `length` None takes what the others leave over; `value` is
    what must stand there; `counts` names the field whose length this one holds."""

    name: str
    length: int | None = None
    value: bytes | None = None
    counts: str | None = None


def _plain(fields: Mapping[str, bytes]) -> bool:
    return bool(fields)


class TicketLayout(Value, frozen=True, kw_only=True):
    """A row: how an implementation lays out its tickets, and what comes with them.

    `block` divides the length of the ciphertext. `nonces` are lengths of ticket_nonce
    (TLS 1.3), `counter` says that it counts from 0; `lifetimes` are defaults in
    seconds; `tickets` come after a full TLS 1.3 handshake. None and () are "anything".
    `common` is 1 where most servers are of that kind. `check` is a last look at the fields.
    """

    name: str
    family: str
    fields: tuple[Field, ...]
    cipher: str
    mac: str
    block: int = 1
    nonces: tuple[int, ...] = ()
    counter: bool = False
    lifetimes: tuple[int, ...] = ()
    tickets: int | None = None
    common: int = 0
    check: Callable[[Mapping[str, bytes]], bool] = _plain

    @property
    def shortest(self) -> int:
        """The least length of a ticket: all fields, and one block of ciphertext."""
        return sum(self.block if part.length is None else part.length for part in self.fields)

    def parse(self, ticket: bytes) -> dict[str, bytes] | None:
        """The fields of a ticket, by name; None where it cannot be of this layout."""
        fixed = sum(part.length for part in self.fields if part.length is not None)
        rest = len(ticket) - fixed
        open_ended = any(part.length is None for part in self.fields)
        if rest < (self.block if open_ended else 0) or (rest % self.block if open_ended else rest):
            return None
        found: dict[str, bytes] = {}
        at = 0
        for part in self.fields:
            end = at + (rest if part.length is None else part.length)
            found[part.name] = ticket[at:end]
            at = end
        for part in self.fields:
            if part.value is not None and found[part.name] != part.value:
                return None
            if part.counts is not None and (
                int.from_bytes(found[part.name], "big") != len(found[part.counts])
            ):
                return None
        return found if self.check(found) else None


def _name(length: int = 16) -> Field:
    return Field("key_name", length)


_IV16, _CIPHERTEXT = Field("iv", 16), Field("ciphertext")
_LENGTH = Field("length", 2, counts="ciphertext")


def _tail_is_zero(fields: Mapping[str, bytes]) -> bool:
    return not any(fields["key_name"][12:])


def _tail_is_not_zero(fields: Mapping[str, bytes]) -> bool:
    return any(fields["key_name"][12:])


_SHARED = "OpenSSL family (nginx, HAProxy, Apache, Envoy, Node...)"

STATEFUL = TicketLayout(
    name="stateful",
    family="a handle of a server-side cache (OpenSSL, rustls, JDK)",
    fields=(Field("handle", STATEFUL_LENGTH),),
    cipher="none",
    mac="none",
    common=4,
)
ERLANG_STATEFUL = TicketLayout(
    name="stateful-16",
    family="a handle of a server-side cache (Erlang/OTP)",
    fields=(Field("handle", 16),),
    cipher="none",
    mac="none",
    common=4,
)
OPENSSL = TicketLayout(
    name="openssl",
    family=_SHARED,
    fields=(_name(), _IV16, _CIPHERTEXT, Field("mac", 32)),
    cipher="AES-256-CBC, or AES-128-CBC with keys of 48 bytes",
    mac="HMAC-SHA256",
    block=16,
    nonces=(8,),
    counter=True,
    lifetimes=(300, 7200),
    tickets=2,
    common=1,
)
BORINGSSL = TicketLayout(
    name="boringssl",
    family="BoringSSL",
    fields=OPENSSL.fields,
    cipher="AES-128-CBC",
    mac="HMAC-SHA256",
    block=16,
    nonces=(1,),
    lifetimes=(172_800,),
    tickets=2,
)
GNUTLS = TicketLayout(
    name="gnutls",
    family="GnuTLS",
    fields=(_name(), _IV16, _LENGTH, _CIPHERTEXT, Field("mac", 20)),
    cipher="AES-256-CBC",
    mac="HMAC-SHA1",
    block=16,
    nonces=(4,),
    lifetimes=(21_600,),
    tickets=2,
)
NSS = TicketLayout(
    name="nss",
    family="NSS",
    fields=(_name(), _IV16, _LENGTH, _CIPHERTEXT, Field("mac", 32)),
    cipher="AES-256-CBC",
    mac="HMAC-SHA256",
    block=16,
    nonces=(2,),
    lifetimes=(172_800,),
    check=_tail_is_zero,
)
MBEDTLS = TicketLayout(
    name="mbedtls",
    family="Mbed TLS",
    fields=(_name(4), Field("iv", 12), _LENGTH, _CIPHERTEXT, Field("tag", 16)),
    cipher="AES-256-GCM",
    mac="GCM",
    nonces=(32,),
)
WOLFSSL = TicketLayout(
    name="wolfssl",
    family="wolfSSL",
    fields=NSS.fields,
    cipher="an AEAD, ChaCha20-Poly1305 by default",
    mac="AEAD",
    nonces=(1,),
    lifetimes=(300,),
    check=_tail_is_not_zero,
)
GO_1_20 = TicketLayout(
    name="go-1.20",
    family="Go 1.20 or older",
    fields=(_name(), _IV16, _CIPHERTEXT, Field("mac", 32)),
    cipher="AES-128-CTR",
    mac="HMAC-SHA256",
    nonces=(0,),
    lifetimes=(604_800,),
    tickets=1,
)
GO_1_21 = TicketLayout(
    name="go-1.21",
    family="Go 1.21 or newer",
    fields=(_IV16, _CIPHERTEXT, Field("mac", 32)),
    cipher="AES-128-CTR",
    mac="HMAC-SHA256",
    nonces=(0,),
    lifetimes=(604_800,),
    tickets=1,
)
JDK = TicketLayout(
    name="jdk",
    family="JDK, stateless",
    fields=(_name(4), _IV16, _CIPHERTEXT, Field("tag", 16)),
    cipher="AES-256-GCM",
    mac="GCM",
    nonces=(1,),
    lifetimes=(86_400,),
)
RUSTLS_RING = TicketLayout(
    name="rustls-ring",
    family="rustls with ring",
    fields=(_name(), Field("nonce", 12), _CIPHERTEXT, Field("tag", 16)),
    cipher="ChaCha20-Poly1305",
    mac="Poly1305",
    nonces=(32,),
)
RUSTLS_AWS_LC = TicketLayout(
    name="rustls-aws-lc",
    family="rustls with aws-lc",
    fields=OPENSSL.fields,
    cipher="AES-256-CBC",
    mac="HMAC-SHA256",
    block=16,
    nonces=(32,),
)
BOTAN = TicketLayout(
    name="botan",
    family="Botan",
    fields=(
        Field("magic", 8, value=bytes.fromhex("068B5A9D396C0000")),
        _name(4),
        Field("seed", 16),
        Field("nonce", 12),
        _CIPHERTEXT,
        Field("tag", 16),
    ),
    cipher="AES-256-GCM",
    mac="GCM",
)
S2N = TicketLayout(
    name="s2n",
    family="s2n-tls",
    fields=(
        Field("version", 1, value=b"\x01"),
        _name(),
        Field("info", 32),
        Field("iv", 12),
        _CIPHERTEXT,
        Field("tag", 16),
    ),
    cipher="AES-256-GCM",
    mac="GCM",
    nonces=(2,),
)

#: Every layout that is known; of two with the same points the first is named first.
LAYOUTS: tuple[TicketLayout, ...] = (
    STATEFUL,
    ERLANG_STATEFUL,
    BOTAN,
    OPENSSL,
    GNUTLS,
    NSS,
    WOLFSSL,
    MBEDTLS,
    S2N,
    BORINGSSL,
    RUSTLS_AWS_LC,
    RUSTLS_RING,
    GO_1_21,
    GO_1_20,
    JDK,
)
