"""The order of tries: how long discovery and tries take in four lanes, in round trips."""

from __future__ import annotations

import asyncio
import random
import statistics

import pytest

from tests.helpers.canned_lab import ROUTE, Ask, CannedLab, Pool
from tests.helpers.trials import changed
from tests.helpers.virtual_time import VirtualLoop
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import discover
from tlsresume.experiments.tries import SERIES, Tries
from tlsresume.options import ConnectOptions
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion

pytestmark = pytest.mark.slow

LANES = 4


class Distant(CannedLab):
    """A server that answers at once, one second's round trip away; `lanes` connections at a time."""

    def __init__(self, reply, seed: int, lanes: int = LANES) -> None:
        super().__init__(reply, dice=random.Random(seed))
        self.gate = asyncio.Semaphore(lanes)
        self.busy = 0.0

    async def connect(self, route, config, task, session=None, *, milestones=None) -> Trial:
        self.budget.reserve()
        async with self.gate:
            loop = asyncio.get_running_loop()
            began = loop.time()
            ask = Ask(len(self.asks) + 1, self.wall_time(), route, config, task, session)
            self.asks.append(ask)
            attempt = self.answer(ask)
            tls13 = task.mechanism == "psk"
            # TCP, then one round trip for TLS 1.3 or for a resumption, two for others.
            await asyncio.sleep(2 if tls13 or attempt.resumed else 3)
            if milestones is not None:
                milestones.reach(milestones.handshake)
            if tls13 or task.want_response:
                await asyncio.sleep(1)
            self.busy += loop.time() - began
            return self.record(attempt)


def answering(pool: Pool):
    """The same server, which answers HTTP."""

    def reply(ask: Ask) -> Trial:
        attempt = pool(ask)
        if not ask.task.want_response:
            return attempt
        return changed(attempt, response=b"HTTP/1.1 200 OK\r\n\r\n", asked=True)

    return reply


def round_trips(target: str, seed: int) -> tuple[float, float]:
    """How long a first round takes, and how long it would if no lane were ever idle."""
    setup = TargetSetup(parse_target(target), ConnectOptions(), "tlsresume/test")

    async def first_round() -> tuple[float, float]:
        lab = Distant(answering(Pool()), seed)
        dice = random.Random(seed)
        tries = Tries(lab, ROUTE, setup, tries=5, concurrency=LANES, answer=False, shuffle=dice)
        trying = asyncio.create_task(tries.run())
        await discover(lab, ROUTE, setup, on_full=tries.add)
        tries.complete()
        await trying
        assert len(lab.asks) == 36
        return asyncio.get_running_loop().time(), lab.busy / LANES

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(first_round())


@pytest.mark.parametrize("target", ["192.0.2.10:9443", "https://example.test"])
def test_lanes_are_hardly_ever_idle(target):
    """Beside the round trips until the first session is there (seven of a lane's, and one more
    where an answer is asked for), the first round takes hardly one more than four busy lanes."""
    rounds = [round_trips(target, seed) for seed in range(40)]
    waste = statistics.mean(took - busy for took, busy in rounds)
    assert waste < 7 / LANES + 0.75


def test_two_lanes_keep_no_step_with_two_nodes():
    """Two nodes in turn that do not share keys are found out by two lanes whose connections all
    take the same time, though every second connection is one lane's."""
    connect = ConnectOptions(tls=(ProtocolVersion.TLSv1_3,))
    setup = TargetSetup(parse_target("https://example.test"), connect, "tlsresume/test")

    async def resumed(seed: int) -> bool:
        lab = Distant(answering(Pool(pick=lambda n: n % 2)), seed, lanes=2)
        dice = random.Random(seed)
        tries = Tries(lab, ROUTE, setup, tries=10, concurrency=2, answer=False, shuffle=dice)
        trying = asyncio.create_task(tries.run())
        await discover(lab, ROUTE, setup, on_full=tries.add)
        tries.complete()
        await trying
        return all(attempt.resumed for attempt in lab.journal if attempt.made_for(*SERIES))

    wrong = 0
    for seed in range(60):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            wrong += runner.run(resumed(seed))
    assert wrong < 6
