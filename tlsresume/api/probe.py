"""`probe`, `aprobe` and `aprobe_each`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from tlsresume import checked
from tlsresume.api import Progress
from tlsresume.api.reports import judge
from tlsresume.network.loop import Stop
from tlsresume.options import ProbeOptions
from tlsresume.results.report import TargetResult
from tlsresume.runs.many_targets import PARALLEL
from tlsresume.runs.probe import Shared
from tlsresume.runs.probe import aprobe as unjudged_aprobe
from tlsresume.runs.probe import probe as unjudged_probe
from tlsresume.runs.reach import chosen_target
from tlsresume.targets.target import Target


def probe(
    target: Target | str,
    options: ProbeOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> TargetResult:
    """Whether sessions are resumed on a target, on each of its addresses.

    `target` is a Target or text for `parse_target`. After `deadline` seconds, or when another
    thread calls `stop()`, all connections end at once, and what is known by then is the result
    (its `incomplete` or `interrupted` is True). Raises UsageError or FileError when the options
    cannot be carried out, LocalError when not even an event loop can be had, and
    KeyboardInterrupt.

    >>> result = tlsresume.probe(target, options)
    >>> result.ok, result.verdict
    (True, 'resumes')
    >>> [(row.mechanism, row.state) for row in result.addresses[0].mechanisms]
    [('psk', 'resumed'), ('ticket', 'resumed'), ('session-id', 'resumed')]
    """
    found = unjudged_probe(target, options, deadline=deadline, progress=progress, stop=stop)
    return judge(found).targets[0]


async def aprobe(
    target: Target | str,
    options: ProbeOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> TargetResult:
    """`probe` for a running event loop. A task that is cancelled ends its connections at once.

    >>> async def main():
    ...     return await tlsresume.aprobe(target, options, deadline=30)
    >>> asyncio.run(main()).ok
    True
    """
    found = await unjudged_aprobe(target, options, deadline=deadline, progress=progress)
    return judge(found).targets[0]


async def aprobe_each(
    targets: Iterable[Target | str],
    options: ProbeOptions | None = None,
    *,
    parallel: int = PARALLEL,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[TargetResult]:
    """Probe several targets, `parallel` of them at a time, and give each result as it is ready.

    Targets that share an address share its limit of connections at a time. `deadline` is that of
    all targets together. Whoever leaves the loop early ends all connections.

    >>> async def main():
    ...     async with aclosing(tlsresume.aprobe_each([target, target], options)) as results:
    ...         return [result.verdict async for result in results]
    >>> asyncio.run(main())
    ['resumes', 'resumes']
    """
    checked.whole("parallel", parallel, 1, 1000)
    settings = ProbeOptions() if options is None else options
    checked.kind("options", settings, ProbeOptions, "a ProbeOptions")
    waiting = iter([chosen_target(target) for target in targets])
    shared = Shared.of(settings, deadline)
    running: set[asyncio.Task[TargetResult]] = set()
    try:
        while True:
            while len(running) < parallel and (target := next(waiting, None)) is not None:
                one = unjudged_aprobe(target, settings, progress=progress, shared=shared)
                running.add(asyncio.ensure_future(one))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield judge(task.result()).targets[0]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
