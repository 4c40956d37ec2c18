"""What tickets look like, by implementation: a row of data each, and how well a ticket fits.

A ticket is opaque to its client, but each implementation lays it out in its own
way. A row of `LAYOUTS` names the fields in order, the cipher and the MAC, and the
traits of the NewSessionTicket around it (length of the nonce, lifetime, how many
come at once). A ticket is cut into fields by every row that it fits; what the
fit is worth is added up from points, and only said with a confidence: servers
share layouts, and a lifetime is anybody's to set. Nothing is decrypted here.

Points: how unlikely the fit of the bytes is by chance (a magic number 8, a length
field that is right 4, whole cipher blocks 2, a known first byte 2), how common the
implementation is (1), a nonce of its length (2, and -3 where it has another), its
default lifetime (1), its number of tickets (1), key names that recur where it has
them (1, and -1 where several tickets share none).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

from tlsresume.tickets.key_names import STATEFUL_LENGTH
from tlsresume.value import Value

Confidence = Literal["certain", "likely", "possible"]


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
        rest, open_ended = len(ticket), False
        for part in self.fields:
            if part.length is None:
                open_ended = True
            else:
                rest -= part.length
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

    @property
    def worth(self) -> int:
        """How much it says that the bytes fit: see the points above."""
        points = self.common
        points += 2 if self.block > 1 else 0
        for part in self.fields:
            points += 4 if part.counts else 0
            if part.value is not None:
                points += 8 if len(part.value) >= 4 else 2
        return points


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

#: More names than this are no answer.
_MOST = 3
_CERTAIN, _LIKELY, _POSSIBLE = 8, 3, 1


class Around(Value, frozen=True, kw_only=True):
    """What is known around a ticket; None where it is not.

    `nonces` are those of its connection in order of arrival (TLS 1.3); `tickets` counts
    what came after a full handshake; `named` says whether a first part of 16 or 4 bytes
    recurs over several tickets, as its length (0: nothing recurs).
    """

    lifetime: int | None = None
    nonces: tuple[bytes, ...] | None = None
    tickets: int | None = None
    named: int | None = None


class LooksLike(Value, frozen=True, kw_only=True):
    """A layout that a ticket fits: how sure that is, and why."""

    layout: str
    family: str
    confidence: Confidence
    cipher: str
    mac: str
    reasons: tuple[str, ...] = ()


class _Tally(Struct):
    points: int
    reasons: list[str] = field(default_factory=list)

    def add(self, points: int, reason: str) -> None:
        self.points += points
        self.reasons.append(reason)


def looks_like(ticket: bytes, around: Around | None = None) -> tuple[LooksLike, ...]:
    """The layouts that a ticket may have, the likeliest first; () says that it is opaque."""
    weighed = [
        (layout, tally)
        for layout in LAYOUTS
        if (fields := layout.parse(ticket)) is not None
        and (tally := _weigh(layout, fields, len(ticket), around or Around())).points >= _POSSIBLE
    ]
    weighed.sort(key=lambda pair: -pair[1].points)
    best = weighed[0][1].points if weighed else 0
    return tuple(
        LooksLike(
            layout=layout.name,
            family=layout.family,
            confidence=_confidence(layout, tally.points, best),
            cipher=layout.cipher,
            mac=layout.mac,
            reasons=tuple(tally.reasons),
        )
        for layout, tally in weighed[:_MOST]
        # Beside a good answer a poor one says nothing.
        if tally.points * 2 >= best
    )


def _confidence(layout: TicketLayout, points: int, best: int) -> Confidence:
    magic = any(part.value is not None and len(part.value) >= 4 for part in layout.fields)
    if magic and points >= _CERTAIN:
        return "certain"
    return "likely" if points >= _LIKELY and points == best else "possible"


def _weigh(
    layout: TicketLayout, fields: Mapping[str, bytes], length: int, around: Around
) -> _Tally:
    tally = _Tally(layout.worth, [_fit(layout, fields, length)])
    if around.nonces and layout.nonces:
        _weigh_nonces(layout, around.nonces, tally)
    if around.lifetime in layout.lifetimes:
        tally.add(1, f"its default lifetime, {around.lifetime} s")
    if around.tickets is not None and around.tickets == layout.tickets and around.nonces:
        plural = "" if layout.tickets == 1 else "s"
        tally.add(1, f"{layout.tickets} ticket{plural} after a handshake")
    named = len(fields.get("key_name", b""))
    if around.named is not None and layout not in (STATEFUL, ERLANG_STATEFUL):
        if around.named and around.named == named:
            tally.add(1, f"a key name of {named} bytes recurs")
        elif not around.named and not named:
            tally.add(1, "no key name recurs")
        elif not around.named or not named:
            tally.points -= 1
    return tally


def _weigh_nonces(layout: TicketLayout, nonces: tuple[bytes, ...], tally: _Tally) -> None:
    lengths = {len(nonce) for nonce in nonces}
    if not lengths <= set(layout.nonces):
        tally.points -= 3
        return
    size = f"{len(nonces[0])} bytes" if nonces[0] else "empty"
    if not layout.counter:
        tally.add(2, f"nonce of {size}" if nonces[0] else "empty nonce")
    elif all(int.from_bytes(nonce, "big") < 2**16 for nonce in nonces):
        tally.add(2, f"nonce of {size} that counts")
    else:
        tally.points -= 1


def _fit(layout: TicketLayout, fields: Mapping[str, bytes], length: int) -> str:
    """What of the bytes themselves fits, in words."""
    if any(part.value is not None and len(part.value) >= 4 for part in layout.fields):
        return "its magic number"
    counted = next((part for part in layout.fields if part.counts), None)
    if counted is not None:
        return f"a length field that says {len(fields['ciphertext'])}, as it must"
    if layout.block > 1:
        return f"{length} bytes: whole cipher blocks of {layout.block}"
    return f"{length} bytes"
