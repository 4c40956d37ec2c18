"""Many targets: each its own result, in order; errors of ours raised, interrupts survived."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace

import pytest

from tests.helpers.peers import RawPeer, refused_port
from tlsresume.errors import BindingError, ExitStatus, UsageError
from tlsresume.evidence.purposes import Elicit, Tries
from tlsresume.lab import OpenConnection, Task
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.policy.exit_status import exit_status, target_status
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs.many_targets import scan, tool
from tlsresume.runs.probe import Probe
from tlsresume.runs.waiting import waiting_words
from tlsresume.targets.target import Target, parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.openssl import binding, binding_messages
from tlsresume.version import __version__

pytestmark = pytest.mark.slow

OPTIONS = ProbeOptions(connect=ConnectOptions(timeout=3, ticket_wait=0.3), tries=3, explain=False)


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    """What was not closed or awaited would be a warning, and so a failed test."""
    yield
    gc.collect()
    assert binding_messages._listening == {}


def target_at(port: int) -> Target:
    return parse_target(f"127.0.0.1:{port}")


def test_results_come_in_the_order_of_the_targets(server):
    """Whatever takes longer: the report keeps the order, on_result gets each once."""
    ready: list[str] = []
    with RawPeer("silent") as silent, refused_port() as refused:
        targets = [target_at(port) for port in (silent.port, server().port, refused)]
        quick = replace(OPTIONS, connect=ConnectOptions(timeout=0.3, ticket_wait=0.3))
        report = scan(
            [(target, quick) for target in targets],
            on_result=lambda result: ready.append(result.target),
        )
    assert [result.target for result in report.targets] == [target.name for target in targets]
    assert sorted(ready) == sorted(target.name for target in targets)
    assert [result.verdict for result in report.targets] == ["untested", "resumes", "untested"]
    assert [result.error is None for result in report.targets] == [False, True, False]
    assert exit_status(report) is ExitStatus.UNREACHABLE


@pytest.mark.parametrize("count", [1, 2])
def test_a_long_run_says_what_it_does(count, monkeypatch):
    """What is waited for, and until when at most, as long as it takes; a quick run says
    nothing."""
    monkeypatch.setattr("tlsresume.runs.many_targets.STATUS_AFTER", 0.05)
    monkeypatch.setattr("tlsresume.runs.many_targets.STATUS_EVERY", 0.05)
    monkeypatch.setattr("tlsresume.runs.waiting.WAITING", 0.2)
    said: list[str] = []
    slow = replace(OPTIONS, connect=ConnectOptions(timeout=0.6, tls=(ProtocolVersion.TLSv1_3,)))
    with RawPeer("silent") as peer:
        target = target_at(peer.port)
        report = scan([(target, slow)] * count, status=said.append)
    assert len(report.targets) == count
    begun, waits = "0 connections in 0 s", "waiting for a full handshake, 0 of 0.6 s"
    if count > 1:
        begun = f"0 of 2 targets done; {begun}"
        waits = f"0/2 done; {waits}; {target.name}"
    assert begun in said[0]
    assert waits in said
    monkeypatch.undo()
    heard = len(said)
    with refused_port() as port:
        scan([(target_at(port), OPTIONS)], status=said.append)
    assert len(said) == heard


def test_an_offer_without_an_answer_is_named_with_its_try():
    """Who waits for an answer to an offered session is told for how long, and which try it is."""
    task = Task(purpose=Tries.FIXED, mechanism="psk", number=2, of=5)
    offered = OpenConnection(task=task, offers=True, since=0.0, limit=10.0, stage="handshake")
    assert waiting_words(offered, 7.2) == (
        "waiting for an answer to an offered session, 7 of 10 s, try 2 of 5"
    )
    other = Task(purpose=Elicit.FULL)
    late = OpenConnection(task=other, offers=False, since=0.0, limit=3.0, stage="ticket")
    assert waiting_words(late, 3.4) == "waiting for a ticket, 3 of 3 s"


def test_no_targets_make_an_empty_report():
    """Nothing asked, nothing wrong."""
    report = scan([])
    assert report.targets == ()
    assert exit_status(report) is ExitStatus.OK


def test_more_targets_than_places(server):
    """Few targets are probed at a time; all of them are probed."""
    port = server().port
    report = scan([(target_at(port), OPTIONS)] * 5, parallel=2)
    assert [result.verdict for result in report.targets] == ["resumes"] * 5


@pytest.mark.parametrize(
    "connect",
    [ConnectOptions(ciphers="NO-SUCH-CIPHER"), ConnectOptions(groups="no-such-group")],
)
def test_options_that_make_no_sense_are_a_usage_error(server, connect):
    """What OpenSSL refuses of the options is raised plainly, not as a group."""
    with pytest.raises(UsageError):
        scan([(target_at(server().port), replace(OPTIONS, connect=connect))] * 2)


def test_missing_bindings_are_told_first(monkeypatch):
    """Nothing is dialled with bindings that lack a name."""
    binding.check_bindings.cache_clear()
    monkeypatch.setattr(binding, "REQUIRED", ("SSL_of_1",))
    try:
        with pytest.raises(BindingError):
            scan([])
    finally:
        binding.check_bindings.cache_clear()


def test_an_interrupt_gives_what_is_known(server, monkeypatch):
    """KeyboardInterrupt in the middle: done targets keep their results, others say so."""
    port = server().port
    run = Probe.run
    first_done = asyncio.Event()

    async def interrupted_run(self: Probe) -> None:
        if self.target.host == "127.0.0.1":
            await run(self)
            first_done.set()
            return
        await first_done.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(Probe, "run", interrupted_run)
    targets = [target_at(port), parse_target("never.example"), parse_target("later.example")]
    report = scan([(target, OPTIONS) for target in targets], parallel=2)
    assert [result.verdict for result in report.targets] == ["resumes", "untested", "untested"]
    assert [result.interrupted for result in report.targets] == [False, True, True]
    assert exit_status(report) is ExitStatus.INTERRUPTED


def test_an_interrupt_during_a_probe_keeps_its_attempts(server):
    """The target that was being probed reports the connections made so far."""
    peer = server()

    def interrupt(_: object) -> None:
        if peer.connections >= 3:
            raise KeyboardInterrupt

    report = scan([(target_at(peer.port), OPTIONS)], trace=interrupt)
    [result] = report.targets
    assert result.interrupted
    assert result.verdict != "resumes"
    assert result.connections >= 2
    assert exit_status(report) is ExitStatus.INTERRUPTED


def test_what_on_result_raises_is_raised(server):
    """A broken pipe in the caller's printing is not lost."""

    def broken(_: TargetResult) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        scan([(target_at(server().port), OPTIONS)], on_result=broken)


