"""The loop's end: everything that was started has ended, whatever interrupted it."""

from __future__ import annotations

import asyncio
import gc

import pytest

from tlsresume.errors import UsageError
from tlsresume.network.loop import run


def test_it_gives_what_main_gives():
    """Results and errors pass."""

    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise LookupError

    assert run(answer()) == 42
    with pytest.raises(LookupError):
        run(fail())


def test_async_code_is_told_of_the_coroutines(recwarn):
    """A call inside a running loop is refused with the way that works, and leaves nothing open."""

    async def answer() -> int:
        return 42

    async def caller() -> int:
        with pytest.raises(UsageError, match="event loop is running") as caught:
            run(answer())
        assert "tlsresume.aprobe" in caught.value.hints[0]
        return await asyncio.to_thread(run, answer())

    assert asyncio.run(caller()) == 42
    gc.collect()
    assert not recwarn.list


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_deep_inside_ends_everything_silently(depth, error, caplog, capfd):
    """Every task's `finally` runs inside the loop, and nothing is said on stderr."""
    ended: list[str] = []

    async def sleeper(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.get_running_loop()
            ended.append(name)

    async def level(left: int) -> None:
        if not left:
            await asyncio.sleep(0)
            raise error
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sleeper(f"beside {left}"))
            tasks.create_task(level(left - 1))

    with pytest.raises(error):
        run(level(depth))
    gc.collect()
    assert len(ended) == depth
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_other_forgotten_errors_are_still_told(caplog):
    """A task that failed and was never asked is a bug, and stays loud."""

    async def fail() -> None:
        raise LookupError

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    run(main())
    assert "LookupError" in caplog.text
