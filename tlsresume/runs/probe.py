"""Does resumption work on one target, on every address of it?

A `Probe` holds the Lab, so that its result can be made at any moment: at the
end, when time or budget is spent, or when the user interrupts.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from msgspec import Struct

from tlsresume import checked
from tlsresume.errors import BudgetSpent, LimitedByServer, LocalError, PeerError, first_of
from tlsresume.evidence.early_data_summary import early_data
from tlsresume.evidence.states import verdict_of
from tlsresume.evidence.summary import summarise_address
from tlsresume.experiments.connections import TargetSetup, check_transport
from tlsresume.experiments.discover import Discovery, OnFull
from tlsresume.experiments.tokens import show_token
from tlsresume.experiments.tries import QUICK, SERIES, Tries
from tlsresume.findings.alternatives import promises_http3
from tlsresume.findings.ticket_keys import issued_tickets, key_uses
from tlsresume.lab import Budget, Gate, OpenConnection, Route
from tlsresume.network import loop
from tlsresume.network.before_tls import BeforeTLS
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.network.loop import Stop, Stopped
from tlsresume.network.resolve import addresses_for
from tlsresume.network.trace import Trace
from tlsresume.options import LONGEST, ProbeOptions
from tlsresume.results.early_data import EarlyData
from tlsresume.results.measured import AddressResult, ErrorResult, Skipped
from tlsresume.results.report import TargetResult
from tlsresume.runs.before_probe import Share, share_budget
from tlsresume.runs.fingerprint import fingerprint
from tlsresume.runs.follow_up import follow_ups
from tlsresume.runs.investigate import Investigation, early_room
from tlsresume.runs.reach import chosen_target, unreachable
from tlsresume.runs.retry import discover_again, resolve_again
from tlsresume.runs.waiting import longest_wait
from tlsresume.shortage import make_room
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.target import Target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.library import check_library
from tlsresume.units import iso_milliseconds
from tlsresume.value import Value
from tlsresume.version import USER_AGENT

#: A whole target may take this many times `--timeout`, and never less than a minute.
_TOTAL_FACTOR = 12
_LEAST_TOTAL = 60.0


#: Why an address is not dialled for yet another name.
ADDRESS_DOWN = "address down: it refused or timed out for other targets"


class _Stop(Struct):
    """Why a probe ended before it was through."""

    incomplete: bool = False
    interrupted: bool = False


class _Address(Struct):
    route: Route
    discovery: Discovery | None = None
    no_route: bool = False
    #: Not dialled: other targets' connections to it were refused or timed out.
    down: bool = False
    #: Attempts up to this one were repeated, and count no more.
    outdated: int = 0


class AnyProbe(Protocol):
    """A probe of a target, by one transport or by two."""

    @property
    def connections(self) -> int: ...

    @property
    def doing(self) -> list[OpenConnection]: ...

    @property
    def waiting(self) -> str: ...

    def interrupt(self) -> None: ...

    async def run(self) -> None: ...

    def result(self) -> TargetResult: ...


@dataclass(slots=True)
class Probe:
    """One target being probed. `run` does the work; `result` says what is known."""

    target: Target
    options: ProbeOptions
    gate: Gate
    trace: Trace | None = None
    progress: Callable[[str], None] = lambda _line: None
    #: When the run must end, on the loop's clock, and how long it was allowed to take.
    deadline: tuple[float, float] | None = None
    #: Seconds that one connection may have to wait for its turn.
    turn: float = 0.0
    #: Whether HTTP/3 on the same port is probed beside it.
    beside_quic: bool = False
    lab: NetworkLab = field(init=False)
    skipped: list[Skipped] = field(init=False, default_factory=list)
    error: ErrorResult | None = field(init=False, default=None)
    stop: _Stop = field(init=False, default_factory=_Stop)
    investigation: Investigation = field(init=False)
    _addresses: list[_Address] = field(init=False, default_factory=list)
    _started: float = field(init=False, default=0.0)
    _dns_ms: float | None = field(init=False, default=None)
    _duration: float = field(init=False, default=0.0)
    _began: str | None = field(init=False, default=None)
    _ended: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        connect = self.options.connect
        check_transport(self.target, connect)
        self.lab = NetworkLab(
            Budget(self.options.budget),
            self.gate,
            LabOptions(
                timeout=connect.timeout,
                before_tls=BeforeTLS.to(self.target),
                node_header=self.options.node_header,
                trace=self.trace,
            ),
        )

        self.investigation = Investigation(
            # Not a method of ours: that would be a cycle, and keep all attempts for a while.
            self.lab,
            self.target_setup,
            self.options,
            self.skipped.append,
            self.progress,
        )

    @property
    def target_setup(self) -> TargetSetup:
        """How every connection to the target is made."""
        return TargetSetup(self.target, self.options.connect, USER_AGENT, show_tokens=False)

    @property
    def connections(self) -> int:
        """How many were made and have ended."""
        return len(self.lab.journal)

    @property
    def doing(self) -> list[OpenConnection]:
        """The connections that are open now, and what they are for."""
        return self.lab.doing

    @property
    def waiting(self) -> str:
        """What is waited for, and until when at most; nothing where nothing takes long."""
        return longest_wait(self.lab)

    def interrupt(self) -> None:
        """Note that the user ended it."""
        self.stop.interrupted = True

    async def run(self) -> None:
        """Probe the target. What goes wrong with it is in the result, not raised."""
        self._started, self._began = self.lab.now(), iso_milliseconds(self.lab.wall_time())
        if self.deadline is not None and self.deadline[0] <= self._started:
            self._leave_out(Skipped("the rest", no_time(self.deadline), "time"))
            return
        total = max(_LEAST_TOTAL, _TOTAL_FACTOR * self.options.connect.timeout)
        # With a rate, each connection waits for its turn among those of the other targets.
        total += self.options.budget * self.turn
        total += max((*self.options.ages, 0.0)) + max((*self.options.replay_ages, 0.0))
        total += 6 * (self.options.find_lifetime or 0.0)
        reason = f"{total:g} s were spent"
        if self.deadline is not None and self.deadline[0] - self._started < total:
            total = self.deadline[0] - self._started
            reason = no_time(self.deadline)
        try:
            async with asyncio.timeout(total), self.lab.parting_early():
                await self._run()
        except TimeoutError:
            self._leave_out(Skipped("the rest", reason, "time"))
        except asyncio.CancelledError:
            self.stop.interrupted = True
            raise
        except PeerError as error:
            self.error = ErrorResult("resolve", "resolve", error.message, error.hints, error.stack)
        except LocalError as error:
            self._stop_for(error)
        except BaseExceptionGroup as group:
            first = first_of(group)
            if not isinstance(first, LocalError):
                raise
            self._stop_for(first)
        finally:
            self._duration = (self.lab.now() - self._started) * 1000
            self._ended = iso_milliseconds(self.lab.wall_time())

    async def _run(self) -> None:
        _, port = self.target.dial_to
        found = await resolve_again(
            lambda: addresses_for(self.target, self.options.connect.timeout),
            self.lab,
            self.options.retries,
        )
        self._dns_ms = found.milliseconds
        addresses = list(found.addresses)
        for extra in addresses[self.options.max_addresses :]:
            why = f"more than {self.options.max_addresses} addresses (--max-addresses)"
            self._note(Skipped(extra, why, "addresses", extra))
        addresses = addresses[: self.options.max_addresses]
        share = share_budget(self.options.budget, len(addresses), self.options.tries)
        for extra in addresses[share.addresses :]:
            why = f"the budget of {self.options.budget} connections"
            self._leave_out(Skipped(extra, why, "budget", extra))
        if share.tries < self.options.tries:
            self.skipped.append(
                Skipped(
                    f"{self.options.tries - share.tries} of {self.options.tries} tries",
                    f"the budget of {self.options.budget} connections",
                    "budget",
                )
            )
        transport = self.target.transport
        self._addresses = [
            _Address(Route(a, port, transport=transport)) for a in addresses[: share.addresses]
        ]
        async with asyncio.TaskGroup() as tasks:
            for address in self._addresses:
                tasks.create_task(self._probe_address(address, share))
        await self.investigation.run(self._summaries())

    async def _probe_address(self, address: _Address, share: Share) -> None:
        route = address.route
        if self.target.proxy is None and self.gate.down(route.address, route.port):
            address.down = True
            self._note(Skipped(route.address, ADDRESS_DOWN))
            if all(each.down for each in self._addresses):
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
                    beside.create_task(self.investigation.wait_longer(address.route))

            await self._first_round(address, share.tries, on_quiet)

    async def _first_round(
        self, address: _Address, tries: int, on_quiet: Callable[[], None]
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
                self._leave_out(Skipped(f"the rest on {here}", limited.message, "limited", here))
            else:
                self._note(Skipped(f"further tries on {here}", limited.message, "limited", here))
        except BudgetSpent as spent:
            what = "the rest" if address.discovery is None else "tries"
            self._leave_out(Skipped(f"{what} on {here}", spent.message, "budget", here))

    async def _discover(
        self, address: _Address, on_quiet: Callable[[], None], on_full: OnFull | None = None
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
        self, address: _Address, count: int, on_quiet: Callable[[], None]
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
        address: _Address,
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

    def _stop_for(self, error: LocalError) -> None:
        """This machine cannot go on: the target's error if it was never reached, else a part
        that was left out."""
        if any(not unreachable(attempt.error) for attempt in self.lab.journal):
            self._leave_out(Skipped("the rest", error.message, "local"))
        else:
            self.error = ErrorResult("local", "connect", error.message, error.hints)

    def _note(self, skipped: Skipped) -> None:
        """Something beyond the first round was left out: named, without bearing on the verdict."""
        self.skipped.append(skipped)

    def _leave_out(self, skipped: Skipped) -> None:
        self.skipped.append(skipped)
        self.stop.incomplete = True

    def _name_doubts(self, address: _Address) -> None:
        """A version that broke without a word on versions is not known to be unspoken."""
        if address.discovery is None:
            return
        here = address.route.address
        for name, attempt in address.discovery.full.items():
            # What our library cannot do is no fault of the server's.
            if attempt.error is not None and attempt.error.kind == "unsupported":
                self._note(Skipped(f"{name} on {here}", attempt.error.message, "other", here))
        for what, attempt in address.discovery.in_doubt.items():
            if attempt.error is not None:
                label = what.label if isinstance(what, ProtocolVersion) else None
                self._leave_out(
                    Skipped(
                        f"{label or what} on {here}", attempt.error.message, "in-doubt", here, label
                    )
                )
        presumed = address.discovery.presumed
        if presumed is not None and presumed.error is not None:
            label = ProtocolVersion.TLSv1_2.label
            why = f"{presumed.error.message}: it does not speak TLS 1.2, or breaks at it"
            self._note(Skipped(f"{label} on {here}", why, "in-doubt", here, label))

    # ----------------------------------------------------------------- result

    def _summaries(self) -> list[AddressResult]:
        """What is known of each address that this machine can reach."""
        journal = self.lab.journal
        found = []
        for address in self._addresses:
            route = address.route
            own = journal.at(route.address)
            if own and not self._without_route(address):
                counting = own.since(address.outdated)
                summary = summarise_address(route.address, route.port, counting, own)
                rows = tuple(
                    replace(row, tries_asked=self.options.tries) for row in summary.mechanisms
                )
                summary = replace(summary, mechanisms=rows)
                for each in follow_ups():
                    summary = replace(summary, **each.summary(own))
                found.append(replace(summary, early_data=self._early_data(summary)))
        return found

    def _hints(self) -> tuple[str, ...]:
        """What else could be probed there."""
        if self.target.scheme != "https" or self.beside_quic:
            return ()
        port = promises_http3(self.lab.journal)
        if port is None:
            return ()
        if port == self.target.port:
            return ("the server offers HTTP/3 (Alt-Svc): --quic probes it, too",)
        return (f"the server offers HTTP/3 on port {port} (Alt-Svc): h3://HOST:{port} probes it",)

    def _early_data(self, address: AddressResult) -> EarlyData | None:
        """What was asked of early data; where tickets allow none, that is the answer. None where
        TLS 1.3 was not tested."""
        if self.options.early_request is None or address.transport == "dtls":
            return None
        asked = ProtocolVersion.TLSv1_3 in self.options.connect.tls
        untested = any(m.mechanism == "psk" and m.state == "untested" for m in address.mechanisms)
        told = asked and address.error is None and not untested
        found = early_data(self.lab.journal, address.address)
        return EarlyData(max=early_room(address)) if found is None and told else found

    def _without_route(self, address: _Address) -> bool:
        """Whether an address is left out since this machine has no route to it."""
        return address.no_route and not all(other.no_route for other in self._addresses)

    def result(self) -> TargetResult:
        """What is known now."""
        addresses = self._summaries()
        no_route = [
            Skipped(
                address.route.address,
                "no route from this machine",
                "no-route",
                address.route.address,
            )
            for address in self._addresses
            if self._without_route(address)
        ]
        incomplete = self.stop.incomplete or self.stop.interrupted
        return TargetResult(
            target=self.target.name,
            verdict=verdict_of(addresses, incomplete=incomplete),
            error=self.error or _error_of_all(addresses),
            connections=len(self.lab.journal),
            duration_ms=round(self._duration, 1),
            starttls=self.target.starttls,
            notes=(*self.target.notes, *self._hints()),
            skipped=(*self.skipped, *no_route),
            addresses=tuple(addresses),
            findings=self.investigation.findings(addresses),
            crossings=self.investigation.crossings(),
            lifetimes=self.investigation.lifetimes(),
            ticket_keys=tuple(
                replace(use, transport=self.target.transport)
                for use in key_uses(
                    issued_tickets(self.lab.journal),
                    self.options.ticket_keys,
                    self.lab.journal.naming,
                )
            ),
            incomplete=self.stop.incomplete,
            interrupted=self.stop.interrupted,
            started=self._began,
            finished=self._ended,
            quick=self.options.quick,
            fingerprint=fingerprint(self.target, self.options),
            options=dict(self.options.own_options) or None,
        )


def no_time(deadline: tuple[float, float] | None) -> str:
    """Why something was left out: no time was left."""
    return f"the deadline of {deadline[1]:g} s" if deadline is not None else "no time was left"


def _no_route(discovery: Discovery) -> bool:
    return any(
        attempt.error is not None and attempt.error.kind == "no-route"
        for attempt in discovery.full.values()
    )


def _error_of_all(addresses: Sequence[AddressResult]) -> ErrorResult | None:
    """The target's error: that of its addresses, when none could be talked to."""
    if addresses and all(address.error is not None for address in addresses):
        return addresses[0].error
    return None


