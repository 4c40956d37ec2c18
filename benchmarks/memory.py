"""Memory, and its growth over many resumptions in one process."""

from __future__ import annotations

import sys
from pathlib import Path

import peers
from measure import run, table, verdict

COUNT = 10_000
STEPS = 10
#: Bytes per resumption that allocators alone explain: a page now and then.
GOAL = 32
_LOOP = Path(__file__).with_name("loop.py")


def report(identity: peers.Identity) -> str:
    """Measure, and tell in Markdown."""
    with peers.s_server(identity, "-no_tls1_3") as port:
        done = run([sys.executable, str(_LOOP), "memory", str(port), str(COUNT), str(STEPS)])
    if done.status:
        raise RuntimeError(done.output[-2000:])
    points = [tuple(map(int, line.split())) for line in done.output.splitlines()]
    (first, before), (last, after) = points[0], points[-1]
    growth = (after - before) * 1024 / (last - first)
    shown = [points[0], points[len(points) // 2 - 1], points[-1]]
    rows = [[f"after {made:,} resumptions", f"{kib / 1024:.1f} MiB"] for made, kib in shown]
    return (
        table(["one process", "resident memory"], rows)
        + f"\nGrowth: {growth:.0f} bytes per resumption from the {first:,}th to the {last:,}th."
        + f" Goal: flat, which is at most {GOAL}: {verdict(reached=growth <= GOAL)}.\n"
    )
