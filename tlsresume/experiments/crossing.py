"""Which address accepts whose sessions? A matrix of issuing and accepting addresses.

A TLS 1.3 ticket is used once, so that a server which takes each ticket once is
not mistaken for one that does not know it; an older session serves for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tlsresume.errors import BudgetSpent
from tlsresume.evidence.purposes import FromAddress, Matrix
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.sessions.session import Session


def cost(addresses: int, *, single: bool) -> int:
    """Connections for a whole matrix; `single`: each session is used once (TLS 1.3)."""
    others = addresses * (addresses - 1)
    return 2 * others if single else addresses + others


async def cross(setups: Sequence[MechanismSetup]) -> None:
    """Offer each address's sessions to every other one. Raises BudgetSpent.

    All settings are of one mechanism.
    """
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_from_one(issuer, setups)) for issuer in setups]
    for task in running:
        spent = task.result()
        if spent is not None:
            raise spent


async def _from_one(issuer: MechanismSetup, setups: Sequence[MechanismSetup]) -> BudgetSpent | None:
    spare: list[Session] = []
    try:
        for acceptor in setups:
            if acceptor is issuer:
                continue
            if not spare:
                attempt, _ = await issuer.full(Matrix.FULL)
                spare = [s for s in attempt.sessions if s.mechanism == issuer.mechanism]
            if not spare:
                return None
            session = spare.pop() if issuer.mechanism == "psk" else spare[-1]
            await acceptor.offer(FromAddress(issuer.route.address), session)
    except BudgetSpent as spent:
        return spent
    return None
