"""The second round of a probe: what the first round leaves unexplained, and what was asked for.

Explanations run for what is judged and does not resume everywhere and always; the
matrix over addresses wherever there are several; other experiments only when named.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from tlsresume.errors import BudgetSpent, LimitedByServer
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.across_addresses import crossing_view, crossings, lifetimes
from tlsresume.findings.judge import judge, judge_tickets, judge_way, merge, wanted
from tlsresume.findings.view import View, make_view
from tlsresume.lab import Lab, Route
from tlsresume.options import ProbeOptions
from tlsresume.protocols.rows import HTTP, UNKNOWN
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.results.judged import Crossing, Finding, LifetimeResult
from tlsresume.results.measured import AddressResult, MechanismResult, Skipped, SkippedKind
from tlsresume.runs.explain import Explanation
from tlsresume.runs.follow_up import follow_ups

if TYPE_CHECKING:
    from tlsresume.experiments.early_data import EarlySetting

LeaveOut = Callable[[Skipped], None]


class Investigation(Struct):
    """What comes after the first round on one target. `leave_out` notes what was not done."""

    lab: Lab
    target_setup: TargetSetup
    options: ProbeOptions
    leave_out: LeaveOut
    progress: Callable[[str], None]
    explanations: dict[tuple[str, Mechanism], Explanation] = field(default_factory=dict)
    _crossed: list[Mechanism] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """Whether anything may be asked; of a quick probe only what features add."""
        target, options = self.target_setup.target, self.options
        return not options.quick or any(each.stage(target, options) for each in follow_ups())

    async def run(self, addresses: Sequence[AddressResult]) -> None:
        """Explain, cross, and run what the user named."""
        reached = [address for address in addresses if address.mechanisms]
        if self.options.explain:
            async with asyncio.TaskGroup() as tasks:
                for address in reached:
                    tasks.create_task(self._explain(address))
            await self._cross(reached)
        async with asyncio.TaskGroup() as tasks:
            for address in reached:
                tasks.create_task(self._named(address))
                for each in follow_ups():
                    tasks.create_task(each.measure(self, address))
        await self._early_data(reached)

    async def wait_longer(self, route: Route) -> None:
        """What would be asked of a server without TLS 1.3 tickets, while the first round has
        them waited for: the wait is long, and nothing else depends on it."""
        # Where the budget is spent, the explanation says so.
        with contextlib.suppress(BudgetSpent):
            await EXPERIMENTS["elicit"].run(self._setting_at(route, "psk"))

    # ---------------------------------------------------------------- early data

    async def _early_data(self, addresses: Sequence[AddressResult]) -> None:
        """Replays of early data, where they are asked for and tickets allow any."""
        line = self.options.early_request
        if line is None:
            return
        if self.target_setup.target.transport == "dtls":
            self.note("early data", "DTLS 1.2 has none", "other")
            return
        allowing = [address for address in addresses if early_room(address)]
        for address in addresses:
            if address not in allowing and not _psk(address):
                self._leave_early_data("no TLS 1.3 ticket is issued", address)
        spoken = self.target_setup.target.protocol
        if allowing and spoken not in (HTTP, UNKNOWN):
            self._leave_early_data(f"it is tested with HTTP, and this target speaks {spoken.name}")
            return
        if not allowing:
            return
        from tlsresume.experiments.early_data import EarlySetting

        # One mark for the target, so that one command finds all its requests in a log.
        run_id = secrets.token_hex(4)
        async with asyncio.TaskGroup() as tasks:
            for number, address in enumerate(allowing):
                other = allowing[(number + 1) % len(allowing)]
                asked = EarlySetting(
                    setup=self._setup(address, "psk"),
                    line=line,
                    run_id=f"{run_id}-{number + 1}" if number else run_id,
                    ages=self.options.replay_ages,
                    elsewhere=self._setup(other, "psk") if other is not address else None,
                    progress=self.progress,
                )
                tasks.create_task(self._replay(address, asked))

    async def _replay(self, address: AddressResult, asked: EarlySetting) -> None:
        from tlsresume.experiments import early_data

        cost = early_data.cost(len(asked.ages), elsewhere=asked.elsewhere is not None)
        self.progress(f"early data on {address.address}: up to {cost} connections")
        try:
            left = await early_data.replay_early_data(asked)
        except LimitedByServer as limited:
            self._leave_early_data(limited.message, address, "limited")
        except BudgetSpent as spent:
            self._leave_early_data(spent.message, address, "budget")
        else:
            for each in left:
                self._leave_early_data(each.reason, address, question=each.question)

    def _leave_early_data(
        self,
        reason: str,
        address: AddressResult | None = None,
        kind: SkippedKind = "other",
        *,
        question: str = "",
    ) -> None:
        here = None if address is None else address.address
        what = "early data" if here is None else f"early data on {here}"
        if question:
            what = f"{what}: {question}"
        self.leave_out(Skipped(what, reason, kind, here))

    def explanation(self, address: AddressResult, mechanism: MechanismResult) -> Explanation:
        """The one explanation of a mechanism on an address."""
        key = (address.address, mechanism.mechanism)
        if key not in self.explanations:
            self.explanations[key] = Explanation(
                self._setup(address, mechanism.mechanism), judged=self._speaks(mechanism)
            )
        return self.explanations[key]

    def _speaks(self, mechanism: MechanismResult) -> bool:
        """Whether findings on a mechanism have their full weight: it is judged, or demanded."""
        return mechanism.judged or mechanism.mechanism in self.options.demanded

    def _setup(self, address: AddressResult, mechanism: Mechanism) -> MechanismSetup:
        return self._setting_at(
            Route(address.address, address.port, transport=address.transport), mechanism
        )

    def _setting_at(self, route: Route, mechanism: Mechanism) -> MechanismSetup:
        return MechanismSetup(
            lab=self.lab,
            route=route,
            target_setup=self.target_setup,
            mechanism=mechanism,
            config=self.target_setup.config_for(mechanism),
        )

    async def _explain(self, address: AddressResult) -> None:
        for mechanism in address.mechanisms:
            if not self._speaks(mechanism):
                continue
            explanation = self.explanation(address, mechanism)
            if mechanism.falls_short:
                await explanation.run()
            elif "answers" in wanted(explanation.view()):
                await explanation.experiment("answers")

    # ------------------------------------------------------------- the matrix

    async def _cross(self, addresses: Sequence[AddressResult]) -> None:
        mechanisms: list[Mechanism] = ["psk", "ticket", "session-id"]
        for mechanism in mechanisms:
            setups = [
                self._setup(address, mechanism)
                for address in addresses
                for result in address.mechanisms
                if result.mechanism == mechanism and self._speaks(result)
                and result.resumes
            ]  # fmt: skip
            if len(setups) < 2:
                continue
            self._crossed.append(mechanism)
            from tlsresume.experiments import crossing

            cost = crossing.cost(len(setups), single=mechanism == "psk")
            if cost > self.lab.budget.left:
                self.note(f"the {mechanism} matrix of addresses", f"{cost} connections, over"
                           f" the {self.lab.budget.left} left of the budget")  # fmt: skip
                continue
            try:
                await crossing.cross(setups)
            except BudgetSpent as spent:
                self.note(f"a part of the {mechanism} matrix of addresses", spent.message)

    def note(self, what: str, reason: str, kind: SkippedKind = "budget") -> None:
        """Note what was not done, and why."""
        self.leave_out(Skipped(what, reason, kind))

    # ------------------------------------------------------- what was asked for

    async def _named(self, address: AddressResult) -> None:
        options = self.options
        asked = [
            self.explanation(address, result)
            for result in address.mechanisms
            if result.judged and result.state != "not-issued"
        ]
        for explanation in asked:
            for name in options.experiments:
                if not explanation.view().settled(name):
                    await explanation.experiment(name)
                unable = EXPERIMENTS[name].unable(address.transport)
                if unable is not None:
                    mechanism = explanation.setup.mechanism
                    self.note(
                        f"experiment {name} of {mechanism} on {address.address}", unable, "other"
                    )
            await self._within_budget(explanation, self._cross_names)
        # All mechanisms grow old at the same time.
        async with asyncio.TaskGroup() as tasks:
            for explanation in asked:
                tasks.create_task(self._within_budget(explanation, self._age))

    async def _within_budget(
        self, explanation: Explanation, ask: Callable[[MechanismSetup], Awaitable[None]]
    ) -> None:
        setup = explanation.setup
        try:
            await ask(setup)
        except BudgetSpent as spent:
            self.note(f"a part of what was asked for on {setup.route.address}", spent.message)

    async def _cross_names(self, setup: MechanismSetup) -> None:
        if not (self.options.cross_names or self.options.cross_protocols):
            return
        from tlsresume.experiments import other_names

        for name in self.options.cross_names:
            await other_names.cross_name(setup, name)
        for protocol in self.options.cross_protocols:
            await other_names.cross_protocol(setup, protocol)

    async def _age(self, setup: MechanismSetup) -> None:
        if not self.options.ages and self.options.find_lifetime is None:
            return
        from tlsresume.experiments import age

        if self.options.ages:
            await age.offer_at_ages(setup, self.options.ages, self.progress)
        if self.options.find_lifetime is not None:
            await age.find_lifetime(setup, self.options.find_lifetime, self.progress)

    # ------------------------------------------------------------------ result

    def findings(self, addresses: Sequence[AddressResult]) -> tuple[Finding, ...]:
        """What the rules say of everything that is known now."""
        views = [
            self.explanation(address, mechanism).view()
            for address in addresses
            for mechanism in address.mechanisms
        ]
        crossed = [
            crossing_view(self.lab.journal, address.address, address.port, mechanism)
            for address in addresses
            for mechanism in self._crossed
        ]
        way = judge_way(self._before_tls(addresses))
        broke = [f for view in self._broken_by_tickets(addresses) for f in judge_tickets(view)]
        judged = judge([*views, *(view for view in crossed if view is not None)])
        return merge([*judged, *way, *broke])

    def _broken_by_tickets(self, addresses: Sequence[AddressResult]) -> list[View]:
        """Mechanisms of which no handshake came about, for the server's malformed tickets."""
        journal = self.lab.journal
        return [
            make_view(journal, address.address, address.port, mechanism)
            for address in addresses
            for mechanism in MECHANISMS
            if all(each.mechanism != mechanism for each in address.mechanisms)
            and any(
                a.malformed_ticket and a.mechanism == mechanism for a in journal.at(address.address)
            )
        ]

    def _before_tls(self, addresses: Sequence[AddressResult]) -> list[View]:
        """What was seen of the addresses on which no handshake came about."""
        journal = self.lab.journal
        return [
            make_view(journal, address.address, address.port, first.mechanism)
            for address in addresses
            if not address.mechanisms
            for first in journal.at(address.address)[:1]
            if first.mechanism is not None
        ]

    def crossings(self) -> tuple[Crossing, ...]:
        """The matrix of issuing and accepting addresses, and of nodes where they are named."""
        return crossings(self.lab.journal)

    def lifetimes(self) -> tuple[LifetimeResult, ...]:
        """How long sessions were honoured, where that was asked for."""
        return lifetimes(self.lab.journal)


def early_room(address: AddressResult) -> int:
    """Bytes of early data that an address's tickets allow."""
    return max((t.max_early_data for m in _psk(address) if (t := m.tickets)), default=0)


def _psk(address: AddressResult) -> list[MechanismResult]:
    """The row of TLS 1.3, where a ticket was issued."""
    return [m for m in address.mechanisms if m.mechanism == "psk" and m.tickets is not None]
