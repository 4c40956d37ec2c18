"""Programs started and measured one at a time, and what is shown of that.

Two things that are compared take turns, so that a slow moment of the machine
falls on both. Numbers are medians; what counts is the ratio.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

#: An installed program has its bytecode; one run from a checkout must be let keep it, too.
_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}


@dataclass(frozen=True, slots=True)
class Run:
    """One program that ended: seconds by the clock, of CPU, its peak memory and its text."""

    wall: float
    cpu: float
    peak_kib: int
    status: int
    output: str


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a program to its end. Its stdin is empty; stdout and stderr come as one text."""
    began = perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**_ENVIRONMENT, **(environment or {})},
    ) as process:
        output = process.stdout.read() if process.stdout else b""
        # wait4, since only it tells the resources of this one child.
        _, code, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(code)
    return Run(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_kib=usage.ru_maxrss,
        status=process.returncode,
        output=output.decode("utf-8", "replace"),
    )


def by_turns(
    commands: Mapping[str, Sequence[str]], rounds: int, *, statuses: frozenset[int] = frozenset({0})
) -> dict[str, list[Run]]:
    """Run each command `rounds` times, taking turns, after one round that does not count.

    Raises RuntimeError if one ends with a status that is not expected.
    """
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            result = run(command)
            if result.status not in statuses:
                raise RuntimeError(f"{name}: exit status {result.status}\n{result.output[-2000:]}")
            if number:
                runs[name].append(result)
    return runs


def median(runs: Sequence[Run], part: Callable[[Run], float]) -> float:
    """The median of one part of some runs."""
    return statistics.median(part(each) for each in runs)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def ratio(ours: float, theirs: float) -> str:
    """Ours as a multiple of theirs."""
    return f"{ours / theirs:.2f} ×"  # noqa: RUF001  the sign of multiplication is meant


def verdict(*, reached: bool) -> str:
    """Whether a goal is reached, in a word."""
    return "reached" if reached else "**not reached**"
