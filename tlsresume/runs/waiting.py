"""What a run waits for, in words for those who wait: and until when at most."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from tlsresume.lab import OpenConnection, Stage
from tlsresume.network.lab import NetworkLab

Status = Callable[[str], None]

#: Seconds after which a run is long enough to say what it does, and from then on how often.
STATUS_AFTER = 0.5
STATUS_EVERY = 0.5
#: What has been waited for so many seconds is named; what is quicker is not.
WAITING = 0.5

#: What is waited for in each stage of a connection; and where a session is offered on it.
_WAITS: dict[Stage, str] = {
    "connection": "waiting for a connection",
    "handshake": "waiting for a full handshake",
    "ticket": "waiting for a ticket",
}
_OFFER_WAITS: dict[Stage, str] = _WAITS | {
    "handshake": "waiting for an answer to an offered session",
}


def waiting_words(doing: OpenConnection, waited: float) -> str:
    """`waiting for an answer to an offered session, 7 of 10 s, try 2 of 5`."""
    words = (_OFFER_WAITS if doing.offers else _WAITS)[doing.stage]
    said = f"{words}, {min(waited, doing.limit):.0f} of {doing.limit:.3g} s"
    task = doing.task
    return f"{said}, try {min(task.number, task.of)} of {task.of}" if task.of else said


def longest_wait(lab: NetworkLab) -> str:
    """What has been waited for longest on connections of a Lab; nothing where all is quick."""
    if not lab.doing:
        return ""
    longest = min(lab.doing, key=lambda each: each.since)
    waited = lab.now() - longest.since
    return waiting_words(longest, waited) if waited >= WAITING else ""


@contextlib.asynccontextmanager
async def telling(lab: NetworkLab, status: Status | None) -> AsyncIterator[None]:
    """Tell `status` what the connections of a Lab wait for, as long as the block runs."""
    if status is None:
        yield
        return
    teller = asyncio.get_running_loop().create_task(_tell(lab, status))
    try:
        yield
    finally:
        teller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await teller


async def _tell(lab: NetworkLab, status: Status) -> None:
    await asyncio.sleep(STATUS_AFTER)
    while True:
        if words := longest_wait(lab):
            status(words)
        await asyncio.sleep(STATUS_EVERY)
