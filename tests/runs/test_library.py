"""The library's calls: in threads, in event loops, with deadlines, and ended from outside."""

from __future__ import annotations

import asyncio
import doctest
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tlsresume
from tests.features.capture.packets import pcap
from tests.features.capture.talks import Talk
from tests.helpers.peers import RawPeer
from tlsresume.network.loop import Stop
from tlsresume.options import (
    ConnectOptions,
    ProbeOptions,
    ResumeOptions,
    SaveOptions,
    WatchOptions,
)
from tlsresume.server.behaviour import TRUTHS
from tlsresume.sessions.file import format_session_file, parse_session_file
from tlsresume.targets.target import parse_target

pytestmark = pytest.mark.slow

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


async def collect(
    results: AsyncIterator[tlsresume.TargetResult],
) -> list[tlsresume.TargetResult]:
    async with aclosing(results) as opened:  # type: ignore[type-var]  # it is a generator
        return [result async for result in opened]


def calls(
    port: int, file: tlsresume.SessionFile, history: Path
) -> dict[str, Callable[[], Awaitable[object]]]:
    """Each coroutine, to a peer that will be silent."""
    silent = place(port)
    return {
        "aprobe": lambda: tlsresume.aprobe(silent, ProbeOptions(connect=PATIENT)),
        "asave": lambda: tlsresume.asave(silent, SaveOptions(connect=PATIENT)),
        "aresume": lambda: tlsresume.aresume(
            file, silent, ResumeOptions(connect=PATIENT, any_host=True)
        ),
        "awatch": lambda: tlsresume.awatch(
            [silent], WatchOptions(connect=PATIENT, once=True), history=history
        ),
        "aprobe_each": lambda: collect(
            tlsresume.aprobe_each([silent, silent], ProbeOptions(connect=PATIENT))
        ),
    }


def test_a_cancelled_task_ends_its_connections_at_once(server, tmp_path):
    """The peer sees the end when the task has ended; nothing of ours is left in the loop."""
    file = kept(server().port)

    async def scene(name: str) -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server((HERE, 0)) as listener:
            listener.setblocking(False)
            work = calls(listener.getsockname()[1], file, tmp_path / "h.sqlite3")[name]
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

    for name in ("aprobe", "asave", "aresume", "awatch", "aprobe_each"):
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


def test_save_resume_and_watch_are_stopped_too(server, tmp_path):
    """A Stop that was called before they began ends each at once, with what is known: nothing."""
    file = kept(server().port)
    stop = Stop()
    stop()
    with RawPeer("silent") as peer:
        silent = place(peer.port)
        saved, sessions = tlsresume.save(silent, SaveOptions(connect=PATIENT), stop=stop)
        resumed, renewed = tlsresume.resume(
            file, silent, ResumeOptions(connect=PATIENT, any_host=True), stop=stop
        )
        report = tlsresume.watch(
            [silent], WatchOptions(connect=PATIENT), history=tmp_path / "h.sqlite3", stop=stop
        )
    assert (sessions, renewed, report.targets) == ([], None, ())
    for result in (saved, resumed):
        assert result.error is not None
        assert (result.error.kind, result.ok) == ("cancelled", False)


def test_a_watch_ends_when_it_is_stopped_and_at_its_deadline(server, tmp_path):
    """What was sampled by then is the report."""
    stop = Stop()
    said: list[str] = []
    report = tlsresume.watch(
        [place(server().port)],
        WatchOptions(connect=OPTIONS.connect, every=3600, tries=1),
        history=tmp_path / "h.sqlite3",
        on_sample=lambda _sample: stop(),
        progress=said.append,
        stop=stop,
    )
    assert len(said) == 1
    assert [target.samples for target in report.targets] == [1]
    assert report.ok
    with RawPeer("silent") as peer:
        report = tlsresume.watch(
            [place(peer.port)],
            WatchOptions(connect=PATIENT),
            history=tmp_path / "i.sqlite3",
            deadline=0.1,
        )
    assert report.targets == ()


def test_many_targets_come_as_they_are_ready(server):
    """A silent one does not hold up the others, and leaving early ends its connections."""
    port = server().port

    async def scene() -> tlsresume.TargetResult:
        with RawPeer("silent") as peer:
            targets = [place(peer.port), place(port)]
            results = tlsresume.aprobe_each(targets, replace(OPTIONS, connect=PATIENT))
            async with aclosing(results) as opened:  # type: ignore[type-var]  # it is a generator
                async for result in opened:
                    first = result
                    break
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return first

    assert asyncio.run(scene()).target == f"localhost:{port}"


