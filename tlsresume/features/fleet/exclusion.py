"""Resolving before probing: what is excluded by its address is left out, and what is probed is
what was looked up here, so that all names of an address can be sent to the same process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tlsresume.errors import LocalError, ResolveError
from tlsresume.features.fleet.engine import Prober
from tlsresume.features.fleet.selection import Exclusions, Job
from tlsresume.network.resolve import addresses_for
from tlsresume.results.measured import Skipped
from tlsresume.results.report import TargetResult

EXCLUDED = "excluded (--exclude)"


class Resolved:
    """A Prober that looks targets up, and has another one probe what is not excluded.

    `excluded` is called for each target that is left out whole.
    """

    def __init__(
        self, prober: Prober, exclusions: Exclusions, excluded: Callable[[], None]
    ) -> None:
        self._prober = prober
        self._exclusions = exclusions
        self._excluded = excluded
        self._inner: dict[int, Job] = {}

    async def begin(self) -> None:
        """Get ready."""
        await self._prober.begin()

    async def probe(self, job: Job) -> TargetResult | None:
        """The result; None where every address is excluded."""
        looked_up = await self._looked_up(job)
        if looked_up is None:
            self._excluded()
            return None
        self._inner[id(job)] = looked_up
        result = await self._prober.probe(looked_up)
        # Of one that is cancelled `interrupted` will be asked.
        del self._inner[id(job)]
        return result

    async def _looked_up(self, job: Job) -> Job | None:
        target = job.target
        if target.unix or (target.proxy is not None and target.proxy.resolves):
            return job
        try:
            found = (await addresses_for(target, job.options.connect.timeout)).addresses
        except (ResolveError, LocalError):
            return job  # the probe says so itself
        left = tuple(address for address in found if not self._exclusions.address(address))
        if not left:
            return None
        skipped = tuple(Skipped(each, EXCLUDED) for each in found if each not in left)
        if target.connect is None:
            pinned = replace(target, addresses=left)
        else:
            # Of a name to go to, one address that is not excluded.
            port = target.connect[1]
            pinned = replace(target, connect=(left[0], port)) if skipped else target
        return replace(job, target=pinned, skipped=(*job.skipped, *skipped))

    def interrupted(self, job: Job) -> TargetResult:
        """What is known of a job that was running."""
        return self._prober.interrupted(self._inner.get(id(job), job))

    async def end(self) -> None:
        """Leave nothing running."""
        await self._prober.end()
