"""All trials of one target, and what follows from them before anything is judged.

A later trial can change what earlier ones mean: a retry replaces, a broken sibling spoils a
session, key names emerge from many tickets. So nothing derived is kept beyond a revision, which
each change begins; within one it is derived once, in linear time, however often it is asked for.
What is learnt from trials one by one (who issued a session, which are spoilt) is only added to.

Trials stand in the order of their end. What is asked by mechanism, address or purpose are the
trials that count, in the order of their start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import cached_property
from typing import overload

from tlsresume.evidence.destroyed_sessions import DestroyedSessions
from tlsresume.evidence.purpose import Purpose, Wanted
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import Mechanism
from tlsresume.tickets.key_names import KeyNaming


class NotCounted(Enum):
    """Why a trial is no evidence."""

    REPLACED = "it was made once more"
    OURS = "it ended for a reason of this machine or of ours"
    UNSETTLED = "it broke, and the budget did not allow to try again"
    SPOILED = "its session may have been lost with a broken connection of ours"


class _Names:
    """The key names in all tickets of a target, learnt when asked for. Its parts share this, not
    the whole, which keeps the parts: such a circle would stay until the collector comes."""

    def __init__(self, trials: list[Trial]) -> None:
        self.trials = trials
        self.learnt: KeyNaming | None = None

    def naming(self) -> KeyNaming:
        if self.learnt is None:
            self.learnt = KeyNaming.learn(
                [t.ticket for trial in self.trials for t in trial.tickets]
            )
        return self.learnt


class Evidence(Sequence[Trial]):
    """The trials of one target, over one transport."""

    def __init__(self, trials: Iterable[Trial] = (), *, part_of: Evidence | None = None) -> None:
        self._trials = list(trials)
        names = _Names(self._trials) if part_of is None else part_of._names  # noqa: SLF001  same class
        self._names: _Names = names
        #: Counts the changes. What is derived elsewhere holds as long as this stays as it is.
        self.revision = 0
        self._learn_anew()

    @overload
    def __getitem__(self, at: int) -> Trial: ...

    @overload
    def __getitem__(self, at: slice) -> list[Trial]: ...

    def __getitem__(self, at: int | slice) -> Trial | list[Trial]:
        return self._trials[at]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)

    # ------------------------------------------------------------------ changes

    def append(self, trial: Trial) -> None:
        """Add a trial."""
        self._trials.append(trial)
        self._forget()

    def correct(self, trial: Trial) -> None:
        """Put what is known now of a trial in the place of what was recorded under its number."""
        self._trials[trial.n - 1] = trial
        self._learn_anew()
        self._forget()

    def settle(self, trial: Trial) -> None:
        """Fill in how a recorded trial's connection ended, once that is known."""
        self._learn()
        old = self._trials[trial.n - 1]
        self._trials[trial.n - 1] = trial
        for handle in (session.handle for session in trial.sessions):
            if handle is not None and self._issuers.get(handle, old) is old:
                self._issuers[handle] = trial
        self._forget()

    def _learn_anew(self) -> None:
        self._learnt, self._issuers, self._spoilt = 0, dict[bytes, Trial](), DestroyedSessions()

    def _learn(self) -> None:
        """Take in the trials that came since what is learnt from them was asked for."""
        for trial in self._trials[self._learnt :]:
            self._spoilt.add(trial)
            for session in trial.sessions:
                handle = session.handle
                if handle is not None:
                    self._issuers.setdefault(handle, trial)
        self._learnt = len(self._trials)

    def _forget(self) -> None:
        self.revision += 1
        for name in _DERIVED:
            self.__dict__.pop(name, None)
        if self._names.trials is self._trials:
            self._names.learnt = None

    # ---------------------------------------------------------------- derivations

    @property
    def spoilt(self) -> DestroyedSessions:
        """Sessions that broken connections of ours may have destroyed."""
        self._learn()
        return self._spoilt

    @cached_property
    def not_counted(self) -> dict[int, NotCounted]:
        """By position: the trials that do not count, and why."""
        last = {trial.ask: at for at, trial in enumerate(self._trials)}
        reasons, spoilt = {}, self.spoilt
        for at, trial in enumerate(self._trials):
            if last[trial.ask] != at:
                reasons[at] = NotCounted.REPLACED
            elif trial.error is not None and trial.error.ours:
                reasons[at] = NotCounted.OURS
            elif trial.unsettled:
                reasons[at] = NotCounted.UNSETTLED
            elif spoilt.spoils(trial):
                reasons[at] = NotCounted.SPOILED
        return reasons

    @cached_property
    def counted(self) -> tuple[Trial, ...]:
        """The trials that count: of each ask the last, unless we cut it short, or broke the
        session that it offered."""
        left_out = self.not_counted
        counting = (trial for at, trial in enumerate(self._trials) if at not in left_out)
        return tuple(sorted(counting, key=lambda trial: (trial.time, trial.n)))

    @cached_property
    def unanswered(self) -> tuple[Trial, ...]:
        """Of each ask the last trial, where its offer had no answer when we ended it."""
        last = {trial.ask: trial for trial in self._trials}
        return tuple(trial for trial in last.values() if trial.left_unanswered)

    @property
    def naming(self) -> KeyNaming:
        """What all tickets of the target together show about key names, also of a part of it."""
        return self._names.naming()

    # ------------------------------------------------------------------- indexes

    @cached_property
    def _by_address(self) -> dict[str, Evidence]:
        found: dict[str, list[Trial]] = {}
        for trial in self._trials:
            found.setdefault(trial.address, []).append(trial)
        return {address: Evidence(trials, part_of=self) for address, trials in found.items()}

    def at(self, address: str) -> Evidence:
        """The evidence of one address alone, of all its ports."""
        return self._by_address.get(address) or Evidence(part_of=self)

    def since(self, n: int) -> Evidence:
        """The evidence of the trials after number `n`; all of it where there are none."""
        later = [trial for trial in self._trials if trial.n > n] if n else []
        return Evidence(later, part_of=self) if later else self

    @cached_property
    def _by_mechanism(self) -> dict[Mechanism | None, list[Trial]]:
        found: dict[Mechanism | None, list[Trial]] = {}
        for trial in self.counted:
            found.setdefault(trial.mechanism, []).append(trial)
        return found

    def of(self, mechanism: Mechanism) -> Sequence[Trial]:
        """The trials of a mechanism, on all addresses."""
        return self._by_mechanism.get(mechanism, [])

    @cached_property
    def _by_purpose(self) -> dict[type[Purpose], list[Trial]]:
        found: dict[type[Purpose], list[Trial]] = {}
        for trial in self.counted:
            found.setdefault(type(trial.purpose), []).append(trial)
        return found

    def made_for(self, wanted: Wanted) -> list[Trial]:
        """The trials that were made for a purpose, or for one of a type."""
        kind = wanted if isinstance(wanted, type) else type(wanted)
        return [trial for trial in self._by_purpose.get(kind, ()) if trial.made_for(wanted)]

    def issuer_of(self, handle: bytes | None) -> Trial | None:
        """The first trial that brought a session with this handle."""
        self._learn()
        return None if handle is None else self._issuers.get(handle)


_DERIVED = tuple(
    name for name, value in vars(Evidence).items() if isinstance(value, cached_property)
)