def test_results_say_ok_and_become_json(server, tmp_path):
    """Every result has ok, to_dict and to_json, and the same values in each."""
    good, bad = place(server().port), place(server(TRUTHS["none"].behaviour).port)
    options = SaveOptions(connect=OPTIONS.connect)
    saved, sessions = tlsresume.save(good, options)
    file = parse_session_file(format_session_file(*sessions[-1]), "s.pem")
    resumed, _ = tlsresume.resume(file, good, ResumeOptions(connect=OPTIONS.connect))
    probed = tlsresume.probe(good, OPTIONS)
    fine = (saved, resumed, probed, tlsresume.judge([probed]), tlsresume.inspect(file))
    wrong_probe = tlsresume.probe(bad, OPTIONS)
    wrong = (wrong_probe, tlsresume.judge([probed, wrong_probe]), tlsresume.save(bad, options)[0])
    for result in (*fine, *wrong):
        assert result.ok is (result in fine), type(result)
        assert json.loads(result.to_json()) == result.to_dict()
    assert wrong_probe.exit_status == tlsresume.ExitStatus.NOT_AS_ASKED
    assert wrong_probe.why
    assert probed.why == "as asked"
    assert resumed.exit_status == 0


def test_policies_baselines_and_writers_are_public(server, tmp_path):
    """Every format can be written; a report that was read back is a baseline."""
    probed = tlsresume.probe(place(server().port), OPTIONS)
    strict = tlsresume.read_policy("STRICT")
    report = tlsresume.judge(probed, policy=strict)
    assert report.policy == "policy"
    for name in tlsresume.report_formats():
        path = tmp_path / f"report.{name}"
        tlsresume.write_report(report, name, str(path))
        assert path.read_bytes().decode() == tlsresume.format_report(report, name)
        with pytest.raises(tlsresume.OutputFileError):
            tlsresume.write_report(report, name, str(path))
    baseline = tlsresume.read_report(str(tmp_path / "report.json"))
    assert tlsresume.judge(probed, baseline=baseline).ok
    for call in (
        lambda: tlsresume.format_report(report, "docx"),
        lambda: tlsresume.judge(probed, fail_on="always"),  # type: ignore[arg-type]  # on purpose
        lambda: tlsresume.watch(["localhost"], ProbeOptions()),  # type: ignore[arg-type]  # same
    ):
        with pytest.raises(tlsresume.UsageError):
            call()
    with pytest.raises(tlsresume.PolicyFileError):
        tlsresume.read_policy("stric")
    with pytest.raises(tlsresume.ReportFileError):
        tlsresume.read_report(str(tmp_path / "missing"))


def test_captures_are_read_by_the_library_too(tmp_path):
    """As by the command; a deadline, a stop and a cancelled task end the reading."""
    talk = Talk()
    first = talk.connect("1.3")
    talk.connect("1.3", first.sessions[0])
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(talk.frames))
    said: list[str] = []
    report = tlsresume.capture(str(path), progress=said.append, min_rate=0.9)
    assert (report.ok, report.connections) == (True, 2)
    assert said
    long = tmp_path / "long.pcap"
    long.write_bytes(pcap(talk.frames * 400))  # more than is read at a time
    whole = tlsresume.capture(str(long)).files[0].packets
    stop = Stop()
    stopped = tlsresume.capture(str(long), progress=lambda _line: stop(), stop=stop)
    late = tlsresume.capture(str(long), deadline=0)
    assert 0 < stopped.files[0].packets < whole
    assert 0 < late.files[0].packets < whole
    assert asyncio.run(tlsresume.acapture(str(path))).to_dict() == (
        tlsresume.capture(str(path)).to_dict()
    )
    with pytest.raises(tlsresume.UsageError):
        tlsresume.capture()


def test_the_examples_of_the_library_are_true(server, tmp_path, monkeypatch):
    """Each example in a docstring of the API runs, and gives what it shows."""
    from tlsresume.api import capture, probe, reports, sessions
    from tlsresume.features.watch import api as watch

    monkeypatch.chdir(tmp_path)
    shown = {
        "tlsresume": tlsresume, "asyncio": asyncio, "aclosing": aclosing,
        "target": place(server().port), "options": OPTIONS,
    }  # fmt: skip
    tests = [
        test
        for module in (capture, probe, reports, sessions, watch)
        for test in doctest.DocTestFinder().find(module, extraglobs=shown)
        if test.examples
    ]
    assert len(tests) >= 9
    said: list[str] = []
    for test in tests:
        ran = doctest.DocTestRunner().run(test, out=said.append)
        assert ran.failed == 0, "".join(said)


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
