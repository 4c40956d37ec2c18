"""The library's calls: in threads, in event loops, with deadlines, and ended from outside."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import tlsresume
from tests.peers import RawPeer
from tlsresume.network.loop import Stop
from tlsresume.options import ConnectOptions, ProbeOptions, ResumeOptions, SaveOptions
from tlsresume.session.file import format_session_file, parse_session_file
from tlsresume.target import parse_target

HERE = "127.0.0.1"
PATIENT = ConnectOptions(timeout=60, ticket_wait=0.3)
OPTIONS = ProbeOptions(connect=ConnectOptions(timeout=5, ticket_wait=0.3), tries=2, explain=False)


def place(port: int) -> tlsresume.Target:
    return parse_target(f"localhost:{port}", connect=f"{HERE}:{port}")


def kept(port: int) -> tlsresume.SessionFile:
    _, saved = tlsresume.save(place(port), SaveOptions(connect=OPTIONS.connect))
    return parse_session_file(format_session_file(*saved[-1]), "s.pem")


def test_coroutines_do_what_the_functions_do(server):
    """In one loop, several at a time."""
    port = server().port
    file = kept(port)
    said: list[str] = []

    async def scene() -> tuple[Any, ...]:
        return await asyncio.gather(
            tlsresume.aprobe(place(port), OPTIONS, progress=said.append),
            tlsresume.aprobe(place(port), OPTIONS),
            tlsresume.asave(place(port), SaveOptions(connect=OPTIONS.connect)),
            tlsresume.aresume(file, place(port), ResumeOptions(connect=OPTIONS.connect)),
        )

    one, other, (saved, sessions), (resumed, _) = asyncio.run(scene())
    assert one.verdict == other.verdict == tlsresume.probe(place(port), OPTIONS).verdict
    assert saved.saved
    assert sessions
    assert resumed.session_reused


def calls(port: int, file: tlsresume.SessionFile) -> dict[str, Callable[[], Awaitable[object]]]:
    """Each coroutine, to a peer that will be silent."""
    silent = place(port)
    return {
        "aprobe": lambda: tlsresume.aprobe(silent, ProbeOptions(connect=PATIENT)),
        "asave": lambda: tlsresume.asave(silent, SaveOptions(connect=PATIENT)),
        "aresume": lambda: tlsresume.aresume(
            file, silent, ResumeOptions(connect=PATIENT, any_host=True)
        ),
    }


def test_a_cancelled_task_ends_its_connections_at_once(server):
    """The peer sees the end when the task has ended; nothing of ours is left in the loop."""
    file = kept(server().port)

    async def scene(name: str) -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server((HERE, 0)) as listener:
            listener.setblocking(False)
            work = calls(listener.getsockname()[1], file)[name]
            task = asyncio.ensure_future(work())
            connection, _ = await loop.sock_accept(listener)
            with connection:
                connection.setblocking(False)
                assert await loop.sock_recv(connection, 65536)  # its ClientHello
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert asyncio.all_tasks() == {asyncio.current_task()}
                async with asyncio.timeout(10):
                    while await loop.sock_recv(connection, 65536):
                        pass

    for name in ("aprobe", "asave", "aresume"):
        asyncio.run(scene(name))


def test_a_thread_is_stopped_from_outside():
    """`stop()` ends a call that blocks in another thread, whenever it comes; what is known is
    the result."""
    for early in (True, False):
        stop = Stop()
        with RawPeer("silent") as peer:
            if early:
                stop()
            results: list[tlsresume.TargetResult] = []
            thread = threading.Thread(
                target=lambda stop=stop, results=results, port=peer.port: results.append(
                    tlsresume.probe(place(port), ProbeOptions(connect=PATIENT), stop=stop)
                )
            )
            thread.start()
            while not early and not peer.connections:
                thread.join(0.005)
            stop()
            thread.join(30)
            assert not thread.is_alive()
        [result] = results
        assert result.interrupted
        assert result.verdict == "untested"


def test_a_deadline_gives_what_is_known():
    """Our own deadline is no word on the server."""
    with RawPeer("silent") as peer:
        result = tlsresume.probe(place(peer.port), ProbeOptions(connect=PATIENT), deadline=0.2)
        assert result.incomplete
        assert any("the deadline of 0.2 s" in left.reason for left in result.skipped)
        saved, sessions = tlsresume.save(
            place(peer.port), SaveOptions(connect=PATIENT), deadline=0.2
        )
    assert not sessions
    assert saved.error is not None
    assert (saved.error.kind, saved.saved) == ("cancelled", False)
    assert "0.2 s" in saved.error.message


def test_what_makes_no_sense_is_a_usage_error(server):
    """Options of another call, targets and deadlines that are none: in words, before anything."""
    file = kept(server().port)
    wrong: tuple[Callable[[], object], ...] = (
        lambda: tlsresume.probe("localhost", SaveOptions()),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.probe(443),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.probe("localhost", deadline=float("nan")),
        lambda: tlsresume.save("localhost", ProbeOptions()),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.save(None),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.save("localhost", deadline=-1),
        lambda: tlsresume.resume(file, 443),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.resume(file, None, ProbeOptions()),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.resume(file, deadline=float("inf")),
    )
    for call in wrong:
        with pytest.raises(tlsresume.UsageError):
            call()


def test_a_blocking_call_inside_a_loop_names_the_coroutine():
    """It would block the loop: the hint says what to await."""

    async def scene() -> None:
        tlsresume.probe("localhost")

    with pytest.raises(tlsresume.UsageError) as caught:
        asyncio.run(scene())
    assert "aprobe" in caught.value.hints[0]
