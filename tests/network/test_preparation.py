"""What is imported while the first connection is on its way."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from tlsresume.errors import BindingError
from tlsresume.network import preparation
from tlsresume.network.preparation import prepared_meanwhile


def test_the_library_is_waited_for_and_the_rest_is_not(monkeypatch):
    """The library's step begins with the first dialling, and `ready` says how long it was waited
    for; the rest ends with the block."""
    dialled, judged, steps = threading.Event(), threading.Event(), []

    def library() -> None:
        assert dialled.wait(30)
        steps.append("library")

    def rest() -> None:
        assert judged.wait(30)
        steps.append("rest")

    times = iter((1.0, 3.5))
    monkeypatch.setattr(preparation, "now", lambda: next(times))

    async def connect() -> float:
        preparation.begin()
        preparation.begin()
        dialled.set()
        waited = await preparation.ready()
        assert steps == ["library"]
        judged.set()
        return waited

    turn = sys.getswitchinterval()
    with prepared_meanwhile(library, rest):
        assert steps == []
        assert asyncio.run(connect()) == 2.5
    assert steps == ["library", "rest"]
    assert sys.getswitchinterval() == turn


def test_nothing_is_prepared_unasked():
    """Outside of a block, and where nothing is dialled in one, nothing is imported."""
    assert asyncio.run(preparation.ready()) == 0.0
    preparation.begin()
    with prepared_meanwhile(lambda: pytest.fail("begun"), lambda: pytest.fail("begun")):
        pass


def test_where_a_server_is_near_the_rest_is_not_imported_beside_the_work():
    """A handshake that has ended leaves no time for it."""
    with prepared_meanwhile(preparation.answered, lambda: pytest.fail("begun")):
        preparation.begin()


def test_what_the_library_lacks_comes_out_of_every_connection():
    """Each that waits gets the error; the rest is not begun, and of it no error comes out."""

    def lacking() -> None:
        raise BindingError("a name is missing")

    async def connect_twice() -> list[object]:
        preparation.begin()
        both = preparation.ready(), preparation.ready()
        return list(await asyncio.gather(*both, return_exceptions=True))

    with prepared_meanwhile(lacking, lambda: pytest.fail("begun")):
        assert [type(each) for each in asyncio.run(connect_twice())] == [BindingError] * 2

    class Panic(BaseException):
        """As cryptography's own, of a module in Rust that cannot be imported."""

    def panicking() -> None:
        raise Panic

    with prepared_meanwhile(panicking, lambda: pytest.fail("begun")):
        assert [type(each) for each in asyncio.run(connect_twice())] == [Panic] * 2

    def broken() -> None:
        raise ImportError("told where it is needed")

    with prepared_meanwhile(lambda: None, broken):
        assert [type(each) for each in asyncio.run(connect_twice())] == [float, float]


def test_a_wait_that_is_cancelled_stops_nothing(capfd):
    """Ctrl-C while the library is imported ends the wait; the import ends in silence."""
    go_on, done = threading.Event(), []

    async def interrupted() -> None:
        preparation.begin()
        waiting = asyncio.create_task(preparation.ready())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    def library() -> None:
        assert go_on.wait(30)
        done.append("library")

    with prepared_meanwhile(library, lambda: done.append("rest")):
        asyncio.run(interrupted())
        go_on.set()
    assert done == ["library", "rest"]
    assert capfd.readouterr() == ("", "")


def test_without_threads_it_is_done_at_once(monkeypatch):
    """A machine that starts no more threads imports before it dials."""
    steps: list[str] = []

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with prepared_meanwhile(lambda: steps.append("library"), lambda: steps.append("rest")):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            preparation.begin()
        assert steps == ["library", "rest"]
        asyncio.run(preparation.ready())
