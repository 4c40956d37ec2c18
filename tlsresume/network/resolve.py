"""Names to addresses, on daemon threads of our own.

getaddrinfo blocks and cannot be cancelled, so it runs on a thread that nobody
joins: a resolver that hangs can then delay neither Ctrl-C nor the exit.
"""

from __future__ import annotations

import asyncio
import socket
import threading

from tlsresume import shortage
from tlsresume.errors import LocalError, ResolveError, TLSResumeError
from tlsresume.targets.endpoints import is_address
from tlsresume.targets.target import Family, Target
from tlsresume.value import Value

_FAMILIES: dict[Family, socket.AddressFamily] = {
    "any": socket.AF_UNSPEC,
    "ipv4": socket.AF_INET,
    "ipv6": socket.AF_INET6,
}


_KINDS: dict[int, str] = {socket.AF_INET: "IPv4 ", socket.AF_INET6: "IPv6 "}


class Resolution(Value, frozen=True):
    """The addresses of a name, in the resolver's order, and how long it took."""

    addresses: tuple[str, ...]
    milliseconds: float


async def resolve(host: str, family: Family, seconds: float) -> Resolution:
    """Every A and AAAA address of a host, each once. Raises ResolveError and LocalError.

    An address is its own, and costs neither a thread nor a look-up.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    if is_address(host):
        if not _of_family(host, family):
            other = ValueError("it is an address of the other family")
            raise ResolveError(
                _words(host, _FAMILIES[family], other), hints=_hints(host, _FAMILIES[family])
            )
        return Resolution((_canonical(host),), 0.0)
    future: asyncio.Future[list[str]] = loop.create_future()
    thread = threading.Thread(
        target=_look_up, args=(host, _FAMILIES[family], loop, future), daemon=True
    )
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        raise LocalError(
            f"cannot look up {host}: this machine starts no more threads",
            hints=("see `ulimit -u`, and the limits of the service or container",),
        ) from None
    try:
        async with asyncio.timeout(seconds):
            found = await future
    except TimeoutError:
        raise ResolveError(
            f"no answer from the resolver for {host} within {seconds:g} s",
            hints=("raise --timeout, or name an address with --connect",),
        ) from None
    return Resolution(tuple(dict.fromkeys(found)), (loop.time() - started) * 1000)


async def addresses_for(target: Target, seconds: float) -> Resolution:
    """The addresses to connect to for a target: pinned, left to its proxy, or looked up.

    Raises ResolveError.
    """
    host, _ = target.dial_to
    if target.unix or (target.proxy is not None and target.proxy.resolves):
        return Resolution((host,), 0.0)
    if target.addresses and target.connect is None:
        chosen = [a for a in target.addresses if _of_family(a, target.family)]
        if not chosen:
            raise ResolveError(_words(host, _FAMILIES[target.family], OSError(0, "--resolve")))
        return Resolution(tuple(dict.fromkeys(chosen)), 0.0)
    return await resolve(host, target.family, seconds)


def _canonical(address: str) -> str:
    """An IP address as the system spells it: `::1` for `0:0::1`; a zone stays as it is."""
    plain, percent, zone = address.partition("%")
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, plain)) + percent + zone


def _of_family(address: str, family: Family) -> bool:
    return family == "any" or (":" in address) == (family == "ipv6")


def _look_up(
    host: str, family: int, loop: asyncio.AbstractEventLoop, future: asyncio.Future[list[str]]
) -> None:
    result: list[str] | ResolveError | LocalError
    try:
        infos = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
        result = [_with_zone(info[4]) for info in infos]
    except (OSError, ValueError, MemoryError) as error:
        # The resolver's own words do not say that it could not open its files.
        short = error if shortage.is_shortage(error) else shortage.shortage_now()
        if short is not None:
            result = shortage.local_error(short, f"look up {host}")
        else:
            result = ResolveError(_words(host, family, error), hints=_hints(host, family))
    try:
        loop.call_soon_threadsafe(_deliver, future, result)
    except RuntimeError:
        # The loop is closed: nobody waits for this answer any more.
        return


def _deliver(
    future: asyncio.Future[list[str]], result: list[str] | ResolveError | LocalError
) -> None:
    if future.done():
        return
    if isinstance(result, TLSResumeError):
        future.set_exception(result)
    else:
        future.set_result(result)


def _with_zone(address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """The address, with the number of its zone if it has one (RFC 4007 section 11)."""
    host = str(address[0])
    return f"{host}%{address[3]}" if len(address) == 4 and address[3] and "%" not in host else host


def _words(host: str, family: int, error: Exception) -> str:
    kind = _KINDS.get(family, "")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"no {kind}address for {host}: {str(reason).lower()}"


def _hints(host: str, family: int) -> tuple[str, ...]:
    if is_address(host):
        return ("leave out -4 and -6 for an address of the other family",)
    if family != socket.AF_UNSPEC:
        return ("leave out -4 and -6 to use every address",)
    return ("check the name, or name an address with --connect ADDR",)
