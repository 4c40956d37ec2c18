"""An offer that was on the wire when the run ended: offered and unanswered, never "not offered"."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.evidence import Story
from tests.helpers.peers import Relay
from tlsresume.errors import ExitStatus
from tlsresume.evidence.summary import summarise_address
from tlsresume.findings.judge import judge
from tlsresume.network.loop import Stop
from tlsresume.options import ConnectOptions, ProbeOptions, ResumeOptions, SaveOptions
from tlsresume.results.connection import MECHANISMS, Failure, Timings
from tlsresume.results.measured import Series
from tlsresume.results.report import TargetResult
from tlsresume.runs.probe import probe
from tlsresume.runs.resume import resume
from tlsresume.runs.save import save
from tlsresume.sessions.file import format_session_file, parse_session_file, write_session_file
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion

pytestmark = pytest.mark.slow

HERE = "127.0.0.1"
PATIENT = ConnectOptions(timeout=60, ticket_wait=0.3, tls=(ProtocolVersion.TLSv1_3,))


@contextmanager
def when(condition: Callable[[], bool], action: Callable[[], object]) -> Iterator[None]:
    """Do something in another thread once a condition holds."""
    over = threading.Event()

    def watch() -> None:
        while not condition() and not over.wait(0.005):
            pass
        action()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stopped_probe(server: Callable[..., object]) -> TargetResult:
    """A probe of a peer that is silent when a session is offered, stopped at the first offer."""
    stop = Stop()
    with Relay(server().port, kill_offers="silence") as relay:  # type: ignore[attr-defined]  # a fixture
        options = ProbeOptions(connect=PATIENT, tries=2)
        with when(lambda: relay.offers > 0, stop):
            return probe(parse_target(f"{HERE}:{relay.port}"), options, stop=stop)


def test_a_run_that_ends_tells_of_its_open_offers(server):
    """The table, the reason and the row of the attempt say that the offer was made."""
    result = stopped_probe(server)
    assert result.interrupted
    assert result.verdict == "untested"
    [address] = result.addresses
    [mechanism] = address.mechanisms
    assert mechanism.state == "untested"
    assert mechanism.reason is not None
    assert mechanism.reason.startswith("offered")
    assert "unanswered" in mechanism.reason
    assert set(mechanism.fixed.order + mechanism.chained.order) == {"U"}
    assert mechanism.fixed.offered + mechanism.chained.offered > 0
    assert mechanism.fixed.rate is None
    rows = [row for row in address.attempts if row.offered]
    assert rows
    for row in rows:
        assert row.error is not None
        assert "no answer" in row.error
        assert row.accepted is None


def test_an_unanswered_offer_has_a_letter():
    """It counts as offered, and neither as failed nor in the rate."""
    series = Series.count("RNU")
    assert (series.offered, series.accepted, series.failed, series.rate) == (3, 1, 0, 0.5)
    assert Series.count("UU").rate is None


def test_what_was_to_be_tried_again_counts_as_unanswered():
    """A timeout in a crowd that could not be repeated alone is no answer either."""
    for mechanism in MECHANISMS:
        story = Story(mechanism).full().broken(kind="timeout", unsettled=True)
        address = summarise_address(story.address, 443, story.evidence)
        [found] = address.mechanisms
        assert found.fixed.order == "U"
        assert (found.state, (found.reason or "")[:19]) == ("untested", "offered, unanswered")


def test_a_long_silence_is_the_finding_that_it_supports():
    """Far longer than full handshakes take: likely, not proven, and no error; a short one, or
    one beside accepted offers, says nothing."""
    stopped = Failure("handshake", "cancelled", "stopped")
    for seconds, beside, found in ((5.0, False, True), (0.5, False, False), (5.0, True, False)):
        story = Story("psk").full()
        if beside:
            story.resumed()
        story.broken(error=stopped, timings=Timings(connect=1.0, total=1000 * seconds))
        findings = [f for f in judge([story.view()]) if f.code == "dies-on-session"]
        assert bool(findings) is found
        for finding in findings:
            assert finding.severity == "warning"
            assert finding.not_known
            assert "unanswered" in " ".join(finding.evidence)


def test_resume_at_its_deadline_tells_of_the_offer(server, tmp_path):
    """What is known by then: offered, no answer; inconclusive, and no fault of the server."""
    running = server(versions=("1.3",))
    place = parse_target(f"localhost:{running.port}", connect=f"{HERE}:{running.port}")
    _, saved = save(place, SaveOptions(connect=PATIENT))
    text = format_session_file(*saved[-1])
    file = parse_session_file(text, "s.pem")
    with Relay(running.port, kill_offers="silence") as relay:
        silent = parse_target(f"localhost:{relay.port}", connect=f"{HERE}:{relay.port}")
        # Whenever it fires, before the offer or after it, the answer is true.
        result, renewed = resume(
            file, silent, ResumeOptions(connect=PATIENT, any_host=True), deadline=1.0
        )
    assert renewed is None
    assert result.error is not None
    assert result.error.kind == "cancelled"
    assert result.session_reused is None
    if result.offered:
        assert "no answer" in result.error.message
        assert result.tries.order == "U"


def interrupted(command: list[str], offers: Callable[[], bool]) -> subprocess.Popen[str]:
    """Run the command, and interrupt it once a session was offered."""
    program = "import sys; from tlsresume.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TERM": "dumb"},
    )
    try:
        until = time.monotonic() + 60
        while not offers() and time.monotonic() < until and process.poll() is None:
            asyncio.run(asyncio.sleep(0.01))
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process


def test_ctrl_c_tells_of_the_offer(server, tmp_path: Path):
    """Probe and resume: exit 130, with "offered" in the answer."""
    running = server(versions=("1.3",))
    place = parse_target(f"localhost:{running.port}", connect=f"{HERE}:{running.port}")
    _, saved = save(place, SaveOptions(connect=PATIENT))
    path = str(tmp_path / "s.pem")
    write_session_file(path, format_session_file(*saved[-1]), force=False)
    with Relay(running.port, kill_offers="silence") as relay:
        where = ["--connect", f"{HERE}:{relay.port}", "--timeout", "60"]
        for command in (
            ["probe", "localhost", "--tls", "1.3", *where],
            ["resume", path, f"localhost:{running.port}", *where],
        ):
            before = relay.offers

            def offered(before: int = before) -> bool:
                return relay.offers > before

            process = interrupted(command, offered)
            with process:
                assert process.stdout is not None
                assert process.stderr is not None
                out, err = process.stdout.read(), process.stderr.read()
            assert process.returncode == ExitStatus.INTERRUPTED, (out, err)
            assert "offered" in out
            assert "answer" in out
            assert "not offered" not in out
            assert "Traceback" not in err
