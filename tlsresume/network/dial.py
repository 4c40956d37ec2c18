"""One TCP connection, and what an operating system's error means for it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct

from tlsresume.lab import Route
from tlsresume.results import Failure, FailureKind, Step
from tlsresume.target import format_endpoint

_NO_ROUTE = frozenset(
    {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
)

_KINDS: dict[int, FailureKind] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
    **dict.fromkeys(_NO_ROUTE, "no-route"),
}

_HINTS: dict[FailureKind, tuple[str, ...]] = {
    "refused": ("nothing listens there, or a firewall rejects it: check the port",),
    "no-route": ("this machine has no route to such an address: try -4 or -6",),
    "timeout": ("a firewall may drop packets; raise --timeout for a slow path",),
}


def failure_from(error: OSError, step: Step, where: str) -> Failure:
    """An operating system error as a value; `where` is the endpoint for the message."""
    kind = _KINDS.get(error.errno or 0, "network")
    words = {
        "refused": f"connection to {where} refused",
        "reset": f"connection to {where} reset by the peer",
        "no-route": f"no route from this machine to {where}",
        "timeout": f"connection to {where} timed out",
    }
    reason = (error.strerror or str(error)).lower()
    return Failure(step, kind, words.get(kind, f"{where}: {reason}"), _HINTS.get(kind, ()))


async def dial(route: Route, seconds: float) -> tuple[socket.socket, float] | Failure:
    """A connected, non-blocking socket and the milliseconds it took, or the failure."""
    loop = asyncio.get_running_loop()
    where = format_endpoint(route.address, route.port)
    started = loop.time()
    address, _, zone = route.address.partition("%")
    ipv6 = ":" in address
    sock = None
    try:
        sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if route.local_port is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("::" if ipv6 else "", route.local_port))
        scope = (
            (0, socket.if_nametoindex(zone)) if zone and not zone.isdigit() else (0, int(zone or 0))
        )
        async with asyncio.timeout(seconds):
            await loop.sock_connect(
                sock, (address, route.port, *scope) if ipv6 else (address, route.port)
            )
    except TimeoutError:
        if sock is not None:
            sock.close()
        return Failure(
            "connect",
            "timeout",
            f"no answer from {where} to the TCP connection within {seconds:g} s",
            _HINTS["timeout"],
        )
    except OSError as error:
        if sock is not None:
            sock.close()
        return failure_from(error, "connect", where)
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    return sock, (loop.time() - started) * 1000


def cut(sock: socket.socket) -> None:
    """Close at once with RST: what a crashing client does."""
    with contextlib.suppress(OSError):  # broken already: closing it is all that is left
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
