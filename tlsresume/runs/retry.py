"""Trying again where no connection came about (`--retries`). An answer is never asked twice
for being unwelcome: what is repeated is only the way to the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tlsresume.errors import ResolveError
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import Discovery, OnFull, discover
from tlsresume.lab import Lab, Route

#: Seconds before the first repetition; each further one waits twice as long.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0

_STEPS = ("resolve", "connect", "proxy")

_T = TypeVar("_T")


def pause(number: int) -> float:
    """Seconds to wait before repetition `number`, counted from 0."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(number, 10)))


async def resolve_again(look_up: Callable[[], Awaitable[_T]], lab: Lab, retries: int) -> _T:
    """The result of a look-up, repeated while it fails. Raises its last ResolveError."""
    for number in range(retries):
        try:
            return await look_up()
        except ResolveError:
            await lab.wait(pause(number))
    return await look_up()


async def discover_again(
    lab: Lab,
    route: Route,
    target_setup: TargetSetup,
    retries: int,
    on_quiet: Callable[[], None] | None = None,
    *,
    few: bool = False,
    on_full: OnFull | None = None,
) -> tuple[Discovery, int]:
    """What an address speaks, asked again while no connection to it comes about.

    Also gives the number of the last attempt (`Trial.n`) that does not count any more.
    Where this machine has no route, there is nothing to wait for. Raises BudgetSpent.
    """
    outdated = 0
    for number in range(retries):
        discovery = await discover(lab, route, target_setup, on_quiet, few=few, on_full=on_full)
        if not _worth_repeating(discovery):
            return discovery, outdated
        outdated = max(attempt.n for attempt in discovery.full.values())
        await lab.wait(pause(number))
    return await discover(lab, route, target_setup, on_quiet, few=few, on_full=on_full), outdated


def _worth_repeating(discovery: Discovery) -> bool:
    errors = [attempt.error for attempt in discovery.full.values()]
    return bool(errors) and all(
        error is not None and error.step in _STEPS and error.kind != "no-route" for error in errors
    )
