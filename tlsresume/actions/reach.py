"""Getting to a target for one connection: its addresses, and the first that answers."""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import PeerError
from tlsresume.lab import Budget, Errand, Gate, Route
from tlsresume.network.approach import Approach
from tlsresume.network.lab import Manners, NetworkLab
from tlsresume.network.resolve import addresses_for
from tlsresume.network.trace import Trace
from tlsresume.openssl import binding
from tlsresume.openssl.plan import Plan
from tlsresume.options import ConnectOptions
from tlsresume.results import Attempt, Failure
from tlsresume.session.session import Session
from tlsresume.target import Target

#: More connections than one save or resume, with its explanation, can ever need.
_PLENTY = 1_000_000


def lab_for(options: ConnectOptions, target: Target, trace: Trace | None = None) -> NetworkLab:
    """A Lab for one command on one target. Raises BindingError."""
    binding.check_bindings()
    manners = Manners(
        timeout=options.timeout,
        approach=Approach.to(target),
        trace=trace,
    )
    return NetworkLab(Budget(_PLENTY), Gate(1), manners)


async def addresses_of(target: Target, seconds: float) -> tuple[tuple[str, ...], float]:
    """The addresses to connect to, and the milliseconds DNS took. Raises ResolveError."""
    found = await addresses_for(target, seconds)
    if not found.addresses:
        raise PeerError(f"no address for {target.dial_to[0]}")
    return found.addresses, found.milliseconds


async def connect_first(
    lab: NetworkLab, target: Target, plan: Plan, errand: Errand, session: Session | None = None
) -> Attempt:
    """Connect to the first address that answers, as an ordinary client does.

    Raises ResolveError; the last attempt is returned where no address answered.
    """
    addresses, dns_ms = await addresses_of(target, lab.timeout)
    for address in addresses:
        route = Route(address, target.dial_to[1])
        attempt = await lab.connect(route, plan, errand, session)
        if not unreachable(attempt.error):
            break
    return replace(attempt, timings=replace(attempt.timings, dns=round(dns_ms, 3)))


def unreachable(error: Failure | None) -> bool:
    """Whether an attempt failed before TLS, or the server wants no more connections now."""
    if error is None:
        return False
    return error.step in ("resolve", "connect", "proxy") or error.kind == "rate-limit"
