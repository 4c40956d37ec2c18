"""Which implementation made a ticket: how well the ticket fits each layout.

A ticket is cut into fields by every row of `LAYOUTS` that it fits; what the fit is worth
is added up from points, and only said with a confidence: servers share layouts, and a
lifetime is anybody's to set.

Points: how unlikely the fit of the bytes is by chance (a magic number 8, a length
field that is right 4, whole cipher blocks 2, a known first byte 2), how common the
implementation is (1), a nonce of its length (2, and -3 where it has another), its
default lifetime (1), its number of tickets (1), key names that recur where it has
them (1, and -1 where several tickets share none).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from tlsresume.tickets.layouts import ERLANG_STATEFUL, LAYOUTS, STATEFUL, TicketLayout
from tlsresume.value import Value

Confidence = Literal["certain", "likely", "possible"]

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
    tally = _Tally(_worth(layout), [_fit(layout, fields, length)])
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


def _worth(layout: TicketLayout) -> int:
    """How much it says that the bytes fit: see the points above."""
    points = layout.common
    points += 2 if layout.block > 1 else 0
    for part in layout.fields:
        points += 4 if part.counts else 0
        if part.value is not None:
            points += 8 if len(part.value) >= 4 else 2
    return points
