"""Scrapes share results: those that run, and those that are fresh enough."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from tlsresume.features.exporter import sharing
from tlsresume.features.exporter.sharing import Key, Outcome, Shared

KEY = Key("a:443", "default", 0)


def outcome(**more) -> Outcome:
    return replace(
        Outcome(metrics="", success=True, exit_status=0, seconds=1.0, ended=time.monotonic()),
        **more,
    )


async def taken(found) -> Outcome:
    return found if isinstance(found, Outcome) else await found


def test_scrapes_in_flight_and_after_share_one_probe():
    """32 scrapes of one target are one probe; another module or configuration is another."""
    probes = 0

    async def probe() -> Outcome:
        nonlocal probes
        probes += 1
        await asyncio.sleep(0)
        return outcome()

    async def run() -> int:
        joined = 0

        def join() -> None:
            nonlocal joined
            joined += 1

        shared = Shared(join)
        first = await asyncio.gather(*(taken(shared.get(KEY, 30, probe)) for _ in range(32)))
        assert len({id(each) for each in first}) == 1
        assert await taken(shared.get(KEY, 30, probe)) is first[0]
        assert probes == 1
        await taken(shared.get(replace(KEY, generation=1), 30, probe))
        await taken(shared.get(replace(KEY, module="full"), 30, probe))
        assert probes == 3
        return joined

    assert asyncio.run(run()) == 32


def test_what_is_old_cut_or_failed_is_probed_again(monkeypatch):
    """A result is as fresh as its module says; one that our deadline cut is not kept."""
    answers: list[Outcome | Exception] = [
        outcome(cut=True),
        RuntimeError("no"),
        outcome(ended=time.monotonic() - 31),
        outcome(),
    ]

    async def probe() -> Outcome:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run() -> None:
        shared = Shared()
        for _ in range(4):
            await asyncio.gather(taken(shared.get(KEY, 30, probe)), return_exceptions=True)
            await asyncio.sleep(0)
        assert not answers
        monkeypatch.setattr(sharing, "MOST_KEPT", 3)
        for number in range(10):
            answers.append(outcome())
            await taken(shared.get(replace(KEY, target=str(number)), 30, probe))
            await asyncio.sleep(0)
        assert len(shared._kept) == 3

    asyncio.run(run())
