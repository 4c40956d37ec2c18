"""The first round of a probe: on each address, what it speaks, and tries of each mechanism.

What is left out, and why, is noted here for the whole probe.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from msgspec import Struct, field

from tlsresume.errors import BudgetSpent, LimitedByServer, LocalError
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import Discovery, OnFull
from tlsresume.experiments.tokens import show_token
from tlsresume.experiments.tries import QUICK, SERIES, Tries
from tlsresume.lab import Gate, Lab, Route
from tlsresume.options import ProbeOptions
from tlsresume.results.measured import ErrorResult, Skipped
from tlsresume.runs.before_probe import Share
from tlsresume.runs.retry import discover_again
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.tls.registry import ProtocolVersion

#: Why an address is not dialled for yet another name.
ADDRESS_DOWN = "address down: it refused or timed out for other targets"


class LeftOut(Struct):
    """What a probe did not do. `incomplete`: its verdict lacks some of that."""

    parts: list[Skipped] = field(default_factory=list)
    incomplete: bool = False

    def note(self, skipped: Skipped) -> None:
        """Something beyond the first round was left out: it has no bearing on the verdict."""
        self.parts.append(skipped)

    def miss(self, skipped: Skipped) -> None:
        """Something was left out that the verdict lacks."""
        self.parts.append(skipped)
        self.incomplete = True


class ProbedAddress(Struct):
    """An address, and what the first round found out about it."""

    route: Route
    discovery: Discovery | None = None
    no_route: bool = False
    #: Not dialled: other targets' connections to it were refused or timed out.
    down: bool = False
    #: Attempts up to this one were repeated, and count no more.
    outdated: int = 0


class FirstRound(Struct):
    """The first round on all addresses. `wait_longer` is asked of an address without TLS 1.3
    tickets, beside the round, where the budget has connections to spare."""

    lab: Lab
    gate: Gate
    target_setup: TargetSetup
    options: ProbeOptions
    left_out: LeftOut
    wait_longer: Callable[[Route], Coroutine[Any, Any, None]]
    addresses: Sequence[ProbedAddress] = ()
    #: Why no address was dialled at all.
    error: ErrorResult | None = None

    async def run(self, addresses: Sequence[ProbedAddress], share: Share) -> None:
        """Probe the addresses side by side."""
        self.addresses = addresses
        async with asyncio.TaskGroup() as tasks:
            for address in addresses:
                tasks.create_task(self._probe_address(address, share))

    async def _probe_address(self, address: ProbedAddress, share: Share) -> None:
        route = address.route
        if self.target_setup.target.proxy is None and self.gate.down(route.address, route.port):
            address.down = True
            self.left_out.note(Skipped(route.address, ADDRESS_DOWN))
            if all(each.down for each in self.addresses):
                where = format_endpoint(route.address, route.port)
                self.error = ErrorResult(
                    "down", "connect", f"{where} was not dialled: {ADDRESS_DOWN}"
                )
            return
        # What belongs to an explanation must not cost the first round a try.
        spare = self.options.budget - share.connections
        async with asyncio.TaskGroup() as beside:

            def on_quiet() -> None:
                if self.options.explain and spare >= share.addresses:
                    beside.create_task(self.wait_longer(address.route))

            await self._first_round(address, share.tries, on_quiet)

    async def _first_round(
        self, address: ProbedAddress, tries: int, on_quiet: Callable[[], None]
    ) -> None:
        here = address.route.address
        try:
            if address.route.transport == "quic":
                discovery = await self._discover(address, on_quiet)
                target_setup, psk = self.target_setup, discovery.full.get("psk")
                if psk is not None and psk.handshake_done:
                    shown = await show_token(self.lab, address.route, target_setup, psk)
                    target_setup = replace(target_setup, show_tokens=shown)
                await self._tries(address, target_setup, tries, discovery).run()
            else:
                await self._discover_and_try(address, tries, on_quiet)
        except LimitedByServer as limited:
            # As with a small budget: fewer tries are no fault, while each mechanism has some.
            if address.discovery is None:
                self.left_out.miss(Skipped(f"the rest on {here}", limited.message, "limited", here))
            else:
                self.left_out.note(
                    Skipped(f"further tries on {here}", limited.message, "limited", here)
                )
        except BudgetSpent as spent:
            what = "the rest" if address.discovery is None else "tries"
            self.left_out.miss(Skipped(f"{what} on {here}", spent.message, "budget", here))

    async def _discover(
        self, address: ProbedAddress, on_quiet: Callable[[], None], on_full: OnFull | None = None
    ) -> Discovery:
        address.discovery, address.outdated = await discover_again(
            self.lab,
            address.route,
            self.target_setup,
            self.options.retries,
            on_quiet,
            few=self.options.quick,
            on_full=on_full,
        )
        address.no_route = _no_route(address.discovery)
        self._name_doubts(address)
        return address.discovery

    async def _discover_and_try(
        self, address: ProbedAddress, count: int, on_quiet: Callable[[], None]
    ) -> None:
        """Discovery, with each mechanism's tries from its first session on."""
        tries = self._tries(address, self.target_setup, count)
        trying = asyncio.create_task(tries.run())
        try:
            discovery = await self._discover(address, on_quiet, tries.add)
        except (BudgetSpent, LocalError):
            tries.stop()
            with contextlib.suppress(BudgetSpent):
                await trying
            raise
        except BaseException:
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)
            raise
        for mechanism, attempt in discovery.full.items():
            tries.add(mechanism, attempt)
        tries.complete()
        await trying

    def _tries(
        self,
        address: ProbedAddress,
        target_setup: TargetSetup,
        count: int,
        discovery: Discovery | None = None,
    ) -> Tries:
        return Tries(
            self.lab,
            address.route,
            target_setup,
            discovery,
            tries=count,
            concurrency=self.options.concurrency,
            answer=self.options.node_header is not None,
            series=QUICK if self.options.quick else SERIES,
        )

    def _name_doubts(self, address: ProbedAddress) -> None:
        """A version that broke without a word on versions is not known to be unspoken."""
        if address.discovery is None:
            return
        here = address.route.address
        for name, attempt in address.discovery.full.items():
            # What our library cannot do is no fault of the server's.
            if attempt.error is not None and attempt.error.kind == "unsupported":
                self.left_out.note(
                    Skipped(f"{name} on {here}", attempt.error.message, "other", here)
                )
        for what, attempt in address.discovery.in_doubt.items():
            if attempt.error is not None:
                label = what.label if isinstance(what, ProtocolVersion) else None
                self.left_out.miss(
                    Skipped(
                        f"{label or what} on {here}", attempt.error.message, "in-doubt", here, label
                    )
                )
        contradicted = address.discovery.contradicted
        if contradicted is not None and contradicted.error is not None:
            label = ProtocolVersion.TLSv1_3.label
            why = (
                f"{contradicted.error.message}; its TLS 1.2 says that it speaks TLS 1.3: nodes that"
                " differ, or a device on the way that does not"
            )
            self.left_out.note(Skipped(f"{label} on {here}", why, "in-doubt", here, label))
        presumed = address.discovery.presumed
        if presumed is not None and presumed.error is not None:
            label = ProtocolVersion.TLSv1_2.label
            why = f"{presumed.error.message}: it does not speak TLS 1.2, or breaks at it"
            self.left_out.note(Skipped(f"{label} on {here}", why, "in-doubt", here, label))


def _no_route(discovery: Discovery) -> bool:
    return any(
        attempt.error is not None and attempt.error.kind == "no-route"
        for attempt in discovery.full.values()
    )
