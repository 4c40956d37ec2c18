"""What a rule is, and the table of all rules.

A rule is a pure function from a `View` (all that was seen of one mechanism on one
address) to a `Match` or None. Its docstring is its title. The table is filled by the
decorator `rule`, in the order of precedence: of several causes that fit, the first
that is proven is the one to name. The groups are those of the catalogue:

    A  the session was never offered        C  offered, and the connection failed
    B  offered, and a full handshake came   D  resumed, but easily misread
    T  the tickets themselves, whether or not they resume
    W  the way to TLS and beside it: STARTTLS, FTPS data connections
    S  clients, as `serve` sees them (no rules; entries of features)
    P  what passed: counts of many clients' connections (no rules; entries of features)

A rule says which parts of the evidence it `needs`. Where the source of a view cannot show one of
them, the rule is not asked: nothing is concluded from what could not be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Required, TypedDict, Unpack

from tlsresume.evidence.observation import Part
from tlsresume.findings.engine import Entry, Group, Match
from tlsresume.findings.software import ServerSetting
from tlsresume.findings.view import View
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.results.judged import Harm
from tlsresume.results.measured import Severity

#: The groups that explain why a session was not resumed; the others say what else was seen.
CAUSES: frozenset[Group] = frozenset({"A", "B", "C"})


#: What speaks of tries of ours: what became of them, what they offered, and why.
TRIES = Part.OUTCOME | Part.OFFER | Part.PURPOSE
#: What compares such tries with connections without a session.
CONTROLLED = TRIES | Part.CONTROL


Check = Callable[[View], Match | None]


class Rule(Entry, frozen=True, kw_only=True):
    """One cause: how to recognise it, and what to tell people of it.

    `needs` are the parts of the evidence without which its check cannot tell. `check` is None
    where it is found by a comparison that no view shows: of samples (`watch`), targets, or
    transports. `home` is the module that it stands in. `catch_all`: it fits whenever anything
    went wrong, so it is named where nothing else is, and is no candidate beside another.
    """

    home: str
    needs: Part = Part.NOTHING
    check: Check | None = None
    mechanisms: tuple[Mechanism, ...] = MECHANISMS
    catch_all: bool = False
    settings: tuple[ServerSetting, ...] = ()

    def match(self, view: View) -> Match | None:
        """The rule's answer for a view; None also where the mechanism is not its own, or where
        not all that it needs is visible."""
        asked = view.mechanism in self.mechanisms and self.unseen(view) is Part.NOTHING
        return self.check(view) if asked and self.check is not None else None

    def unseen(self, view: View) -> Part:
        """What the rule needs and the source of a view cannot show."""
        return self.needs & ~view.visible


_RULES: list[Rule] = []


class Texts(TypedDict, total=False):
    """What is told of a cause, and what it is about, as fields of a `Rule`."""

    cause: Required[str]
    advice: Required[str]
    sources: Required[tuple[str, ...]]
    settings: tuple[ServerSetting, ...]
    mechanisms: tuple[Mechanism, ...]
    harm: Harm


def rule(
    code: str,
    group: Group,
    severity: Severity,
    *,
    needs: Part,
    catch_all: bool = False,
    **texts: Unpack[Texts],
) -> Callable[[Check], Check]:
    """Put a function into the table; its docstring's first line is the title, and the
    rest says how the cause is told."""

    def register(check: Check) -> Check:
        title, _, tells = (check.__doc__ or "").strip().partition("\n")
        _RULES.append(
            Rule(
                code=code,
                group=group,
                severity=severity,
                needs=needs,
                catch_all=catch_all,
                title=title.rstrip("."),
                tells=" ".join(tells.split()),
                check=check,
                home=check.__module__,
                **texts,
            )
        )
        return check

    return register


def told(
    code: str,
    group: Group,
    severity: Severity,
    *,
    home: str,
    title: str,
    tells: str,
    **texts: Unpack[Texts],
) -> None:
    """Put a cause into the table that is found by no check of views; `home` is the module."""
    _RULES.append(
        Rule(
            code=code, group=group, severity=severity, home=home, title=title, tells=tells, **texts
        )
    )


def registered() -> tuple[Rule, ...]:
    """Every rule until now; `findings.catalogue.RULES` is the whole table."""
    return tuple(_RULES)
