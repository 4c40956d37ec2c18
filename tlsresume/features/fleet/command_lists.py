"""From target lists to jobs, line by line, whatever their length.

A regular file is read twice: first to tell all of its bad lines before anything is connected to,
and to count its targets. A pipe is read once, as it comes, and a bad line ends the run when it
comes, unless bad lines are skipped.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import select
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Self

import click
from msgspec import Struct, field

from tlsresume import files
from tlsresume.cli.connecting import Connection, line_options
from tlsresume.cli.mistakes import click_message
from tlsresume.errors import FileError, UsageError, reason_of
from tlsresume.features.fleet.lines import LONGEST, Line, Named, Network, Words, expand, parse_line
from tlsresume.features.fleet.selection import Exclusions, Job, Shard
from tlsresume.options import ProbeOptions
from tlsresume.results.report import TargetResult
from tlsresume.runs.before_probe import check_probe
from tlsresume.runs.fingerprint import fingerprint
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.target import Target

#: How many bad lines are told, and how many hints on them.
MOST_TOLD, MOST_HINTS = 200, 5
#: Lines of a pipe that are read ahead.
_AHEAD = 256
#: Stands for a line of which no more is kept than that it is too long.
_TOO_LONG = "." * (LONGEST + 1)

Entry = tuple[Target, Connection]


class Rules(Struct, kw_only=True):
    """What becomes of each target: its options, and whether it is probed at all.

    `earlier` gives what a run before this one found of it; `known` is told of that.
    """

    options: Callable[[Target, Connection], ProbeOptions]
    shard: Shard | None = None
    exclusions: Exclusions = field(default_factory=Exclusions)
    earlier: Callable[[str], TargetResult | None] = lambda _fingerprint: None
    known: Callable[[TargetResult], None] = lambda _result: None
    excluded: int = 0

    def job(self, target: Target, own: Connection) -> Job | None:
        """The job of a target; None where there is nothing to do."""
        if self.shard is not None and not self.shard.has(target):
            return None
        if self._is_excluded(target):
            self.excluded += 1
            return None
        options = self.options(target, own)
        check_probe(target, options)
        job = Job(target=target, options=options, fingerprint=fingerprint(target, options))
        found = self.earlier(job.fingerprint)
        if found is not None:
            self.known(found)
            return None
        return job

    def _is_excluded(self, target: Target) -> bool:
        host, _ = target.dial_to
        return self.exclusions.anything and (
            self.exclusions.name(target.host) or self.exclusions.name(host)
        )


class TargetList:
    """Targets of the command line, then those of a file or a pipe, as jobs."""

    def __init__(
        self,
        texts: tuple[str, ...],
        path: str | None,
        connection: Connection,
        *,
        expand_networks: bool,
        skip_bad: Callable[[str], None] | None,
    ) -> None:
        self._connection = connection
        self._expand = expand_networks
        self._skip_bad = skip_bad
        self._first = [entry for text in texts for entry in self._entries(_word(text))]
        self._name = "standard input" if path == "-" else path
        self._file = _opened(path) if path is not None else None
        self.total: int | None = len(self._first)
        self._rewinds = self._file is not None and _is_regular(self._file)
        self._left: Iterator[Entry] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        # A pipe may be being read by a thread that nobody waits for.
        if self._file is not None and self._rewinds and self._name != "standard input":
            self._file.close()

    def check(self) -> None:
        """Read a regular file once, to know its bad lines and how many targets it has.

        Raises UsageError naming every bad line, or where there is no target; FileError.
        """
        if self._file is None:
            return
        if not self._rewinds:
            self.total = None
            return
        number = len(self._first)
        wrong: list[tuple[int, UsageError]] = []
        for place, text in self._lines(self._file):
            try:
                number += self._count(_parsed(text))
            except UsageError as error:
                wrong.append((place, error))
        if wrong and self._skip_bad is None:
            raise self._bad_lines(wrong)
        for place, problem in wrong:
            self._skip(place, problem)
        if not number:
            raise UsageError(f"{self._name} names no target")
        self.total = number
        self._skip_bad = None if self._skip_bad is None else lambda _line: None
        self._file.seek(0)

    def _count(self, line: Line | None) -> int:
        """How many targets a line names, each of them parsed but those of a network."""
        if isinstance(line, Network) and self._expand:
            next(iter(self._entries(line)))
            size: int = line.network.num_addresses
            return max(1, size - 2) if line.network.version == 4 and size > 2 else size
        return sum(1 for _ in self._entries(line))

    # ------------------------------------------------------------------- jobs

    async def jobs(self, rules: Rules) -> AsyncIterator[Job]:
        """The jobs, as they are asked for. Raises UsageError and FileError."""
        if self._file is None or self._rewinds:
            for job in self.rest(rules):
                yield job
            return
        for entry in self._first:
            if (found := rules.job(*entry)) is not None:
                yield found
        number = len(self._first)
        async for place, text in self._piped():
            for entry in self._told(place, text):
                number += 1
                if (found := rules.job(*entry)) is not None:
                    yield found
        if not number:
            raise UsageError(f"{self._name} names no target")

    def rest(self, rules: Rules) -> Iterator[Job]:
        """The jobs that were not given yet, where that needs no waiting."""
        if self._file is not None and not self._rewinds:
            return
        if self._left is None:
            self._left = self._entries_of_all()
        for entry in self._left:
            if (job := rules.job(*entry)) is not None:
                yield job

    def _entries_of_all(self) -> Iterator[Entry]:
        yield from self._first
        if self._file is not None:
            for place, text in self._lines(self._file):
                yield from self._told(place, text)

    def _told(self, place: int, text: str) -> Iterator[Entry]:
        """The targets of a line; a bad one is told of and skipped, or raised."""
        try:
            yield from self._entries(_parsed(text))
        except UsageError as error:
            if self._skip_bad is None:
                raise self._bad_lines([(place, error)]) from None
            self._skip(place, error)

    def _skip(self, place: int, problem: UsageError) -> None:
        if self._skip_bad is not None:
            self._skip_bad(f"{self._name}, line {place}: {problem.message}; it was skipped")

    def _entries(self, line: Line | None) -> Iterator[Entry]:
        """Raises UsageError."""
        match line:
            case Words(words):
                yield self._own(words)
            case Named():
                yield self._named(line), self._connection
            case Network(network):
                if not self._expand:
                    raise UsageError(
                        f"{network} is a network", hints=("--expand probes each of its addresses",)
                    )
                try:
                    for each in expand(line):
                        yield self._named(each), self._connection
                except ValueError as error:
                    raise UsageError(str(error)) from None

    def _named(self, line: Named) -> Target:
        host = line.domain or line.address or ""
        text = host if line.port is None else format_endpoint(host, line.port)
        target = self._connection.target(text)
        if line.domain is None or line.address is None:
            return target
        return replace(target, connect=(line.address, target.port))

    def _own(self, words: tuple[str, ...]) -> Entry:
        try:
            text, own = self._connection.line(list(words))
            return own.target(text), own
        except click.ClickException as error:
            unknown = isinstance(error, click.NoSuchOption)
            hints = (f"a line may have: {', '.join(line_options())}",) if unknown else ()
            raise UsageError(click_message(error), hints=hints) from None

    def _bad_lines(self, wrong: list[tuple[int, UsageError]]) -> UsageError:
        """One error for all bad lines."""
        if len(wrong) == 1:
            ((place, error),) = wrong
            return UsageError(f"{self._name}, line {place}: {error.message}", hints=error.hints)
        told = tuple(f"line {place}: {error.message}" for place, error in wrong[:MOST_TOLD])
        if len(wrong) > MOST_TOLD:
            told = (*told, f"and {len(wrong) - MOST_TOLD} more")
        hints = dict.fromkeys(hint for _, error in wrong for hint in error.hints)
        return UsageError(
            f"{self._name} has {len(wrong)} bad lines",
            details=told,
            hints=tuple(hints)[:MOST_HINTS],
        )

    # ------------------------------------------------------------------ reading

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, str]]:
        """Numbered lines. Raises FileError where the file cannot be read or is no text."""
        try:
            place = 0
            while data := file.readline(LONGEST + 1):
                place += 1
                if len(data) > LONGEST and not data.endswith(b"\n"):
                    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                        pass
                    yield place, "#" if data.lstrip().startswith(b"#") else _TOO_LONG
                    continue
                yield place, self._decoded(data, place)
        except OSError as error:
            name = self._name or ""
            raise FileError(f"cannot read {name}: {reason_of(error)}", path=name) from None

    def _decoded(self, data: bytes, place: int) -> str:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            wide = place == 1 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            raise FileError(
                f"{self._name} is not UTF-8 text",
                path=self._name or "",
                hints=("it is UTF-16: save it as UTF-8, or: iconv -f UTF-16 -t UTF-8",) * wide,
            ) from None
        return text.removeprefix("\ufeff") if place == 1 else text

    async def _piped(self) -> AsyncIterator[tuple[int, str]]:
        """Lines of a pipe, read by a thread that nobody waits for."""
        import queue

        lines: queue.Queue[tuple[int, str] | Exception | None] = queue.Queue(_AHEAD)
        loop = asyncio.get_running_loop()
        some = asyncio.Event()
        file = self._file

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(some.set)
            except RuntimeError:
                return  # the loop is closed: nobody listens

        def read() -> None:
            try:
                if file is not None:
                    for line in self._lines(file):
                        lines.put(line)
                        wake()
                lines.put(None)
            except Exception as error:  # noqa: BLE001  it is raised where it is waited for
                lines.put(error)
            wake()

        threading.Thread(target=read, daemon=True).start()
        while True:
            try:
                line = lines.get_nowait()
            except queue.Empty:
                some.clear()
                if lines.empty():
                    await some.wait()
                continue
            if line is None:
                return
            if isinstance(line, Exception):
                raise line
            yield line


def _parsed(text: str) -> Line | None:
    """Raises UsageError."""
    try:
        return parse_line(text)
    except ValueError as error:
        raise UsageError(str(error)[:1].lower() + str(error)[1:]) from None


def _word(text: str) -> Line:
    """A target of the command line: a network, or as it is."""
    try:
        found = parse_line(text) if "/" in text else None
    except ValueError:
        found = None
    return found if isinstance(found, Network) else Words((text,))


def _opened(path: str) -> BinaryIO:
    """Raises FileError."""
    if path == "-":
        return sys.stdin.buffer
    fd = -1
    try:
        # Without O_NONBLOCK the opening of a pipe waits for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise FileError(f"{path} is a folder", path=path, hints=("name a file in it",))
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or os.isatty(fd)):
            raise FileError(f"{path} is a device, and no list of targets", path=path)
        if not stat.S_ISREG(mode) and not select.select([fd], [], [], files.PATIENCE)[0]:
            raise FileError(f"nothing came from {path} in {files.PATIENCE:g} s", path=path)
        os.set_blocking(fd, True)
        return os.fdopen(fd, "rb")
    except (OSError, ValueError) as error:
        if fd >= 0:
            os.close(fd)
        raise FileError(f"cannot read {path}: {reason_of(error)}", path=path) from None
    except FileError:
        os.close(fd)
        raise


def _is_regular(file: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and file.seekable()
    except (OSError, ValueError):
        return False
