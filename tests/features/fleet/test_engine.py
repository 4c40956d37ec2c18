"""Many targets side by side: streams, deadlines, interrupts, and what is shared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from tests.golden import cases
from tlsresume.errors import ExitStatus, UsageError
from tlsresume.features.fleet.engine import Fleet, Progress, untouched
from tlsresume.features.fleet.exclusion import EXCLUDED, Resolved
from tlsresume.features.fleet.selection import Exclusions, Job
from tlsresume.features.fleet.tally import Tally
from tlsresume.lab import Gate
from tlsresume.options import ProbeOptions
from tlsresume.policy.exit_status import decided
from tlsresume.results.judged import Finding
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs.fingerprint import fingerprint
from tlsresume.runs.many_targets import tool
from tlsresume.targets.target import parse_target

OPTIONS = ProbeOptions()


def job(name: str) -> Job:
    target = parse_target(name)
    return Job(target=target, options=OPTIONS, fingerprint=fingerprint(target, OPTIONS))


class Canned:
    """A Prober whose probes take `seconds` each; some raise."""

    def __init__(self, seconds: float = 0.0, error: BaseException | None = None) -> None:
        self.seconds = seconds
        self.error = error
        self.begun: list[Job] = []
        self.open = 0
        self.most = 0
        self.ended = False

    async def begin(self) -> None:
        pass

    async def probe(self, job: Job) -> TargetResult | None:
        self.begun.append(job)
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(self.seconds)
        self.open -= 1
        if self.error is not None and len(self.begun) >= 3:
            raise self.error
        return replace(untouched(job, interrupted=False), verdict="resumes", incomplete=False)

    def interrupted(self, job: Job) -> TargetResult:
        return untouched(job, interrupted=True)

    async def end(self) -> None:
        self.ended = True


class Listed:
    """A source of jobs that counts what was taken."""

    def __init__(self, number: int, *, hangs: bool = False) -> None:
        self.taken = 0
        self._hangs = hangs
        self._jobs = (job(f"h{n}.example") for n in range(number))

    def rest(self) -> Iterator[Job]:
        for each in self._jobs:
            self.taken += 1
            yield each

    async def jobs(self) -> AsyncIterator[Job]:
        for each in self.rest():
            yield each
        if self._hangs:
            await asyncio.Event().wait()


def run(prober, source, parallel=4, seconds=None) -> tuple[Fleet, list[TargetResult]]:
    told: list[TargetResult] = []
    end = None if seconds is None else (time.monotonic() + seconds, seconds)
    fleet = Fleet(prober, parallel=parallel, on_result=told.append, end=end)
    fleet.run(source.jobs(), source.rest)
    assert prober.ended
    return fleet, told


def test_targets_are_taken_as_there_are_places():
    """A list of any length is read no faster than it is probed."""
    source = Listed(100)

    class Watching(Canned):
        async def probe(self, job: Job) -> TargetResult | None:
            assert source.taken <= len(self.begun) + 4 + 3
            return await super().probe(job)

    prober = Watching(seconds=0.01)
    _, told = run(prober, source)
    assert len(told) == 100
    assert prober.most == 4


@pytest.mark.slow
def test_after_the_deadline_nothing_is_begun_and_all_are_told_of():
    """Also where the list is a pipe that never ends."""
    prober = Canned(seconds=0.05)
    fleet, told = run(prober, Listed(200), seconds=0.2)
    assert len(prober.begun) < 100
    assert len(told) + fleet.not_begun == 200
    never = [result for result in told if result.skipped]
    assert never
    assert all(result.skipped[0].reason == "the deadline of 0.2 s" for result in never)
    began = time.monotonic()
    _, told = run(Canned(), Listed(3, hangs=True), seconds=0.3)
    assert len(told) == 3
    assert time.monotonic() - began < 60


def test_an_interrupt_tells_of_what_was_running():
    """Nothing is begun any more, and the prober leaves nothing behind."""
    prober = Canned(error=KeyboardInterrupt())
    fleet, told = run(prober, Listed(100))
    assert fleet.was_interrupted
    assert any(result.interrupted for result in told)
    assert len(told) < 10


def test_an_error_of_options_ends_the_run():
    """It is raised plainly."""
    with pytest.raises(UsageError):
        run(Canned(error=UsageError("no")), Listed(100))


def test_progress_says_how_far_and_how_long():
    """Targets done, their speed, verdicts, and what is left."""
    progress = Progress(total=100, done=50, began=time.monotonic() - 10)
    progress.verdicts.update({"resumes": 49, "partly": 1})
    line = progress.line()
    assert "50 of 100 targets done" in line
    assert "targets/s" in line
    assert "49 resumes, 1 partly" in line
    assert "10 s left" in line
    assert "of" not in Progress(done=3, began=time.monotonic()).line().partition(";")[0]


def test_what_is_excluded_by_address_is_not_dialled():
    """By whatever name or --connect it is reached; other addresses of a name remain."""
    prober = Canned()
    left_out = 0

    def excluded() -> None:
        nonlocal left_out
        left_out += 1

    resolved = Resolved(prober, Exclusions(["127.0.0.1", "192.0.2.0/24"]), excluded)
    two = job("two.example")
    two = replace(two, target=replace(two.target, addresses=("127.0.0.1", "127.0.0.2")))
    jobs = [
        two,
        job("192.0.2.9"),
        replace(two, target=parse_target("h.example", connect="127.0.0.1:99")),
        job("127.0.0.3"),
    ]
    results = [asyncio.run(resolved.probe(each)) for each in jobs]
    assert [result is None for result in results] == [False, True, True, False]
    assert left_out == 2
    assert [each.target.addresses for each in prober.begun] == [("127.0.0.2",), ("127.0.0.3",)]
    assert [(s.what, s.reason) for s in prober.begun[0].skipped] == [("127.0.0.1", EXCLUDED)]


def test_a_tally_says_what_a_whole_report_says():
    """The same exit status, and the same sentence, without what each target showed."""
    for name, report in cases.REPORTS.items():
        if not report.targets or name == "mixed":
            continue
        tally = Tally(tool())
        for target in report.targets:
            tally.add(decided(Report(tool=tool(), targets=(target,))))
        found = tally.report(decided, "")
        right = decided(replace(report, findings=found.findings))
        assert (found.exit_status, found.why) == (right.exit_status, right.why), name
        assert [t.verdict for t in found.targets] == [t.verdict for t in report.targets]
    tally = Tally(tool())
    tally.not_begun = 7
    late = tally.report(decided, "the deadline of 5 s")
    assert late.exit_status == ExitStatus.INCONCLUSIVE
    assert "7 more had no turn (the deadline of 5 s)" in late.why


def test_a_tally_keeps_little_of_a_target():
    """Equal findings are one value, and evidence is not kept."""
    finding = Finding(
        code="never-honoured", severity="error", title="t", cause="c", advice="a",
        evidence=("e" * 10_000,), address="192.0.2.1",
    )  # fmt: skip
    tally = Tally(tool())
    for number in range(100):
        target = TargetResult(
            target=f"h{number}:443",
            verdict="does-not-resume",
            findings=(
                replace(finding, evidence=(f"e{number}" * 1000,), address=f"192.0.2.{number}"),
            ),
        )
        tally.add(decided(Report(tool=tool(), targets=(target,))))
    report = tally.report(decided, "")
    assert len({id(target.findings[0]) for target in report.targets}) == 1
    assert report.targets[0].findings[0].evidence == ()
    assert report.exit_status == ExitStatus.NOT_AS_ASKED


# ------------------------------------------------------------------------- the Gate


def test_a_rate_spreads_new_connections():
    """Each waits for its turn, whatever the address."""

    async def turns() -> float:
        gate = Gate(per_second=200)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(gate.turn() for _ in range(21)))
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(turns()) >= 0.099


def test_an_address_is_down_after_so_many_in_vain():
    """What answers again is up again; without patience nothing is ever down."""
    gate = Gate(patience=3)
    for _ in range(3):
        assert not gate.down("a", 1)
        gate.note("a", 1, reached=False)
    assert gate.down("a", 1)
    assert not gate.down("a", 2)
    gate.note("a", 1, reached=True)
    assert not gate.down("a", 1)
    never = Gate()
    for _ in range(9):
        never.note("a", 1, reached=False)
    assert not never.down("a", 1)


def test_the_gate_forgets_addresses_that_are_done():
    """Memory does not grow with the list, but a fragile peer is remembered."""

    async def use() -> Gate:
        gate = Gate()
        for number in range(100):
            async with gate.slot(f"192.0.2.{number}", 443):
                assert gate.busy(f"192.0.2.{number}", 443) == 1
        async with gate.slot("192.0.2.1", 443):
            gate.narrow("192.0.2.1", 443)
        return gate

    gate = asyncio.run(use())
    assert list(gate._slots) == [("192.0.2.1", 443)]