def test_the_tool_names_its_versions():
    """A report says what made it."""
    assert tool().name == "tlsresume"
    assert tool().version == __version__
    assert tool().openssl.startswith("OpenSSL ")
    assert tool().pyopenssl


# ----------------------------------------------------------------- exit statuses


def result_of(verdict: str, **more: object) -> TargetResult:
    return TargetResult(target="a:443", verdict=verdict, **more)  # type: ignore[arg-type]  # from a table


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ("resumes", ExitStatus.OK),
        ("partly", ExitStatus.NOT_AS_ASKED),
        ("does-not-resume", ExitStatus.NOT_AS_ASKED),
        ("untested", ExitStatus.INCONCLUSIVE),
    ],
)
def test_each_verdict_has_its_status(verdict, status):
    """Without errors the verdict decides."""
    assert target_status(result_of(verdict)) is status


def test_the_gravest_target_decides():
    """One status for a run, and an interrupt above all."""
    report = Report(
        tool=tool(),
        targets=(result_of("resumes"), result_of("untested"), result_of("partly")),
    )
    assert exit_status(report) is ExitStatus.NOT_AS_ASKED
    cut = replace(report, targets=(*report.targets, result_of("resumes", interrupted=True)))
    assert exit_status(cut) is ExitStatus.INTERRUPTED
