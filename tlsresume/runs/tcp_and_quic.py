"""A target over TCP and over QUIC, side by side on the same port, in one result (`--quic`).

Each transport is a probe of its own, with its own connections and evidence: nothing that was
seen of one can spoil the other. Here they are put together, and compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from msgspec import Struct

from tlsresume.errors import BudgetSpent, LimitedByServer, LocalError
from tlsresume.evidence.purposes import AltSvc
from tlsresume.evidence.states import verdict_of
from tlsresume.experiments.connections import TargetSetup
from tlsresume.findings.alternatives import promises_http3, quic_findings
from tlsresume.findings.judge import merge
from tlsresume.lab import OpenConnection, Route
from tlsresume.results.measured import AddressResult, Skipped
from tlsresume.results.report import TargetResult
from tlsresume.runs.probe import Probe


class BothTransports(Struct):
    """Two probes of one target. `run` does the work; `result` says what is known."""

    tcp: Probe
    quic: Probe

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Both, TCP first."""
        return (self.tcp, self.quic)

    @property
    def connections(self) -> int:
        """How many were made and have ended."""
        return self.tcp.connections + self.quic.connections

    @property
    def doing(self) -> list[OpenConnection]:
        """The connections that are open now, and what they are for."""
        return [*self.tcp.doing, *self.quic.doing]

    @property
    def waiting(self) -> str:
        """What is waited for, and until when at most; nothing where nothing takes long."""
        return self.tcp.waiting or self.quic.waiting

    def interrupt(self) -> None:
        """Note that the user ended it."""
        for probe in self.probes:
            probe.interrupt()

    async def run(self) -> None:
        """Probe both ways at the same time."""
        async with asyncio.TaskGroup() as tasks:
            for probe in self.probes:
                tasks.create_task(probe.run())
        if _silent(self.quic.result().addresses):
            await self._ask_for_alternatives()

    async def _ask_for_alternatives(self) -> None:
        """Ask over TCP whether HTTP/3 is promised (Alt-Svc, RFC 7838), where none was found."""
        probe = self.tcp
        reached = [a for a in probe.result().addresses if a.error is None]
        if not reached or promises_http3(probe.lab.journal):
            return
        target_setup = TargetSetup(
            probe.target, probe.options.connect, probe.target_setup.user_agent
        )
        task = target_setup.with_answer(target_setup.task(AltSvc.FULL, "psk", wait=0.0))
        route = Route(reached[0].address, reached[0].port)
        try:
            await probe.lab.connect(route, target_setup.config(), task)
        except (BudgetSpent, LimitedByServer, LocalError):
            return  # what is not known is not said

    def result(self) -> TargetResult:
        """What is known now, of both."""
        tcp, quic = self.tcp.result(), self.quic.result()
        silent = _silent(quic.addresses) and any(a.error is None for a in tcp.addresses)
        theirs = () if silent else quic.addresses
        if not (quic.incomplete or quic.interrupted):
            # What aioquic cannot do is among what was skipped, and bears on no verdict of TCP's.
            theirs = tuple(address for address in theirs if not _untested(address))
        addresses = (*tcp.addresses, *theirs)
        incomplete = any(each.incomplete or each.interrupted for each in (tcp, quic))
        findings = merge([
            *tcp.findings,
            *quic.findings,
            *quic_findings(
                tcp.addresses, quic.addresses, promised=promises_http3(self.tcp.lab.journal)
            ),
        ])  # fmt: skip
        return replace(
            tcp,
            verdict=verdict_of(addresses, incomplete=incomplete),
            connections=tcp.connections + quic.connections,
            duration_ms=max(tcp.duration_ms, quic.duration_ms),
            skipped=(
                *tcp.skipped,
                *(replace(each, what=f"{each.what} (QUIC)") for each in quic.skipped),
                *_unreached(quic.addresses if silent else ()),
            ),
            addresses=addresses,
            findings=findings,
            crossings=(*tcp.crossings, *quic.crossings),
            lifetimes=(*tcp.lifetimes, *quic.lifetimes),
            incomplete=tcp.incomplete or quic.incomplete,
            interrupted=tcp.interrupted or quic.interrupted,
            ticket_keys=(*tcp.ticket_keys, *quic.ticket_keys),
        )


def _silent(addresses: Sequence[AddressResult]) -> bool:
    """Whether QUIC was found on no address."""
    return bool(addresses) and all(address.error is not None for address in addresses)


def _untested(address: AddressResult) -> bool:
    """Whether nothing could be asked of an address that did not fail."""
    return address.error is None and all(m.state == "untested" for m in address.mechanisms)


def _unreached(addresses: Sequence[AddressResult]) -> list[Skipped]:
    return [
        Skipped(address.place, address.error.message, "other", address.address)
        for address in addresses
        if address.error is not None
    ]
