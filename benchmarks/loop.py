"""Our side of two measurements, in a process of its own: many connections in a row.

    python loop.py handshakes PORT full|resumed COUNT           prints CPU seconds per handshake
    python loop.py connections PORT full|resumed COUNT 1.2|1.3  the same with a ticket, closed cleanly
    python loop.py memory PORT COUNT STEPS                      prints the memory after each step

The connections are made as an experiment makes them, through the network's Lab,
so that what is measured is what a user pays.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from peers import CIPHER, GROUP

from tlsresume.evidence.purposes import Tries
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

_VERSIONS = {"1.2": ProtocolVersion.TLSv1_2, "1.3": ProtocolVersion.TLSv1_3}


def config_for(version: str, name: str | None = None) -> ClientConfig:
    """One version. The server pins the key exchange to GROUP; P-256 is there for its
    certificate's sake."""
    number = _VERSIONS[version]
    return ClientConfig(
        minimum=number,
        maximum=number,
        ciphers=CIPHER,
        groups=f"{GROUP}:P-256",
        server_name=name,
    )


#: As s_time does: no close_notify.
ERRAND = Task(purpose=Tries.FULL, clean=False)
#: As a try does: a ticket, then close_notify.
WHOLE = Task(purpose=Tries.FULL, want_tickets=1)
#: Connections of one Lab, whose journal ends with it, as that of a target does.
_PER_LAB = 100


def cpu() -> float:
    """Seconds of CPU that this process used, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident_kib() -> int:
    """The memory of this process now (Linux), or at its peak (elsewhere)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for line in status.read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS in /proc/self/status")


async def connect(
    port: int, count: int, session: Session | None, config: ClientConfig, task: Task
) -> None:
    """Make connections one after the other, and see that each is as it should be."""
    route, gate = Route("127.0.0.1", port), Gate()
    for _ in range(0, count, _PER_LAB):
        lab = NetworkLab(Budget(_PER_LAB), gate, LabOptions())
        for _ in range(_PER_LAB):
            attempt = await lab.connect(route, config, task, session)
            if not attempt.handshake_done or attempt.resumed is not (session is not None):
                raise RuntimeError(f"reused {attempt.resumed}, {attempt.error}")


async def first_session(port: int, config: ClientConfig) -> Session:
    """A session to resume with."""
    lab = NetworkLab(Budget(1), Gate(), LabOptions())
    return (await lab.connect(Route("127.0.0.1", port), config, WHOLE)).sessions[-1]


async def handshakes(port: int, kind: str, count: int, config: ClientConfig, task: Task) -> None:
    """CPU per connection, warmed up before."""
    session = await first_session(port, config) if kind == "resumed" else None
    await connect(port, _PER_LAB, session, config, task)
    began = cpu()
    await connect(port, count, session, config, task)
    print((cpu() - began) / count)


async def memory(port: int, count: int, steps: int) -> None:
    """Resident memory after the first step and each one after it, in KiB."""
    config = config_for("1.2")
    session = await first_session(port, config)
    for step in range(1, steps + 1):
        await connect(port, count // steps, session, config, ERRAND)
        print(step * (count // steps), resident_kib(), flush=True)


if __name__ == "__main__":
    what, port, *rest = sys.argv[1:]
    if what == "handshakes":
        asyncio.run(handshakes(int(port), rest[0], int(rest[1]), config_for("1.2"), ERRAND))
    elif what == "connections":
        config = config_for(rest[2], "localhost")
        asyncio.run(handshakes(int(port), rest[0], int(rest[1]), config, WHOLE))
    else:
        asyncio.run(memory(int(port), int(rest[0]), int(rest[1])))
