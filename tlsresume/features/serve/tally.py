"""What is counted of one client at one server: numbers and bounded lists, added up as
connections end. No judgement here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TypeVar

from tlsresume.features.serve.codes import Code
from tlsresume.results.connection import Mechanism
from tlsresume.server.observer import Ending

#: How many of a kind are kept to be shown.
_SHOWN = 4
#: How many different names, ports or alerts are kept.
_KINDS = 16

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something that one connection showed. `source` is the connection that the session came
    from; what `was`, `now`, `value` and `limit` mean is the code's own (see checks.py)."""

    code: Code
    connection: int
    source: int | None = None
    was: str | None = None
    now: str | None = None
    value: float | None = None
    limit: float | None = None


@dataclass(slots=True)
class Remarks:
    """How often something was seen, and the first few of them."""

    number: int = 0
    shown: list[Remark] = field(default_factory=list)

    def add(self, remark: Remark) -> None:
        """Count one more."""
        self.number += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(remark)


@dataclass(slots=True)
class Span:
    """The least and the greatest of some numbers."""

    least: float
    most: float

    def add(self, value: float) -> None:
        """Take one more number in."""
        self.least, self.most = min(self.least, value), max(self.most, value)


@dataclass(slots=True)
class Tally:
    """One client's connections to one server.

    `could` began after the client had got a session that it could use here, under the same
    name; of them `could_offered` and `could_accepted`. `incapable` are those before which the
    server had given what this client cannot use, by its own ClientHello. `later` are all but
    the first. `data_…`: of them all, the data connections of FTP; they should offer their control
    connection's session (`data_own`), not another (`data_other`). `failed`: a handshake that ended
    with an alert; `abandoned`: one that the client left without a word. `silent`: handshakes
    after which nothing was asked. `names` and `ports` are those of offered sessions.
    """

    connections: int = 0
    handshaken: int = 0
    failed: int = 0
    abandoned: int = 0
    silent: int = 0
    asked: int = 0
    unspoken_version: int = 0
    could: int = 0
    could_offered: int = 0
    could_accepted: int = 0
    incapable: int = 0
    offered: int = 0
    accepted: int = 0
    unknown: int = 0
    later: int = 0
    later_handshaken: int = 0
    early_offered: int = 0
    early_accepted: int = 0
    waited: int = 0
    left_before_ticket: int = 0
    retried: int = 0
    with_psk_modes: int = 0
    without_psk_modes: int = 0
    with_ticket_extension: int = 0
    without_ticket_extension: int = 0
    ids_given: int = 0
    strict_arrived: int = 0
    later_silent: int = 0
    most_uses: int = 0
    data_connections: int = 0
    data_could: int = 0
    data_own: int = 0
    data_other: int = 0
    data_accepted: int = 0
    mechanism_offered: Counter[Mechanism] = field(default_factory=Counter)
    mechanism_accepted: Counter[Mechanism] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    offered_by_version: Counter[str] = field(default_factory=Counter)
    endings: Counter[Ending] = field(default_factory=Counter)
    alerts: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    ports: Counter[int] = field(default_factory=Counter)
    age: Span | None = None
    claimed_age: Span | None = None
    remarks: dict[Code, Remarks] = field(default_factory=dict)
    #: What is a finding only if the client's other connections say so.
    suspected: dict[Code, Remarks] = field(default_factory=dict)

    def remark(self, remark: Remark) -> None:
        """Note something that a connection showed."""
        self.remarks.setdefault(remark.code, Remarks()).add(remark)

    def suspect(self, remark: Remark) -> None:
        """Note something that other connections must confirm."""
        self.suspected.setdefault(remark.code, Remarks()).add(remark)

    def count_age(self, real: float, claimed: float | None) -> None:
        """Note how old an offered session was, and as how old it was claimed; in seconds."""
        self.age = self.age or Span(real, real)
        self.age.add(real)
        if claimed is not None:
            self.claimed_age = self.claimed_age or Span(claimed, claimed)
            self.claimed_age.add(claimed)

    def add(self, other: Tally) -> None:
        """Take in what was counted under another name of the same client."""
        if self.connections and other.connections:  # only one of them was the first
            self.later += 1
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if each.name == "most_uses":
                self.most_uses = max(mine, theirs)
            elif isinstance(mine, int):
                setattr(self, each.name, mine + theirs)
            elif isinstance(mine, Counter):
                mine.update(theirs)
            elif isinstance(mine, dict):
                for code, remarks in theirs.items():
                    own = mine.setdefault(code, Remarks())
                    own.number += remarks.number
                    own.shown = [*own.shown, *remarks.shown][:_SHOWN]
            elif theirs is not None:
                span = mine or Span(theirs.least, theirs.most)
                span.add(theirs.least)
                span.add(theirs.most)
                setattr(self, each.name, span)


def count_kind(counted: Counter[_Kind], kind: _Kind) -> None:
    """Count one of a few different kinds: names, ports, alerts. Further kinds are left out."""
    if kind in counted or len(counted) < _KINDS:
        counted[kind] += 1
