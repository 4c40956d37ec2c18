"""The goals of speed, each beside its figure: all of them ratios, or sums of one process's CPU.

What is compared takes turns in one run; a figure is the median of the ratios of the turns, so
that a slow moment of the machine falls on both sides.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import handshakes
import peers
import quic
from measure import Run, by_turns, run, table
from relay import distant
from start_up import FLOOR, PLAN
from whole_probe import sslyze

_HERE = Path(__file__).resolve().parent
_PYTHON = sys.executable
_ROUNDS, _LONG_ROUNDS = 7, 3
_CONNECTIONS = 500
_ROUND_TRIP = 0.05
#: Targets of a fleet: measured from the first number to the second. Its CPU without start-up, which
#: is another row; its memory where most that grows is what is kept of each target (0.9 KB, by
#: tracemalloc). Before, allocators take what the targets that run side by side need at most: 8 KB a
#: target from 200 to 600 quick ones, 3 from 600 to 1,400.
_FOR_CPU = (200, 600)
_FOR_MEMORY = (1000, 2000)
_AT = re.compile(r"^at (\d+) (\S+) (\d+)$", re.MULTILINE)
_KINDS = ("full", "resumed")
_VERSIONS = ("1.2", "1.3")


@dataclass(frozen=True, slots=True)
class Row:
    """A goal and its figure. `least`: the goal is a lower bound."""

    what: str
    goal: float
    figure: float
    unit: str = " ×"  # noqa: RUF001  the sign of multiplication is meant
    least: bool = False

    @property
    def reached(self) -> bool:
        """Whether the figure is as good as the goal."""
        return self.figure >= self.goal if self.least else self.figure <= self.goal

    def cells(self) -> list[str]:
        """As the table shows it."""
        sign = "≥" if self.least else "≤"
        digits = 0 if self.least else 2
        figure = f"{self.figure:.{digits}f}{self.unit}"
        return [
            self.what,
            f"{sign} {self.goal:g}{self.unit}",
            figure if self.reached else f"**{figure}**",
        ]


def _tool() -> str:
    return str(Path(_PYTHON).parent / "tlsresume")


def _checked(done: Run) -> str:
    if done.status:
        raise RuntimeError(done.output[-2000:])
    return done.output


def _ratio(ours: Sequence[Run], theirs: Sequence[Run], part: Callable[[Run], float]) -> float:
    """The median of the ratios of turns."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(part(our) / part(their) for our, their in pairs)


def _imports(port: int) -> list[Row]:
    """What a command that connects costs beside what it cannot do without."""
    probe = "tlsresume probe"
    runs = by_turns(
        {
            FLOOR: [_PYTHON, "-c", "import OpenSSL.SSL, asyncio, click"],
            PLAN: [_tool(), "probe", "--plan", "example.com"],
            probe: [_tool(), "probe", f"127.0.0.1:{port}"],
        },
        _ROUNDS,
    )
    floor = runs[FLOOR]
    return [
        Row(f"`{PLAN}`, CPU to `{FLOOR}`", 1.4, _ratio(runs[PLAN], floor, lambda r: r.cpu)),
        Row(
            "whole `probe` of one nginx on loopback, CPU to the same",
            1.5,
            _ratio(runs[probe], floor, lambda r: r.cpu),
        ),
    ]


def _connections(identity: peers.Identity) -> list[Row]:
    """A connection of ours beside the minimal loop and `openssl s_time`."""
    rows = []
    with peers.s_server(identity) as port:
        for version in _VERSIONS:
            for kind in _KINDS:
                ours, least = [], []
                for _ in range(_ROUNDS):
                    ours.append(_loop("loop.py", "connections", port, kind, _CONNECTIONS, version))
                    least.append(_loop("minimal.py", port, kind, version, _CONNECTIONS))
                ratio = statistics.median(a / b for a, b in zip(ours, least, strict=True))
                one, bare = (statistics.median(each) * 1000 for each in (ours, least))
                what = f"CPU a connection, {kind}, TLS {version}: {one:.2f} ms, minimal loop"
                what += f" {bare:.2f} ms"
                if version == "1.2":
                    c = handshakes.s_time(port, kind) * 1000
                    what += f", `openssl s_time` {c:.2f} ms"
                rows.append(Row(what, 1.5, ratio))
    return rows


def _loop(*arguments: object) -> float:
    name, *rest = map(str, arguments)
    return float(_checked(run([_PYTHON, str(_HERE / name), *rest])))


