"""One engine for all checks, whatever they look at.

A check is code: it takes what it looks at and says whether it fits (a `Match`), or how often it
does. What is told to people is data beside it: an `Entry` for each code. The engine asks the checks in
the order of their table and makes findings of what fits. Views of a server (`rules`), clients
(`serve`), counts of what passed (`capture`) and samples (`watch`) each have checks of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Protocol, TypeVar

from tlsresume.experiment_names import ExperimentName
from tlsresume.findings.software import ServerSetting
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding, Harm
from tlsresume.results.measured import Severity
from tlsresume.value import Value

Group = Literal["A", "B", "C", "D", "T", "W", "P", "S"]


class SettingLine(Protocol):
    """A line that says what to set, beginning with the software's name."""

    @property
    def text(self) -> str:
        """The line."""


class Entry(Value, frozen=True, kw_only=True):
    """What people are told of one code, wherever it is found.

    `tells` says how it is recognised. `severity` is `error` only where users are hurt or security
    is lost; `harm` says which.
    """

    code: str
    group: Group
    severity: Severity
    mechanisms: tuple[Mechanism, ...]
    title: str
    cause: str
    tells: str
    advice: str
    sources: tuple[str, ...]
    settings: tuple[SettingLine, ...] = ()
    harm: Harm = "users"

    @property
    def directives(self) -> tuple[str, ...]:
        """The settings as lines for people."""
        return tuple(setting.text for setting in self.settings)


class Match(Value, frozen=True, kw_only=True):
    """That a check fits, and what shows it.

    `seen` are lines for people, `evidence` the messages and fields behind them.
    `proven` is False while other causes fit as well; `ask` names the experiments that
    would separate them, cheapest first; `candidates` are causes that no experiment of
    ours can rule out. `not_known` says what the evidence leaves open. `title`, `advice`,
    `settings` and `severity`, if given, stand for the entry's own. `aside`: an experiment that
    the user asked for showed it; it is reported, but explains nothing else. `addresses` are
    those that it speaks of beside the view's own. `shown_by` are the numbers of the connections
    that show it, where they can be named. `explains_refusals`: declined offers are right
    behaviour here, so that no cause of group B is named.
    """

    seen: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    proven: bool = True
    ask: tuple[ExperimentName, ...] = ()
    candidates: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    title: str | None = None
    advice: str | None = None
    settings: tuple[ServerSetting, ...] | None = None
    severity: Severity | None = None
    aside: bool = False
    addresses: tuple[str, ...] = ()
    shown_by: tuple[int, ...] = ()
    explains_refusals: bool = False


_Seen = TypeVar("_Seen")
_Entry = TypeVar("_Entry", bound=Entry)
_Match = TypeVar("_Match", bound=Match)


def ask(
    checks: Iterable[tuple[_Entry, Callable[[_Seen], _Match | Iterable[_Match] | None]]],
    seen: _Seen,
) -> Iterator[tuple[_Entry, _Match]]:
    """What fits, in the order of the checks, each with the texts of its code."""
    for entry, check in checks:
        fits = check(seen)
        if isinstance(fits, Match):
            yield entry, fits
        elif fits is not None:
            yield from ((entry, match) for match in fits)


def finding_of(entry: Entry, match: Match, **about: Any) -> Finding:
    """The finding that a match is; `about` are fields that depend on what was looked at."""
    said: dict[str, Any] = {
        "severity": match.severity or entry.severity,
        "title": match.title or entry.title,
        "evidence": match.seen,
        "details": match.evidence,
        "directives": entry.directives,
        "not_known": match.not_known,
        "candidates": match.candidates,
        "harm": entry.harm,
    }
    return Finding(
        code=entry.code, cause=entry.cause, advice=match.advice or entry.advice, **(said | about)
    )
