"""CPU per handshake of TLS 1.2, full and resumed, beside `openssl s_time`.

Both talk to one `openssl s_server`, which pins group, cipher, certificate and
version. s_time is C and does nothing but handshakes; ours records every message,
times each step and keeps the session.
"""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path

import peers
from measure import Run, ratio, run, table, verdict

GOAL = 1.3
ROUNDS = 9
SECONDS = 2
COUNT = 1000
_LOOP = Path(__file__).with_name("loop.py")
_CONNECTIONS = re.compile(r"^(\d+) connections in \d+ real seconds", re.MULTILINE)
_S_TIME_KIND = {"full": "-new", "resumed": "-reuse"}


def s_time(port: int, kind: str) -> float:
    """CPU seconds per connection of s_time."""
    done = run(
        ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", _S_TIME_KIND[kind], "-tls1_2",
         "-cipher", peers.CIPHER, "-time", str(SECONDS)]
    )  # fmt: skip
    found = _CONNECTIONS.search(done.output)
    if found is None or not int(found[1]):
        raise RuntimeError(f"s_time made no connections:\n{done.output[-500:]}")
    return done.cpu / int(found[1])


def ours(port: int, kind: str) -> float:
    """CPU seconds per connection of tlsresume."""
    return float(
        _checked(run([sys.executable, str(_LOOP), "handshakes", str(port), kind, str(COUNT)]))
    )


def _checked(done: Run) -> str:
    if done.status:
        raise RuntimeError(done.output[-2000:])
    return done.output


def report(identity: peers.Identity) -> str:
    """Measure, and tell in Markdown."""
    rows, words = [], []
    with peers.s_server(identity, "-no_tls1_3") as port:
        for kind in _S_TIME_KIND:
            both = [(ours(port, kind), s_time(port, kind)) for _ in range(ROUNDS)]
            us, them = (statistics.median(column) for column in zip(*both, strict=True))
            # Of each pair, since a busy moment of the machine falls on both of it.
            times = sorted(our / their for our, their in both)
            middle = statistics.median(times)
            rows.append([
                kind, f"{us * 1000:.2f} ms", f"{them * 1000:.2f} ms", ratio(middle, 1),
                f"{times[0]:.2f} to {times[-1]:.2f}",
            ])  # fmt: skip
            words.append(f"{kind}: {verdict(reached=middle <= GOAL)}")
    return (
        table(["handshake", "tlsresume", "`openssl s_time`", "ratio", "of the pairs"], rows)
        + f"\nTLS 1.2, {peers.GROUP}, {peers.CIPHER}, P-256 certificate. CPU of the client, medians"
        + f" of {ROUNDS} pairs. Goal: at most {GOAL} ×: {', '.join(words)}.\n"  # noqa: RUF001  the sign of multiplication is meant
    )
