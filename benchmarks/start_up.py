"""Start-up: what a user waits for before anything is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import peers
from measure import by_turns, median, ratio, table, verdict

GOAL = 1.25

#: What every command that connects has to import, and one that does nothing beside it.
FLOOR = "python -c 'import OpenSSL.SSL, asyncio, click'"
PLAN = "tlsresume probe --plan"
PLAN_GOAL = 1.4
#: What the least CPU of each was, as a multiple of the floor's, before values were msgspec
#: structs and commands imported only what they need.
BEFORE = {"tlsresume explain": 1.38, "tlsresume inspect FILE": 1.63, PLAN: 2.24}
ROUNDS = 15


def saved_session(folder: Path, identity: peers.Identity) -> Path:
    """A session file as `openssl s_client` writes it."""
    path = folder / "benchmark.session.pem"
    with peers.s_server(identity) as port:
        subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2",
             "-sess_out", str(path)],
            input=b"Q\n", capture_output=True, check=True, timeout=30,
        )  # fmt: skip
    return path


def report(folder: Path, identity: peers.Identity) -> str:
    """Measure, and tell in Markdown."""
    tool = str(Path(sys.executable).parent / "tlsresume")
    base = "python -c 'import click'"
    commands = {
        base: [sys.executable, "-c", "import click"],
        "tlsresume --version": [tool, "--version"],
        "tlsresume --help": [tool, "--help"],
        "tlsresume explain": [tool, "explain"],
        "tlsresume inspect FILE": [tool, "inspect", str(saved_session(folder, identity))],
        FLOOR: [sys.executable, "-c", "import OpenSSL.SSL, asyncio, click"],
        PLAN: [tool, "probe", "--plan", "example.com"],
    }
    runs = by_turns(commands, ROUNDS)
    wall = {name: median(each, lambda run: run.wall) for name, each in runs.items()}
    rows = [
        [
            f"`{name}`",
            f"{seconds * 1000:.0f} ms",
            f"{median(runs[name], lambda run: run.cpu) * 1000:.0f} ms",
            ratio(seconds, wall[base]),
        ]
        for name, seconds in wall.items()
    ]
    reached = wall["tlsresume --version"] <= GOAL * wall[base]
    cpu = {name: min(run.cpu for run in each) for name, each in runs.items()}
    floors = [
        [f"`{name}`", ratio(cpu[name], cpu[FLOOR]), f"{before:.2f} ×"]  # noqa: RUF001  the sign of multiplication is meant
        for name, before in BEFORE.items()
    ]
    return (
        table(["command", "time", "CPU", f"to `{base}`"], rows)
        + f"\nMedian of {ROUNDS}. Goal: `--version` at most {GOAL} ×: {verdict(reached=reached)}.\n\n"  # noqa: RUF001  same
        + table([f"least CPU, to that of `{FLOOR}`", "now", "before 0.2.0"], floors)
        + f"\nGoal: `{PLAN}` at most {PLAN_GOAL} ×:"  # noqa: RUF001  same
        f" {verdict(reached=cpu[PLAN] <= PLAN_GOAL * cpu[FLOOR])}.\n"
    )