class Shared(Value, frozen=True):
    """What probes side by side share: connections at a time to one address, and when all must
    end, on the loop's clock, with the seconds that were allowed."""

    gate: Gate
    deadline: tuple[float, float] | None

    @staticmethod
    def of(options: ProbeOptions, deadline: float | None) -> Shared:
        """From now on. Raises UsageError for what is no deadline."""
        if deadline is not None:
            checked.seconds("deadline", deadline, LONGEST, zero=True)
        # The loop's clock is this one.
        end = None if deadline is None else (time.monotonic() + deadline, deadline)
        return Shared(Gate(options.concurrency), end)


def probe(
    target: Target | str,
    options: ProbeOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Callable[[str], None] | None = None,
    stop: Stop | None = None,
) -> TargetResult:
    """Whether sessions are resumed on a target, on each of its addresses.

    `target` is a Target or text for `parse_target`. After `deadline` seconds, or when another
    thread calls `stop()`, all connections end at once, and what is known by then is the result
    (its `incomplete` or `interrupted` is True). `progress` is called with a line when a long
    wait begins or ends.

    The result is a value that can be serialised; what is wrong with the target is in it. Raises
    UsageError or FileError when the options cannot be carried out, LocalError when not even an
    event loop can be had, and KeyboardInterrupt.
    """
    running = _prepared(target, options, deadline, progress)
    try:
        loop.run(running.run(), stop)
    except Stopped:
        running.interrupt()
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    return running.result()


async def aprobe(
    target: Target | str,
    options: ProbeOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Callable[[str], None] | None = None,
    shared: Shared | None = None,
) -> TargetResult:
    """`probe` for a running event loop. A task that is cancelled ends its connections at once.
    Probes side by side have a `shared` limit and deadline."""
    running = _prepared(target, options, deadline, progress, shared)
    try:
        await running.run()
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    return running.result()


def _prepared(
    target: Target | str,
    options: ProbeOptions | None,
    deadline: float | None,
    progress: Callable[[str], None] | None,
    shared: Shared | None = None,
) -> AnyProbe:
    """A probe that can be run. Raises UsageError."""
    # It puts probes together, so it cannot be imported before them.
    from tlsresume.runs.probing import probe_of

    chosen = chosen_target(target)
    settings = ProbeOptions() if options is None else options
    checked.kind("options", settings, ProbeOptions, "a ProbeOptions")
    check_library()
    make_room(settings.most_open)
    common = Shared.of(settings, deadline) if shared is None else shared
    note = progress or (lambda _line: None)
    return probe_of(chosen, settings, common.gate, progress=note, deadline=common.deadline)
