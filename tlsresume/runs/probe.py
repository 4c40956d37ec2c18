"""Does resumption work on one target, on every address of it?

A `Probe` holds the Lab, so that its result can be made at any moment: at the
end, when time or budget is spent, or when the user interrupts. Its first round is in
`first_round.py`, what comes after it in `investigate.py`, and the result in `probe_result.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tlsresume import checked
from tlsresume.errors import LocalError, PeerError, first_of
from tlsresume.experiments.connections import TargetSetup, check_transport
from tlsresume.lab import Budget, Gate, OpenConnection, Route
from tlsresume.network import loop
from tlsresume.network.before_tls import BeforeTLS
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.network.loop import Stop, Stopped
from tlsresume.network.resolve import addresses_for
from tlsresume.network.trace import Trace
from tlsresume.options import LONGEST, ProbeOptions
from tlsresume.results.measured import AddressResult, ErrorResult, Skipped
from tlsresume.results.report import TargetResult
from tlsresume.runs.before_probe import Share, share_budget
from tlsresume.runs.first_round import FirstRound, LeftOut, ProbedAddress
from tlsresume.runs.reach import chosen_target, unreachable
from tlsresume.runs.retry import resolve_again
from tlsresume.runs.waiting import longest_wait
from tlsresume.shortage import make_room
from tlsresume.targets.target import Target
from tlsresume.transports.library import check_library
from tlsresume.units import iso_milliseconds
from tlsresume.value import Value
from tlsresume.version import USER_AGENT

if TYPE_CHECKING:
    from tlsresume.runs.investigate import Investigation

#: A whole target may take this many times `--timeout`, and never less than a minute.
_TOTAL_FACTOR = 12
_LEAST_TOTAL = 60.0


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


class Probe:
    """One target being probed. `run` does the work; `result` says what is known.

    `deadline` is when the run must end, on the loop's clock, and how long it was allowed to take;
    `turn`, the seconds that one connection may have to wait for its turn; `beside_quic`, whether
    HTTP/3 on the same port is probed beside it.
    """

    def __init__(
        self,
        target: Target,
        options: ProbeOptions,
        gate: Gate,
        trace: Trace | None = None,
        progress: Callable[[str], None] = lambda _line: None,
        *,
        deadline: tuple[float, float] | None = None,
        turn: float = 0.0,
        beside_quic: bool = False,
    ) -> None:
        self.target = target
        self.options = options
        self.beside_quic = beside_quic
        self.error: ErrorResult | None = None
        self.left_out = LeftOut()
        self.interrupted = False
        self.addresses: Sequence[ProbedAddress] = ()
        #: What was known of them, and by what evidence.
        self.summarised: tuple[object, list[AddressResult]] | None = None
        self.duration_ms = 0.0
        #: When it began and ended (ISO 8601).
        self.started: str | None = None
        self.finished: str | None = None
        self._gate = gate
        self._progress = progress
        self._deadline = deadline
        self._turn = turn
        check_transport(target, options.connect)
        self.lab = NetworkLab(
            Budget(options.budget),
            gate,
            LabOptions(
                timeout=options.connect.timeout,
                before_tls=BeforeTLS.to(target),
                node_header=options.node_header,
                trace=trace,
            ),
        )

    @cached_property
    def investigation(self) -> Investigation:
        """The second round, and what judges."""
        # Imported with the first look at what was found, while connections are on their way.
        from tlsresume.runs.investigate import Investigation

        return Investigation(
            # Not a method of ours: that would be a cycle, and keep all attempts for a while.
            self.lab,
            self.target_setup,
            self.options,
            self.left_out.note,
            self._progress,
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
        self.interrupted = True

    async def run(self) -> None:
        """Probe the target. What goes wrong with it is in the result, not raised."""
        began, self.started = self.lab.now(), iso_milliseconds(self.lab.wall_time())
        if self._deadline is not None and self._deadline[0] <= began:
            self.left_out.miss(Skipped("the rest", no_time(self._deadline), "time"))
            return
        total = max(_LEAST_TOTAL, _TOTAL_FACTOR * self.options.connect.timeout)
        # With a rate, each connection waits for its turn among those of the other targets.
        total += self.options.budget * self._turn
        total += max((*self.options.ages, 0.0)) + max((*self.options.replay_ages, 0.0))
        total += 6 * (self.options.find_lifetime or 0.0)
        reason = f"{total:g} s were spent"
        if self._deadline is not None and self._deadline[0] - began < total:
            total = self._deadline[0] - began
            reason = no_time(self._deadline)
        try:
            async with asyncio.timeout(total), self.lab.parting_early():
                await self._run()
        except TimeoutError:
            self.left_out.miss(Skipped("the rest", reason, "time"))
        except asyncio.CancelledError:
            self.interrupted = True
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
            self.duration_ms = (self.lab.now() - began) * 1000
            self.finished = iso_milliseconds(self.lab.wall_time())

    async def _run(self) -> None:
        _, port = self.target.dial_to
        found = await resolve_again(
            lambda: addresses_for(self.target, self.options.connect.timeout),
            self.lab,
            self.options.retries,
        )
        addresses = list(found.addresses)
        for extra in addresses[self.options.max_addresses :]:
            why = f"more than {self.options.max_addresses} addresses (--max-addresses)"
            self.left_out.note(Skipped(extra, why, "addresses", extra))
        addresses = addresses[: self.options.max_addresses]
        share = share_budget(self.options.budget, len(addresses), self.options.tries)
        for extra in addresses[share.addresses :]:
            why = f"the budget of {self.options.budget} connections"
            self.left_out.miss(Skipped(extra, why, "budget", extra))
        if share.tries < self.options.tries:
            self.left_out.note(
                Skipped(
                    f"{self.options.tries - share.tries} of {self.options.tries} tries",
                    f"the budget of {self.options.budget} connections",
                    "budget",
                )
            )
        transport = self.target.transport
        self.addresses = [
            ProbedAddress(Route(a, port, transport=transport)) for a in addresses[: share.addresses]
        ]
        await self._first_round(share)
        if self.investigation.due:
            from tlsresume.runs.probe_result import summaries

            await self.investigation.run(summaries(self))

    async def _first_round(self, share: Share) -> None:
        first = FirstRound(
            self.lab,
            self._gate,
            self.target_setup,
            self.options,
            self.left_out,
            self._wait_longer,
        )
        try:
            await first.run(self.addresses, share)
        finally:
            self.error = first.error

    async def _wait_longer(self, route: Route) -> None:
        await self.investigation.wait_longer(route)

    def _stop_for(self, error: LocalError) -> None:
        """This machine cannot go on: the target's error if it was never reached, else a part
        that was left out."""
        if any(not unreachable(attempt.error) for attempt in self.lab.journal):
            self.left_out.miss(Skipped("the rest", error.message, "local"))
        else:
            self.error = ErrorResult("local", "connect", error.message, error.hints)

    def result(self) -> TargetResult:
        """What is known now."""
        from tlsresume.runs.probe_result import result_of

        return result_of(self)


def no_time(deadline: tuple[float, float] | None) -> str:
    """Why something was left out: no time was left."""
    return f"the deadline of {deadline[1]:g} s" if deadline is not None else "no time was left"


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
