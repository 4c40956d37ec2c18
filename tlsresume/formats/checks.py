"""Checks as every format names them: what was demanded, where, and what came of it."""

from __future__ import annotations

from tlsresume.formats.page import Tone
from tlsresume.results.judged import Check, CheckOutcome
from tlsresume.results.report import TargetResult

#: Each outcome, the gravest first: what it means, in words for a heading, and how it is shown.
OUTCOMES: dict[CheckOutcome, tuple[str, Tone]] = {
    "broken": ("broken", "bad"),
    "unreachable": ("not reachable", "bad"),
    "untestable": ("could not be tested", "fair"),
    "waived": ("waived", "none"),
    "known": ("known since the baseline", "none"),
    "ignored": ("ignored", "none"),
    "met": ("met", "good"),
    "not-checked": ("not checked", "none"),
}


def outcome_words(outcome: CheckOutcome) -> str:
    """What an outcome means; one of a newer version as it is."""
    return OUTCOMES[outcome][0] if outcome in OUTCOMES else outcome


def title(check: Check) -> str:
    """A check in one phrase: `psk=resumed on 192.0.2.1`."""
    return f"{check.demand} on {check.where}" if check.where else check.demand


def of_outcome(target: TargetResult, *outcomes: CheckOutcome) -> list[Check]:
    """The checks of a target that came out so, gravest first where the caller orders them."""
    return [check for outcome in outcomes for check in target.checks if check.outcome == outcome]


def as_asked(target: TargetResult) -> bool:
    """Whether nothing about a target calls for attention."""
    calm: tuple[CheckOutcome, ...] = ("met", "waived", "ignored", "known", "not-checked")
    return bool(target.checks) and all(check.outcome in calm for check in target.checks)
