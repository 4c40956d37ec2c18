"""Whether the length of the ClientHello, or an offered session, decides which server answers.

A session makes the ClientHello longer. Where a device on the way reads its first bytes
only, long ones go elsewhere: then *every* long one meets the other server, and no short
one does. Nodes that take turns, or are picked at random, mix the two. Pure.

Servers are told apart by what a client sees of them: the ticket key's name, the
certificate, whether a client certificate is asked for, the name of the node.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Literal

from tlsresume.evidence.purposes import AGE, CrossALPN, HelloSize, OwnName
from tlsresume.evidence.trial import Trial
from tlsresume.findings.view import View
from tlsresume.value import Value

Mark = Literal["ticket key", "certificate", "request for a client certificate", "node"]

#: So many connections on each side, at the least, are a division and not an exception.
_FEWEST = 2

#: Experiments whose connections another server may answer for reasons of their own.
_ASIDE = (CrossALPN, OwnName, *AGE)


class Division(Value, frozen=True, kw_only=True):
    """Two servers that no connection confuses: `mark` tells them apart, `here` are the
    connections that the first one answered, `there` those of the other, which offers meet."""

    mark: Mark
    here: tuple[Trial, ...]
    there: tuple[Trial, ...]

    @property
    def shorter(self) -> int:
        """The longest ClientHello that the first server answered."""
        return max(attempt.hello_size or 0 for attempt in self.here)

    @property
    def longer(self) -> int:
        """The shortest ClientHello that the other server answered."""
        return min(attempt.hello_size or 0 for attempt in self.there)


def divides_by_size(view: View) -> Division | None:
    """Every short ClientHello meets one server, every longer one another."""
    for division in _pairs(view):
        if division.shorter < division.longer:
            return division
    return None


def divides_by_offer(view: View) -> Division | None:
    """Every connection that offers a session meets another server than those that do not."""
    for division in _pairs(view):
        if all(a.offered is None for a in division.here) and all(
            a.offered is not None for a in division.there
        ):
            return division
    return None


def divides_exactly(view: View) -> bool:
    """Whether the offer, or its length, decides who answers: no fault of keys or nodes."""
    return divides_by_size(view) is not None or divides_by_offer(view) is not None


def _pairs(view: View) -> list[Division]:
    """Each mark that shows exactly two servers; the one met without a session first."""
    if view.crossing or not view.declined:
        return []
    done = [
        attempt
        for attempt in view.attempts
        if attempt.handshake_done
        and attempt.hello_size is not None
        and (attempt.made_for(HelloSize) or not attempt.purpose.other_config)
        and not attempt.made_for(*_ASIDE)
    ]
    pairs = (_pair(view, mark, read, done) for mark, read in _MARKS)
    return [pair for pair in pairs if pair is not None]


def _pair(
    view: View, mark: Mark, read: Callable[[View, Trial], Hashable], done: list[Trial]
) -> Division | None:
    sides: dict[Hashable, list[Trial]] = {}
    for attempt in done:
        value = read(view, attempt)
        if value is not None:
            sides.setdefault(value, []).append(attempt)
    if len(sides) != 2:
        return None
    here, there = sorted(sides.values(), key=lambda side: min(a.hello_size or 0 for a in side))
    offers = sum(a.offered is not None and not a.resumed for a in there)
    without = sum(a.offered is None for a in here)
    if offers < _FEWEST or without < _FEWEST:
        return None
    return Division(mark=mark, here=tuple(here), there=tuple(there))


def _key(view: View, attempt: Trial) -> str | None:
    """The key of the server that answered: it opened the offered ticket, or issued another."""
    return view.offered_key(attempt) if attempt.resumed else view.issued_key(attempt)


def _leaf(_view: View, attempt: Trial) -> str | None:
    return attempt.leaf_sha256


def _asks(_view: View, attempt: Trial) -> bool | None:
    """A resumed handshake asks for no certificate, whatever the server."""
    return attempt.certificate_requested if attempt.certificate_seen else None


def _node(_view: View, attempt: Trial) -> str | None:
    return attempt.node


_MARKS: tuple[tuple[Mark, Callable[[View, Trial], Hashable]], ...] = (
    ("certificate", _leaf),
    ("request for a client certificate", _asks),
    ("node", _node),
    ("ticket key", _key),
)
