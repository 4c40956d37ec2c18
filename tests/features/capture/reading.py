"""Running captures inside a test: bytes of files in, the report or the command's output out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.features.capture.packets import Frame, pcap
from tlsresume.features.capture.clients import ClientNames
from tlsresume.features.capture.engine import Connection, Engine, Limits
from tlsresume.features.capture.report import CaptureReport, ServerReport
from tlsresume.features.capture.run import Capture, CaptureOptions
from tlsresume.features.capture.seen import Seen
from tlsresume.tls.key_log import KeyLog


def write(folder: Path, *files: bytes) -> tuple[str, ...]:
    """Files a.pcap, b.pcap … with these contents."""
    paths = []
    for number, data in enumerate(files):
        path = folder / f"{chr(97 + number)}.pcap"
        path.write_bytes(data)
        paths.append(str(path))
    return tuple(paths)


def capture_of(folder: Path, *files: bytes, **options: Any) -> tuple[CaptureReport, list[Seen]]:
    """The report on files with these contents, and its lines."""
    lines: list[Seen] = []
    options.setdefault("key_log", KeyLog())
    names = options.pop("names", ClientNames())
    capture = Capture(CaptureOptions(files=write(folder, *files), **options), names, lines.append)
    capture.read()
    capture.finish()
    return capture.report(), lines


def report_of(folder: Path, frames: list[Frame], **options: Any) -> CaptureReport:
    return capture_of(folder, pcap(frames), **options)[0]


def server_of(folder: Path, frames: list[Frame], **options: Any) -> ServerReport:
    """The only server that the frames show."""
    (server,) = report_of(folder, frames, **options).servers
    return server


def connections_of(
    frames: list[Frame], link: int = 101, limits: Limits | None = None
) -> list[Connection]:
    """What the engine makes of raw IP packets, without files."""
    found: list[Connection] = []
    engine = Engine(found.append, KeyLog(), limits)
    engine.feed(
        (frame.time, 0, n, link, frame.data, 0, len(frame.data))
        for n, frame in enumerate(frames, 1)
    )
    engine.finish()
    return found


def outcomes(lines: list[Seen]) -> list[tuple[str | None, str]]:
    """Mechanism and outcome of each connection, in order."""
    return [(line.offered, line.outcome) for line in lines]