def _beside_sslyze(port: int, program: str | None) -> list[Row]:
    """A whole probe beside one of sslyze, near and far."""
    if program is None:
        return []
    rows = []
    with distant(port, _ROUND_TRIP) as far:
        for where, there, goal in (
            ("at a round trip of 50 ms", far, 0.7),
            ("on loopback", port, 0.5),
        ):
            endpoint = f"127.0.0.1:{there}"
            runs = by_turns(
                {
                    "ours": [_tool(), "probe", endpoint],
                    "sslyze": [
                        program, "--resum", "--resum_attempts", "10",
                        "--mozilla_config", "disable", endpoint,
                    ],
                },
                _LONG_ROUNDS if there == far else _ROUNDS,
            )  # fmt: skip
            ours, theirs = (statistics.median(r.wall for r in each) for each in runs.values())
            what = (
                f"whole `probe` {where}, {ours:.2f} s, to `sslyze --resum --resum_attempts 10`,"
                f" {theirs:.2f} s"
            )
            rows.append(Row(what, goal, _ratio(runs["ours"], runs["sslyze"], lambda r: r.wall)))
    return rows


def _fleet(port: int, span: tuple[int, int], *options: str) -> tuple[float, float]:
    """Targets per second of CPU and KiB of memory a target, from one number of them to another."""
    few, many = span
    command = [_PYTHON, str(_HERE / "fleet_loop.py"), "fleet", str(port), str(many), *options]
    at = {int(n): (float(s), int(kib)) for n, s, kib in _AT.findall(_checked(run(command)))}
    (began, before), (ended, after) = at[few], at[many]
    return (many - few) / (ended - began), (after - before) / (many - few)


def _spelt(span: tuple[int, int]) -> str:
    return f"from the {span[0]:,}th to the {span[1]:,}th"


def _fleets(port: int) -> list[Row]:
    """Many targets, streamed."""
    both = [_fleet(port, _FOR_CPU, "--quick")[0] for _ in range(_LONG_ROUNDS)]
    only = [_fleet(port, _FOR_CPU, "--quick", "--tls", "1.3")[0] for _ in range(_LONG_ROUNDS)]
    _, whole = _fleet(port, _FOR_MEMORY)
    short = statistics.median(_fleet(port, _FOR_MEMORY, "--quick")[1] for _ in range(_LONG_ROUNDS))
    share = statistics.median(_loop("fleet_loop.py", "weak", port) for _ in range(_LONG_ROUNDS))
    quick = "`--quick`, targets per second of CPU on one core"
    return [
        Row(f"{quick}, TLS 1.2 and 1.3", 100, statistics.median(both), "", least=True),
        Row(f"{quick}, TLS 1.3 only", 140, statistics.median(only), "", least=True),
        Row("the search for weak keys, share of a probe", 2, share * 100, " %"),
        Row(f"memory a streamed target, whole probes, {_spelt(_FOR_MEMORY)}", 5, whole, " KB"),
        Row(f"the same, `--quick`, {_spelt(_FOR_MEMORY)}", 5, short, " KB"),
    ]


def _quic() -> list[Row]:
    """QUIC beside aioquic alone; both ends in one process."""
    found = quic.connections()
    return [
        Row(
            f"CPU a QUIC connection, {kind}: {ours:.1f} ms, aioquic alone {found.alone:.1f} ms",
            1.5,
            ours / found.alone,
        )
        for kind, ours in (("full", found.full), ("resumed", found.resumed))
    ]


def report(folder: Path, identity: peers.Identity, environment: Path) -> str:
    """Measure, and tell in Markdown."""
    if peers.nginx_path() is None:
        return "Left out: nginx is not installed.\n"
    program = sslyze(environment)
    rows = _connections(identity)
    with peers.nginx(identity, folder) as port:
        rows = [*_imports(port), *rows, *_beside_sslyze(port, program), *_fleets(port)]
    rows += _quic()
    text = table(["what", "goal", "figure"], [row.cells() for row in rows])
    reached = sum(row.reached for row in rows)
    text += f"\n{reached} of {len(rows)} goals are reached; what is not stands in bold. "
    text += (
        "The minimal loop connects, shakes hands, waits for a ticket, writes the session as DER and"
        " sends close_notify, on the same bindings.\n"
    )
    if program is None:
        text += "\nLeft out: sslyze could not be installed.\n"
    return text
