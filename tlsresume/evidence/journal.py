"""All attempts of one target, and what is derived from them, once per revision.

A later attempt can change what earlier ones mean: a retry replaces, a broken sibling spoils a
session, key names emerge from many tickets. So nothing derived is kept beyond a revision of the
journal, which each change begins; and within one it is derived once, however often it is asked
for. What can take in attempts one by one (`Index`) is not made anew while attempts are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, SupportsIndex, TypeVar, cast

from tlsresume.evidence.trial import Trial


class Index(Protocol):
    """Something that is learnt from attempts one after the other, in constant time each."""

    def add(self, attempt: Trial) -> None:
        """Take in one more attempt."""


_Derived = TypeVar("_Derived")
_Index = TypeVar("_Index", bound=Index)


class Journal(list[Trial]):
    """A list of attempts that remembers what was derived from it."""

    def __init__(self, attempts: Iterable[Trial] = ()) -> None:
        super().__init__(attempts)
        self._derived: dict[Callable[..., Any], Any] = {}
        self._indexes: dict[type[Index], Index] = {}

    def append(self, attempt: Trial) -> None:
        """Add an attempt: a new revision."""
        super().append(attempt)
        self._derived.clear()
        for index in self._indexes.values():
            index.add(attempt)

    def __setitem__(self, at: SupportsIndex | slice, value: Any) -> None:
        """Replace attempts: a new revision, in which nothing is known from before."""
        super().__setitem__(at, value)
        self._derived.clear()
        self._indexes.clear()

    def derive(self, make: Callable[[Sequence[Trial]], _Derived]) -> _Derived:
        """What `make` makes of all attempts, made once per revision."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return cast("_Derived", self._derived[make])

    def indexed_by(self, kind: type[_Index]) -> _Index:
        """The index of a kind over all attempts, made once and then added to."""
        if kind not in self._indexes:
            self._indexes[kind] = index_of(self, kind)
        return cast("_Index", self._indexes[kind])


def index_of(attempts: Iterable[Trial], kind: type[_Index]) -> _Index:
    """An index over attempts that are no journal."""
    index = kind()
    for attempt in attempts:
        index.add(attempt)
    return index


def derived(attempts: Sequence[Trial], make: Callable[[Sequence[Trial]], _Derived]) -> _Derived:
    """What `make` makes of attempts, once per revision where they are a journal."""
    return attempts.derive(make) if isinstance(attempts, Journal) else make(attempts)


def indexed(attempts: Sequence[Trial], kind: type[_Index]) -> _Index:
    """The index of a kind over attempts, kept where they are a journal."""
    return attempts.indexed_by(kind) if isinstance(attempts, Journal) else index_of(attempts, kind)
