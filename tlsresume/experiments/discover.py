"""Which TLS versions does this address speak, and what does it issue?

One full handshake per mechanism. The first one goes alone: where nothing
listens, nothing more is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tlsresume.errors import BudgetSpent
from tlsresume.experiments.terms import VERSION_OF, Terms
from tlsresume.lab import Errand, Lab, Route
from tlsresume.results import MECHANISMS, Attempt, Mechanism

EXPERIMENT = "discover"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The full handshake of each mechanism that was asked for, as far as it got."""

    full: dict[Mechanism, Attempt]

    def issued(self, mechanism: Mechanism) -> bool:
        """Whether a session of this mechanism came."""
        attempt = self.full.get(mechanism)
        return attempt is not None and attempt.handshake_done and issues(attempt, mechanism)


def issues(attempt: Attempt, mechanism: Mechanism) -> bool:
    """Whether an attempt brought a session of this mechanism, not one of another."""
    return any(session.mechanism == mechanism for session in attempt.sessions)


def errand_for(terms: Terms, mechanism: Mechanism) -> Errand:
    """TLS 1.3: wait in silence first, so that tickets after data can be told apart."""
    return terms.errand(EXPERIMENT, "full", mechanism)


async def discover(lab: Lab, route: Route, terms: Terms) -> Discovery:
    """Ask for every mechanism of the allowed versions. Raises BudgetSpent."""
    wanted = [name for name in MECHANISMS if VERSION_OF[name] in terms.versions]
    full: dict[Mechanism, Attempt] = {}
    spent: list[BudgetSpent] = []

    async def ask(mechanism: Mechanism) -> None:
        try:
            full[mechanism] = await lab.connect(
                route, terms.plan_for(mechanism), errand_for(terms, mechanism)
            )
        except BudgetSpent as error:
            # What is paid for beside this one may still end.
            spent.append(error)

    await ask(wanted[0])
    if not spent and _unreachable(full[wanted[0]]):
        return Discovery(full)
    async with asyncio.TaskGroup() as tasks:
        for mechanism in wanted[1:]:
            tasks.create_task(ask(mechanism))
    if spent:
        raise spent[0]
    return Discovery({name: full[name] for name in wanted})


def _unreachable(attempt: Attempt) -> bool:
    return attempt.error is not None and attempt.error.step in ("resolve", "connect", "proxy")
