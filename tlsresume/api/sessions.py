"""`resume`, `aresume` and `ainspect`; `save` and `inspect` are those of `actions`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from tlsresume.network.loop import Stop
from tlsresume.network.trace import Trace
from tlsresume.options import ResumeOptions
from tlsresume.policy.resume_status import ResumeDemands, decided_resume
from tlsresume.results.report import ResumeResult
from tlsresume.runs import inspect as inspecting
from tlsresume.runs import resume as resuming
from tlsresume.runs.inspect import Inspection
from tlsresume.runs.reach import within
from tlsresume.runs.resume import Renewed
from tlsresume.sessions.file import SessionFile
from tlsresume.targets.target import Target
from tlsresume.tickets.key_files import TicketKeyFile

Progress = Callable[[str], None]


def resume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """Offer a saved session. Returns what came of it, and the renewed session if one came.

    The target is the one in the file unless given. After `deadline` seconds, when another thread
    calls `stop()`, or on an interrupt once the session was offered, what is known by then is the
    result. Raises SessionFileError for a file that is none, for a session that no connection of
    ours can offer, and where OpenSSL refuses the session itself; LocalError where this machine
    makes no connection; and UsageError, also for another host than the session's own without
    `any_host`.

    >>> saved, sessions = tlsresume.save(target)
    >>> data = tlsresume.format_session_file(*sessions[-1])
    >>> tlsresume.write_session_file("s.pem", data)
    >>> result, renewed = tlsresume.resume("s.pem", target)
    >>> result.ok, result.session_reused, result.mechanism
    (True, True, 'psk')
    """
    result, renewed = resuming.resume(
        session_file, target, options, trace=trace, deadline=deadline, progress=progress, stop=stop
    )
    return decided_resume(result, ResumeDemands()), renewed


async def aresume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """`resume` for a running event loop. A task that is cancelled ends its connections at once."""
    result, renewed = await resuming.aresume(
        session_file, target, options, trace=trace, deadline=deadline, progress=progress
    )
    return decided_resume(result, ResumeDemands()), renewed


async def ainspect(
    source: str | os.PathLike[str] | bytes | SessionFile,
    now: float | None = None,
    *,
    show_secrets: bool = False,
    show_ticket: bool = False,
    ticket_keys: Sequence[TicketKeyFile] = (),
    deadline: float | None = None,
) -> Inspection:
    """`inspect` for a running event loop: the file is read, and explained, in a thread.

    Raises TimeoutError after `deadline` seconds, and what `inspect` raises.
    """
    async with within(deadline):
        return await asyncio.to_thread(
            inspecting.inspect,
            source,
            now,
            show_secrets=show_secrets,
            show_ticket=show_ticket,
            ticket_keys=ticket_keys,
        )
