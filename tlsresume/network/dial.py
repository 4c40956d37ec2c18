"""A connected socket, TCP or UDP, and what an operating system's error means for it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import socket
import struct

from tlsresume import shortage
from tlsresume.lab import Route
from tlsresume.network.ready import writable
from tlsresume.results.connection import Failure, FailureKind, Step
from tlsresume.targets.endpoints import UNIX, format_endpoint
from tlsresume.value import Value

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})

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


def failure_from(error: OSError | MemoryError, step: Step, where: str) -> Failure:
    """An operating system error as a value; `where` is the endpoint for the message."""
    if shortage.is_shortage(error):
        return Failure.at(where, step, "local", shortage.words(error), shortage.hints(error))
    number = error.errno if isinstance(error, OSError) else None
    kind = _KINDS.get(number or 0, "network")
    words = {
        "refused": f"connection to {where} refused",
        "reset": f"connection to {where} reset by the peer",
        "no-route": f"no route from this machine to {where}",
        "timeout": f"connection to {where} timed out",
    }
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    hints = _HINTS.get(kind, ())
    if kind not in words:
        return Failure.at(where, step, kind, reason, hints)
    return Failure(step, kind, words[kind], hints)


class Reached(Value, frozen=True):
    """A connection to a target: its socket, the milliseconds it took (None: over UDP nothing
    is sent for it), and what came with the proxy's last answer."""

    sock: socket.socket
    milliseconds: float | None
    unread: bytes = b""


async def dial(route: Route, seconds: float) -> tuple[socket.socket, float] | Failure:
    """A connected, non-blocking socket and the milliseconds it took, or the failure."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    sock = None
    try:
        sock = socket.socket(_family(route.address), socket.SOCK_STREAM)
        connected = await _connect(sock, route, started + seconds)
    except (OSError, OverflowError, MemoryError) as error:
        if sock is not None:
            sock.close()
        return _refusal(error, route, format_endpoint(route.address, route.port))
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    if not connected:
        sock.close()
        return Failure(
            "connect",
            "timeout",
            f"no answer from {format_endpoint(route.address, route.port)}"
            f" to the TCP connection within {seconds:g} s",
            _HINTS["timeout"],
        )
    return sock, (loop.time() - started) * 1000


def _family(address: str) -> int:
    if address.startswith(UNIX):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def _connect(sock: socket.socket, route: Route, deadline: float) -> bool:
    """Whether the connection stood before the deadline. Raises OSError."""
    sock.setblocking(False)
    if sock.family == socket.AF_UNIX:
        # It connects at once or not at all; EAGAIN says that its queue is full.
        sock.connect(route.address.removeprefix(UNIX))
        return True
    address, _, zone = route.address.partition("%")
    ipv6 = ":" in address
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if route.local_port is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::" if ipv6 else "", route.local_port))
    try:
        sock.connect(
            (address, route.port, 0, scope_of(zone)) if ipv6 else (address, route.port),
        )
    except BlockingIOError as error:
        if error.errno == errno.EAGAIN:
            # Older Linux says so of ports (connect(2)); EINPROGRESS is what we wait for.
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL)) from None
        if not _stands(sock) and not await writable(sock, deadline):
            return False
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number)) from None
    return True


def _stands(sock: socket.socket) -> bool:
    """Whether the connection stands already, as one to this machine does at once."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def open_datagram_socket(route: Route) -> socket.socket | Failure:
    """A connected, non-blocking UDP socket; connecting sends nothing."""
    where = f"{route.address} port {route.port} (UDP)"
    address, _, zone = route.address.partition("%")
    ipv6 = ":" in address
    sock = None
    try:
        sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        if route.local_port is not None:
            sock.bind(("::" if ipv6 else "", route.local_port))
        sock.connect((address, route.port, 0, scope_of(zone)) if ipv6 else (address, route.port))
    except (OSError, OverflowError) as error:
        if sock is not None:
            sock.close()
        if isinstance(error, OverflowError):
            return Failure("connect", "network", f"{where}: {error}")
        return failure_from(error, "connect", where)
    return sock


def scope_of(zone: str) -> int:
    """The number of a zone (RFC 4007 section 11), which is its number or an interface's name."""
    if re.fullmatch(r"[0-9]*", zone):
        return int(zone or 0)
    return socket.if_nametoindex(zone)


def _refusal(error: OSError | OverflowError | MemoryError, route: Route, where: str) -> Failure:
    if isinstance(error, OverflowError):
        return Failure.at(where, "connect", "network", str(error))
    if isinstance(error, OSError) and error.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE):
        if route.local_port is not None:
            # The pinned port's last connection lingers; that says nothing about the route.
            text = f"local port {route.local_port} is still in use"
            return Failure.at(where, "connect", "local", text)
        if not _has_source_address(route):
            unreachable = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
            return failure_from(unreachable, "connect", where)
    return failure_from(error, "connect", where)


def _has_source_address(route: Route) -> bool:
    """Whether this machine has an address to come from. If so, it is ports that are missing.

    Connecting a datagram socket sends nothing, and takes none of TCP's ports.
    """
    address, _, zone = route.address.partition("%")
    ipv6 = ":" in address
    try:
        with socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
            sock.connect(
                (address, route.port, 0, scope_of(zone)) if ipv6 else (address, route.port)
            )
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, *_NO_ROUTE)
    return True


def cut(sock: socket.socket) -> None:
    """Close at once with RST: what a crashing client does."""
    with contextlib.suppress(OSError):  # broken already: closing it is all that is left
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
