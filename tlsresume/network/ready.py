"""Waiting until a socket has connected or takes bytes, or a moment has come; whichever is first.

It is rarely waited for, so the socket is registered for each wait; reading is in channel.py.
"""

from __future__ import annotations

import asyncio
import socket


def _wake(waiter: asyncio.Future[bool], ready: bool) -> None:
    if not waiter.done():
        waiter.set_result(ready)


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
