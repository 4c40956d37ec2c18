"""Names to addresses: bounded, cancellable, and nothing that an exit waits for."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import pytest

from tlsresume.errors import LocalError, ResolveError
from tlsresume.network.resolve import resolve


@pytest.fixture
def answers(monkeypatch):
    """Make getaddrinfo answer as told; it returns the calls made."""

    def set_answer(answer: Any) -> list[Any]:
        calls: list[Any] = []

        def getaddrinfo(host: str, port: None, family: int, kind: int) -> Any:
            calls.append((host, port, family, kind))
            if isinstance(answer, BaseException):
                raise answer
            return [(f, kind, 6, "", address) for f, address in answer]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return calls

    return set_answer


@pytest.fixture
def hanging(monkeypatch):
    """A resolver that answers only when the test is over."""
    over, asked = threading.Event(), threading.Event()

    def getaddrinfo(*_: object) -> list[Any]:
        asked.set()
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    over.set()
    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread():
            thread.join(5)


def test_an_address_is_its_own_answer(monkeypatch):
    """Addresses need no name server and no thread, and are spelt as the system does it."""

    def no_thread(*_: object, **__: object) -> None:
        raise AssertionError("a thread for an address")

    monkeypatch.setattr(threading, "Thread", no_thread)
    for host, address in (
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("0:0::1", "::1"),
        ("2001:DB8::A", "2001:db8::a"),
        ("fe80::1%3", "fe80::1%3"),
    ):
        assert asyncio.run(resolve(host, "any", 5)).addresses == (address,)


def test_a_resolver_without_descriptors_is_no_missing_name(answers, monkeypatch):
    """Where this process can open nothing, the resolver's answer is not believed."""
    short = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    for answer, now in (
        (short, None),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), short),
        (MemoryError(), None),
    ):
        answers(answer)
        monkeypatch.setattr("tlsresume.shortage.shortage_now", lambda now=now: now)
        with pytest.raises(LocalError) as caught:
            asyncio.run(resolve("a.example", "any", 5))
        assert "a.example" in caught.value.message


def test_no_thread_for_a_look_up_is_ours(monkeypatch):
    """A machine that starts no thread says nothing about the name."""

    def start(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(LocalError, match=r"a\.example"):
        asyncio.run(resolve("a.example", "any", 5))


def test_every_address_comes_once_in_order(answers):
    """Both families, duplicates dropped, the resolver's order kept."""
    calls = answers(
        [
            (socket.AF_INET6, ("2001:db8::1", 0, 0, 0)),
            (socket.AF_INET, ("192.0.2.1", 0)),
            (socket.AF_INET6, ("2001:db8::1", 0, 0, 0)),
        ]
    )
    found = asyncio.run(resolve("a.example", "any", 5))
    assert found.addresses == ("2001:db8::1", "192.0.2.1")
    assert found.milliseconds >= 0
    assert calls == [("a.example", None, socket.AF_UNSPEC, socket.SOCK_STREAM)]


@pytest.mark.parametrize(("family", "number"), [("ipv4", 2), ("ipv6", socket.AF_INET6)])
def test_a_family_is_asked_for(answers, family, number):
    """-4 and -6 restrict the question."""
    calls = answers([])
    assert asyncio.run(resolve("a.example", family, 5)).addresses == ()
    assert calls[0][2] == number


def test_a_zone_is_kept(answers):
    """A link-local address without its zone could not be dialled."""
    answers(
        [
            (socket.AF_INET6, ("fe80::1", 0, 0, 3)),
            (socket.AF_INET6, ("fe80::2%eth0", 0, 0, 3)),
        ]
    )
    found = asyncio.run(resolve("a.example", "any", 5))
    assert found.addresses == ("fe80::1%3", "fe80::2%eth0")


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError("odd"),
        UnicodeError("label too long"),
        ValueError("embedded null character"),
    ],
)
@pytest.mark.parametrize("family", ["any", "ipv4", "ipv6"])
def test_no_address_is_a_resolve_error(answers, error, family):
    """Whatever the resolver raises, the caller gets one error with a hint."""
    answers(error)
    with pytest.raises(ResolveError) as caught:
        asyncio.run(resolve("a.example", family, 5))
    assert "a.example" in caught.value.message
    assert caught.value.message.startswith("no ")
    assert caught.value.hints


def test_an_address_of_the_other_family_has_its_hint():
    """-6 with an IPv4 address is told as such."""
    with pytest.raises(ResolveError) as caught:
        asyncio.run(resolve("127.0.0.1", "ipv6", 5))
    assert "-6" in caught.value.hints[0]


def test_a_resolver_that_hangs_times_out(hanging):
    """The deadline holds although getaddrinfo cannot be interrupted."""
    began = time.monotonic()
    with pytest.raises(ResolveError) as caught:
        asyncio.run(resolve("slow.example", "any", 0.05))
    assert time.monotonic() - began < 2
    assert "0.05 s" in caught.value.message


def test_a_lookup_can_be_cancelled(hanging):
    """Cancelling returns at once; the answer that comes later is dropped."""

    async def scene() -> None:
        task = asyncio.create_task(resolve("slow.example", "any", 60))
        while not hanging.is_set():  # noqa: ASYNC110  a thread sets it
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())


def test_an_exit_waits_for_no_lookup():
    """A process whose resolver hangs ends at once."""
    program = """
        import asyncio, socket, threading
        from tlsresume.errors import ResolveError
        from tlsresume.network.resolve import resolve
        socket.getaddrinfo = lambda *_: threading.Event().wait()
        try:
            asyncio.run(resolve("slow.example", "any", 0.05))
        except ResolveError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert "no answer from the resolver" in done.stdout
    assert done.stderr == ""
