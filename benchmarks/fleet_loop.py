"""Our side of measurements of many targets, and of the search for weak keys.

python fleet_loop.py weak PORT           prints the share of a probe's CPU, in a new process
python fleet_loop.py fleet PORT N ARGS   probes one server at N addresses of loopback, streamed:
                                         prints CPU seconds and KiB of memory after each hundred
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from loop import cpu, resident_kib

STEP = 100


def weak(port: int) -> None:
    """The CPU of the search in that of one whole probe, imports and all."""
    from tlsresume.findings import tickets
    from tlsresume.runs.probe import probe
    from tlsresume.targets.target import parse_target
    from tlsresume.tickets.weak_keys import WeakKey, find_weak_key

    spent = 0.0

    def timed(*args: Any, **named: bool) -> WeakKey | None:
        nonlocal spent
        began = time.thread_time()
        try:
            return find_weak_key(*args, **named)
        finally:
            spent += time.thread_time() - began

    vars(tickets)["find_weak_key"] = timed
    probe(parse_target(f"127.0.0.1:{port}"))
    print(spent / cpu())


def addresses(count: int) -> list[str]:
    """Addresses of loopback, all of one server."""
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


def fleet(port: int, count: int, options: list[str]) -> None:
    """A run of the command in this process, whose progress is measured from inside."""
    from tlsresume.cli import main
    from tlsresume.features.fleet import engine

    done = 0
    tell = engine.Fleet._tell  # noqa: SLF001  the one place that every result passes

    def counted(self: engine.Fleet, result: object) -> None:
        nonlocal done
        tell(self, result)  # type: ignore[arg-type]
        done += 1
        if done % STEP == 0:
            os.write(2, f"at {done} {cpu()} {resident_kib()}\n".encode())

    engine.Fleet._tell = counted  # type: ignore[method-assign]  # noqa: SLF001  see above
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "targets")
        listed.write_text("".join(f"{each}:{port}\n" for each in addresses(count)))
        sys.argv = ["tlsresume", "probe", "--targets", str(listed), "--quiet",
                    "--format", f"jsonl={folder}/results.jsonl", *options]  # fmt: skip
        main()


if __name__ == "__main__":
    what, port, *rest = sys.argv[1:]
    if what == "weak":
        weak(int(port))
    else:
        fleet(int(port), int(rest[0]), rest[1:])
