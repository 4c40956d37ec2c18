"""Waiting until a socket is ready, or a moment has come; whichever is first.

`asyncio.timeout` around `sock_recv` is not enough: a receive that finds data
never gives way to the loop, so against a peer that floods us no timeout fires.
"""

from __future__ import annotations

import asyncio
import socket


def _wake(waiter: asyncio.Future[bool], ready: bool) -> None:
    if not waiter.done():
        waiter.set_result(ready)


async def readable(sock: socket.socket, deadline: float) -> bool:
    """Whether something can be read before the deadline (in the loop's time)."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[bool] = loop.create_future()
    timer = loop.call_at(deadline, _wake, waiter, False)
    number = sock.fileno()  # the loop looks up a number faster than a socket
    loop.add_reader(number, _wake, waiter, True)
    try:
        return await waiter
    finally:
        timer.cancel()
        loop.remove_reader(number)


async def writable(sock: socket.socket, deadline: float) -> bool:
    """Whether the socket takes bytes, or has connected or failed to, before the deadline."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[bool] = loop.create_future()
    timer = loop.call_at(deadline, _wake, waiter, False)
    number = sock.fileno()
    loop.add_writer(number, _wake, waiter, True)
    try:
        return await waiter
    finally:
        timer.cancel()
        loop.remove_writer(number)
