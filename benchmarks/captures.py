"""CPU of `tlsresume capture` beside tshark printing the hellos of the same file, and memory.

The file is made here: connections of TLS 1.2 and 1.3, full and resumed, each with data behind
its handshake, spread over many clients. Handshakes are those of the tests' peers in memory,
written out again and again under other addresses.
"""

from __future__ import annotations

import random
import re
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Run, run, table, verdict

#: tests/ has the peers in memory and the packets.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.features.capture.packets import ACK, PSH, Conversation, Frame, ethernet
from tests.features.capture.talks import Talk

GOAL = 3.0
ROUNDS = 5
CONNECTIONS = 3600
#: Bytes behind each handshake: with these a connection is about 72 KB.
BULK = 64_000
LARGE = 1_000_000_000
#: Growth of memory from a file to one of 4 times its size, in MiB.
GROWTH = 30
_FIELDS = (
    "frame.number", "tls.handshake.type", "tls.handshake.extensions_server_name",
    "tls.handshake.session_id_length",
)  # fmt: skip


def _templates() -> list[list[Frame]]:
    """A few connections as frames: their bytes are used again under other addresses."""
    found = []
    for version in ("1.2", "1.3"):
        talk = Talk()
        talk.twice(version)
        half = [n for n, frame in enumerate(talk.frames) if frame.data[33] == 2][1]
        found += [talk.frames[:half], talk.frames[half:]]
    return found


def _connections(number: int) -> Iterator[Frame]:
    dice = random.Random(4)  # noqa: S311  the same file each time
    data = dice.randbytes(1400)
    record = b"\x17\x03\x03" + (len(data) - 5).to_bytes(2, "big") + data[5:]
    templates = _templates()
    time = templates[0][0].time
    for count in range(number):
        template = templates[count % len(templates)]
        client = bytes([10, 0, count >> 8 & 15, count & 255])
        port = (1024 + count * 7 % 60_000).to_bytes(2, "big")
        original, base = template[0].data[12:16], template[0].time
        for frame in template[:-3]:
            head = bytearray(frame.data)
            at = 12 if head[12:16] == original else 16
            head[at : at + 4] = client
            place = 20 if at == 12 else 22
            head[place : place + 2] = port
            yield Frame(time + frame.time - base, bytes(head))
        bulk = Conversation(
            client=(".".join(map(str, client)), int.from_bytes(port, "big")),
            time=time + 50_000_000,
            sequences=[1_000_000, 9_000_000],
        )
        for _ in range(BULK // len(record)):
            bulk.segment(1, ACK | PSH, record)
        yield from bulk.frames
        time += 60_000_000


def make(path: Path, connections: int) -> tuple[int, int]:
    """Write a capture; its packets and its bytes."""
    packets = 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for frame in _connections(connections):
            data = ethernet(frame.data)
            seconds, rest = divmod(frame.time, 10**9)
            file.write(struct.pack("<IIII", seconds, rest // 1000, len(data), len(data)) + data)
            packets += 1
    return packets, path.stat().st_size


def _ours(path: Path) -> Run:
    done = run([sys.executable, "-m", "tlsresume", "capture", str(path)])
    if done.status:
        raise RuntimeError(done.output[-2000:])
    return done


def _tshark(path: Path) -> Run:
    fields = [word for name in _FIELDS for word in ("-e", name)]
    shown = ["-Y", "tls.handshake.type in {1, 2}", "-T", "fields", *fields]
    return run(["tshark", "-n", "-r", str(path), *shown])


_MEMORY = """
import resource, sys
from tlsresume.cli.root import run
run(["capture", sys.argv[1], "--format", "json=" + sys.argv[2]])
print("KIB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _memory(path: Path) -> float:
    """The most resident memory of a run, in MiB."""
    done = run([sys.executable, "-c", _MEMORY, str(path), str(path.with_suffix(".json"))])
    found = re.search(r"KIB (\d+)", done.output)
    if found is None:
        raise RuntimeError(done.output[-2000:])
    return int(found[1]) / 1024


def report(folder: Path) -> str:
    """Measure, and tell in Markdown."""
    path, large = folder / "capture.pcap", folder / "large.pcap"
    packets, size = make(path, CONNECTIONS)
    ours = min((_ours(path) for _ in range(ROUNDS)), key=lambda each: each.cpu)
    rows = [["tlsresume capture", f"{ours.cpu:.2f} s"]]
    text = (
        f"A capture of {size / 1e6:.0f} MB, {packets:,} packets, {CONNECTIONS:,} connections; the"
        f" best of {ROUNDS} runs.\n\n"
    )
    if shutil.which("tshark") is not None:
        theirs = min((_tshark(path) for _ in range(ROUNDS)), key=lambda each: each.cpu)
        rows.append(["tshark, printing the hellos", f"{theirs.cpu:.2f} s"])
        share = theirs.cpu / ours.cpu
        judged = f"tshark needs {share:.1f} times as much. Goal: {GOAL:g} times: "
        judged += f"{verdict(reached=share >= GOAL)}.\n"
    else:
        judged = "tshark is not installed.\n"
    text += table(["program", "CPU"], rows) + "\n" + judged
    make(large, CONNECTIONS * LARGE // size)
    small_memory, large_memory = _memory(path), _memory(large)
    rows = [
        [f"{path.stat().st_size / 1e6:,.0f} MB", f"{small_memory:.0f} MiB"],
        [f"{large.stat().st_size / 1e6:,.0f} MB", f"{large_memory:.0f} MiB"],
    ]
    reached = verdict(reached=large_memory - small_memory <= GROWTH)
    return (
        text
        + "\n"
        + table(["capture", "most memory"], rows)
        + f"\nGoal: no more than {GROWTH} MiB more: {reached}.\n"
    )


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        print(report(Path(name)))
