"""Is the same request answered alike on full and on resumed connections?

One connection at a time, a full one and then one that offers its session, so that a
limit or load strikes both kinds alike.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purposes import Answers
from tlsresume.experiments.subject import MechanismSetup

#: As many of each kind as a judgement needs.
PAIRS = 3


async def compare_answers(setup: MechanismSetup) -> None:
    """Ask the same on three full and on three resumed connections."""
    if not setup.target_setup.send:
        return
    task = setup.target_setup.with_answer(setup.task(Answers.FULL))
    for _ in range(PAIRS):
        attempt = await setup.lab.connect(setup.route, setup.config, task)
        own = [s for s in attempt.sessions if s.mechanism == setup.mechanism]
        if own:
            offer = replace(task, purpose=Answers.OFFER, ticket_wait=0.5)
            await setup.lab.connect(setup.route, setup.config, offer, own[-1])
