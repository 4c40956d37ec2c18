"""Getting to a target for one connection: its addresses, and the first that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tlsresume import checked
from tlsresume.errors import LocalError, PeerError
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.before_tls import BeforeTLS
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.network.resolve import addresses_for
from tlsresume.network.trace import Trace
from tlsresume.options import LONGEST, ConnectOptions
from tlsresume.results.connection import Failure
from tlsresume.results.measured import ErrorResult
from tlsresume.sessions.session import Session
from tlsresume.targets.target import Target, parse_target
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.library import check_library

#: More connections than one save or resume, with its explanation, can ever need.
_PLENTY = 1_000_000


def lab_for(options: ConnectOptions, target: Target, trace: Trace | None = None) -> NetworkLab:
    """A Lab for one command on one target. Raises BindingError."""
    check_library()
    chosen = LabOptions(timeout=options.timeout, before_tls=BeforeTLS.to(target), trace=trace)
    return NetworkLab(Budget(_PLENTY), Gate(1), chosen)


def chosen_target(target: Target | str) -> Target:
    """The target that a caller names, as a value or as text. Raises UsageError."""
    if isinstance(target, str):
        return parse_target(target)
    checked.kind("target", target, Target, "a Target or a text such as host:port")
    return target


def within(deadline: float | None) -> asyncio.Timeout:
    """A time limit of so many seconds, or none. Raises UsageError for what is no time."""
    if deadline is not None:
        checked.seconds("deadline", deadline, LONGEST, zero=True)
    return asyncio.timeout(deadline)


def out_of_time(deadline: float | None) -> ErrorResult:
    """That our own deadline ended what was begun: no word on the target."""
    return ErrorResult("cancelled", "connect", f"the deadline of {deadline or 0:g} s came first")


#: That another thread stopped what was begun: no word on the target either.
STOPPED = ErrorResult("cancelled", "connect", "stopped by the caller")


async def addresses_of(target: Target, seconds: float) -> tuple[tuple[str, ...], float]:
    """The addresses to connect to, and the milliseconds DNS took. Raises ResolveError."""
    found = await addresses_for(target, seconds)
    if not found.addresses:
        raise PeerError(f"no address for {target.dial_to[0]}")
    return found.addresses, found.milliseconds


async def connect_first(
    lab: NetworkLab,
    target: Target,
    config: ClientConfig,
    task: Task,
    session: Session | None = None,
) -> Trial:
    """Connect to the first address that answers, as an ordinary client does.

    Raises ResolveError and LocalError; the last attempt is returned where no address answered.
    """
    addresses, dns_ms = await addresses_of(target, lab.timeout)
    for address in addresses:
        route = Route(address, target.dial_to[1], transport=target.transport)
        with blaming_us(lab):
            attempt = await lab.connect(route, config, task, session)
        if not unreachable(attempt.error):
            break
    return attempt.resolved_in(round(dns_ms, 3))


def unreachable(error: Failure | None) -> bool:
    """Whether an attempt failed before TLS, or the server wants no more connections now."""
    if error is None:
        return False
    return error.step in ("resolve", "connect", "proxy") or error.kind == "rate-limit"


@contextmanager
def blaming_us(lab: NetworkLab) -> Iterator[None]:
    """Give a LocalError the status of a target that was reached, where it was."""
    try:
        yield
    except LocalError as error:
        if any(not unreachable(attempt.error) for attempt in lab.journal):
            raise error.after_contact() from None
        raise
