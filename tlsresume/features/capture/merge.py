"""Several captures as one, in the order of time.

A file whose packets are slightly out of order, as those of several queues or interfaces,
is put in order within a window. Of files that follow each other in time (`tcpdump -G`) only
one is open; of files that overlap, all that do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from tlsresume.features.capture.inputs import STDIN, Input, can_be_read_twice
from tlsresume.features.capture.pcap import Packet, is_pcap, read_pcap
from tlsresume.features.capture.pcapng import MAGIC, OnSecrets, read_pcapng

#: Packets held back, so that a later one with an earlier time can go before them: at least, and
#: at most, and in between the packets of so many reads. What is held should fit into a
#: processor's cache: with 5 MB of large packets everything took a quarter longer.
LEAST, MOST, READS = 512, 4096, 4
#: Of a stream, packets are not held back longer than this, in nanoseconds of its own clock.
STREAM_PATIENCE = 1_000_000_000

_by_time = itemgetter(0)


class CaptureFile:
    """One file of a capture: what was read of it, and why the reading ended, if too early."""

    def __init__(self, path: str, number: int, on_secrets: OnSecrets) -> None:
        """Look at the start of the file. Raises CaptureFileError where it is no capture."""
        self.path = path
        self.number = number
        self.packets = 0
        self.damage: str | None = None
        self.newest = 0
        #: Whether a stream had nothing to say for a while.
        self.idle = False
        self._on_secrets = on_secrets
        self._batches: Iterator[list[Packet]] | None = None
        self._source: Input | None = None
        self._first: list[Packet] = []
        self._begin()
        self.start = min(map(_by_time, self._first), default=0)
        if can_be_read_twice(path):
            # A thousand files can be named; only those that are being read are open.
            self.close()

    def _begin(self) -> None:
        self._source = source = Input(self.path)
        try:
            if is_pcap(source.head):
                self._batches = read_pcap(source, self.number, self._damaged)
            elif source.head.startswith(MAGIC):
                self._batches = read_pcapng(source, self.number, self._damaged, self._on_secrets)
            else:
                raise source.not_a_capture()
            # Of a stream the first packets are not waited for here.
            for batch in self._batches if self.path != STDIN else ():
                self._first = batch
                if batch:
                    break
        except BaseException:
            self.close()
            raise

    def _damaged(self, why: str) -> None:
        self.damage = why

    def close(self) -> None:
        """Close the file."""
        self._batches = None
        if self._source is not None:
            self._source.close()
            self._source = None

    def next_batch(self) -> list[Packet] | None:
        """Some packets, None at the end. Raises CaptureFileError."""
        if self._batches is None:
            self._begin()
        batch, self._first = self._first, []
        if not batch:
            following = None if self._batches is None else next(self._batches, None)
            if following is None:
                self.close()
                return None
            batch = following
            self.idle = self.path == STDIN and not batch
        self.packets += len(batch)
        return batch


def open_captures(paths: Sequence[str], on_secrets: OnSecrets) -> list[CaptureFile]:
    """The files, each looked at. Raises CaptureFileError; then none is left open."""
    opened: list[CaptureFile] = []
    try:
        for number, path in enumerate(paths):
            opened.append(CaptureFile(path, number, on_secrets))
    except BaseException:
        for file in opened:
            file.close()
        raise
    return opened


class Ordered:
    """All packets of some files in the order of time, in batches; see `LEAST`."""

    def __init__(self, files: Sequence[CaptureFile]) -> None:
        self._files = files
        self._window: list[Packet] = []

    def __iter__(self) -> Iterator[list[Packet]]:
        """The batches; an empty one says that nothing is ready. Raises CaptureFileError."""
        waiting = sorted(self._files, key=lambda file: file.start)
        reading: list[CaptureFile] = []
        window, held = self._window, MOST
        patience = STREAM_PATIENCE if any(file.path == STDIN for file in self._files) else None
        while waiting or reading:
            behind = min(reading, key=lambda file: file.newest, default=None)
            if behind is None or (waiting and waiting[0].start <= behind.newest):
                behind = waiting.pop(0)
                reading.append(behind)
            batch = behind.next_batch()
            if batch is None:
                reading.remove(behind)
            elif batch:
                _add(window, batch, behind)
            horizon = min((file.newest for file in reading), default=None)
            if horizon is None and waiting:
                horizon = waiting[0].start
            if batch:
                held = min(MOST, max(LEAST, READS * len(batch)))
            number = len(window) if behind.idle else _ready(window, held, horizon, patience)
            ready = window[:number]
            del window[: len(ready)]
            yield ready
        yield self.rest()

    def rest(self) -> list[Packet]:
        """What is held back, also where the reading was interrupted."""
        rest = self._window[:]
        self._window.clear()
        return rest


def _add(window: list[Packet], batch: list[Packet], file: CaptureFile) -> None:
    """Put a batch into the window. Most are in order, and begin where the window ends."""
    times = [packet[0] for packet in batch]
    ordered = times == sorted(times)
    file.newest = max(file.newest, times[-1] if ordered else max(times))
    ordered = ordered and (not window or window[-1][0] <= times[0])
    window += batch
    if not ordered:
        window.sort(key=_by_time)


def _ready(window: list[Packet], held: int, horizon: int | None, patience: int | None) -> int:
    """How many packets of the window nothing can come before any more, as far as one can tell."""
    if horizon is None:
        return len(window)
    ready = max(0, len(window) - held)
    if patience is not None and window:
        oldest = window[-1][0] - patience
        while ready < len(window) and window[ready][0] < oldest:
            ready += 1
    while ready and window[ready - 1][0] > horizon:
        ready -= 1
    return ready


def newest_time(paths: Sequence[str]) -> int:
    """The time of the last packet of all files, read through for that."""
    newest = 0
    for file in open_captures(paths, lambda _text: None):
        while (batch := file.next_batch()) is not None:
            newest = max(newest, max(map(_by_time, batch), default=0))
    return newest
