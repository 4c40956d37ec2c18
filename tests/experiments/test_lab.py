"""The Lab's parts without a network: budget, gate, journal."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tests.helpers.purposes import Test
from tlsresume.errors import BudgetSpent
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Lab
from tlsresume.transports.config import ClientConfig

HERE = ("192.0.2.1", 443)
THERE = ("192.0.2.2", 443)


async def turns(count: int = 20) -> None:
    """Let every task run as far as it can."""
    for _ in range(count):
        await asyncio.sleep(0)


# ------------------------------------------------------------------------ budget


def test_a_budget_is_spent_once():
    """Reserving takes all that was asked for, or nothing."""
    budget = Budget(3)
    budget.reserve(2)
    with pytest.raises(BudgetSpent):
        budget.reserve(2)
    assert (budget.used, budget.left) == (2, 1)
    budget.reserve()
    assert budget.left == 0
    with pytest.raises(BudgetSpent) as caught:
        budget.reserve()
    assert "3 connections" in caught.value.message


# -------------------------------------------------------------------------- gate


class Guests:
    """Tasks that hold a slot until they are let go, and what they saw."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: dict[Any, bool] = {}
        self.most = 0
        self._doors: dict[Any, asyncio.Event] = {}
        self.tasks: dict[Any, asyncio.Task[None]] = {}

    def send(self, name: Any, *, alone: bool = False, place: tuple[str, int] = HERE) -> None:
        self._doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.get_running_loop().create_task(self._visit(name, alone, place))

    async def _visit(self, name: Any, alone: bool, place: tuple[str, int]) -> None:
        async with self.gate.slot(*place, alone=alone):
            self.inside[name] = alone
            if place == HERE:
                here = self.gate.busy(*HERE)
                self.most = max(self.most, here)
                assert not alone or here == 1
            try:
                await self._doors[name].wait()
            finally:
                del self.inside[name]

    def let_go(self, *names: Any) -> None:
        for name in names:
            self._doors[name].set()


def test_at_most_so_many_at_a_time():
    """The limit holds per address; those who wait come in as others leave."""

    async def scene() -> None:
        guests = Guests(Gate(2))
        for name in "abcd":
            guests.send(name)
        guests.send("elsewhere", place=THERE)
        await turns()
        assert set(guests.inside) == {"a", "b", "elsewhere"}
        guests.let_go("a", "b")
        await turns()
        assert set(guests.inside) == {"c", "d", "elsewhere"}
        guests.let_go("c", "d", "elsewhere")
        await asyncio.gather(*guests.tasks.values())
        assert guests.gate.busy(*HERE) == 0

    asyncio.run(scene())


def test_alone_means_alone_and_comes_first():
    """Who asks to be alone waits for the others, and lets no later one in before."""

    async def scene() -> None:
        guests = Guests(Gate(4))
        guests.send("first")
        await turns()
        guests.send("alone", alone=True)
        await turns()
        guests.send("later")
        await turns()
        assert set(guests.inside) == {"first"}
        guests.let_go("first")
        await turns()
        assert set(guests.inside) == {"alone"}
        guests.let_go("alone")
        await turns()
        assert set(guests.inside) == {"later"}
        guests.let_go("later")
        await asyncio.gather(*guests.tasks.values())

    asyncio.run(scene())


def test_a_narrowed_gate_lets_one_in():
    """After narrow() there is one at a time, those inside stay."""

    async def scene() -> None:
        guests = Guests(Gate(3))
        for name in "abcd":
            guests.send(name)
        await turns()
        guests.gate.narrow(*HERE)
        guests.let_go("a")
        await turns()
        assert set(guests.inside) == {"b", "c"}
        guests.let_go("b", "c")
        await turns()
        assert set(guests.inside) == {"d"}
        guests.let_go("d")
        await asyncio.gather(*guests.tasks.values())

    asyncio.run(scene())


@pytest.mark.parametrize("alone", [False, True])
def test_a_cancelled_waiter_leaves_no_trace(alone):
    """Cancelling one who waits neither takes a slot nor keeps others out."""

    async def scene() -> None:
        guests = Guests(Gate(1 if not alone else 2))
        guests.send("inside")
        await turns()
        guests.send("waits", alone=alone)
        await turns()
        guests.send("behind")
        await turns()
        assert set(guests.inside) == {"inside"}
        guests.tasks["waits"].cancel()
        await turns()
        if alone:
            assert set(guests.inside) == {"inside", "behind"}
        guests.let_go("inside", "behind")
        done = await asyncio.gather(*guests.tasks.values(), return_exceptions=True)
        assert sum(isinstance(d, asyncio.CancelledError) for d in done) == 1
        assert guests.gate.busy(*HERE) == 0

    asyncio.run(scene())


def test_a_cancelled_holder_gives_its_place_away():
    """Cancelling who is inside lets the next one in."""

    async def scene() -> None:
        guests = Guests(Gate(1))
        guests.send("a")
        guests.send("b", alone=True)
        await turns()
        guests.tasks["a"].cancel()
        await turns()
        assert set(guests.inside) == {"b"}
        guests.tasks["b"].cancel()
        await asyncio.gather(*guests.tasks.values(), return_exceptions=True)
        assert guests.gate.busy(*HERE) == 0

    asyncio.run(scene())


def test_no_wake_up_is_lost():
    """However many wait, alone and not, some of them cancelled: the rest all come in."""

    async def scene() -> None:
        guests = Guests(Gate(3))
        for n in range(90):
            guests.send(n, alone=n % 7 == 3)
            if n % 10 == 0:
                await turns(2)
        for n in range(5, 90, 11):
            guests.tasks[n].cancel()
        for n in itertools.count():
            await turns(4)
            if all(task.done() for task in guests.tasks.values()):
                break
            assert n < 500, "somebody waits for ever"
            guests.let_go(*guests.inside)
        assert guests.most == 3
        assert guests.gate.busy(*HERE) == 0

    asyncio.run(scene())


# ----------------------------------------------------------------------- journal


class Paper(Lab):
    """A Lab of which only the journal is used."""

    async def connect(self, *_: Any, **__: Any) -> Trial:
        raise NotImplementedError

    async def wait(self, seconds: float) -> None:
        raise NotImplementedError

    def now(self) -> float:
        return 0.0

    def wall_time(self) -> float:
        return 0.0


def test_attempts_are_numbered_as_they_end():
    """The journal numbers from 1, whatever number an attempt had."""
    lab = Paper(Budget(1))
    attempt = Trial(n=9, time=0.0, address="a", port=1, purpose=Test.FULL, config=ClientConfig())
    assert [lab.record(attempt).n for _ in range(3)] == [1, 2, 3]
    assert [kept.n for kept in lab.journal] == [1, 2, 3]
