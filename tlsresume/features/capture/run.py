"""Reading captures from first packet to report; nothing is printed here."""

from __future__ import annotations

import codecs
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tlsresume.durations import parse_duration
from tlsresume.errors import CaptureFileError, ExitStatus, UsageError
from tlsresume.features.capture.build import server_reports
from tlsresume.features.capture.clients import ClientNames
from tlsresume.features.capture.engine import Connection, Engine
from tlsresume.features.capture.inputs import CHUNK, STDIN, Input, can_be_read_twice
from tlsresume.features.capture.merge import Ordered, newest_time, open_captures
from tlsresume.features.capture.pcap import Packet
from tlsresume.features.capture.report import CaptureReport, FileReport
from tlsresume.features.capture.sample import never_visible
from tlsresume.features.capture.seen import Judged, Memory, endpoint, judge, line_of, utc
from tlsresume.features.capture.seen import Seen as Line
from tlsresume.features.capture.tally import Tallies
from tlsresume.files import is_regular, read_bounded
from tlsresume.sessions.unwrap import decode_text
from tlsresume.tls.key_log import KeyLog
from tlsresume.units import count
from tlsresume.value import row_of

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import TicketKeyFile

_LONGEST_LINE = 1 << 12
#: Of a key log that comes through a pipe, which has no size to look at before.
_LARGEST_PIPED = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """What to read and what of it counts. `since` and `until` are nanoseconds since 1970;
    `servers` are shell patterns, of which one must match."""

    files: tuple[str, ...]
    key_log: KeyLog
    key_files: tuple[TicketKeyFile, ...] = ()
    servers: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    top: int = 100


OnLine = Callable[[Line], None]


class Capture:
    """One run over captures. `report` can be asked for at any time."""

    def __init__(
        self, options: CaptureOptions, names: ClientNames, on_line: OnLine | None = None
    ) -> None:
        """Look at every file. Raises CaptureFileError."""
        self._options = options
        self._names = names
        self._on_line = on_line
        self._memory = Memory()
        self._first: int | None = None
        self._last = 0
        #: Connections that were captured under other addresses before.
        self.seen_twice = 0
        self.tallies = Tallies(options.top, options.key_files)
        self.engine = Engine(self._connection, options.key_log)
        self._ordered: Ordered | None = None
        self.files = open_captures(
            options.files, lambda text: options.key_log.add(text.splitlines())
        )

    def read(self, progress: Callable[[], None] = lambda: None) -> None:
        """Read all packets; `progress` is called now and then. Raises CaptureFileError."""
        self._ordered = Ordered(self.files)
        try:
            for batch in self._ordered:
                self._feed(batch)
                progress()
        finally:
            for file in self.files:
                file.close()

    def finish(self) -> None:
        """No more packets: connections in progress count as they stand, also after an
        interrupt."""
        if self._ordered is not None:
            self._feed(self._ordered.rest())
        self.engine.finish()

    def _feed(self, batch: list[Packet]) -> None:
        if not batch:
            return
        first, last = batch[0][0], batch[-1][0]
        self._first = first if self._first is None else min(self._first, first)
        self._last = max(self._last, last)
        self.engine.feed(batch)

    def _connection(self, connection: Connection) -> None:
        if self._memory.twice(connection):
            self.seen_twice += 1
            return
        judged = judge(connection, self._memory)
        if not self._counts(judged):
            return
        client = self._names.name(connection.client)
        self.tallies.add(judged, client)
        if self._on_line is not None:
            self._on_line(line_of(judged, client, self._options.files))

    def _counts(self, judged: Judged) -> bool:
        options, time = self._options, judged.connection.start
        if options.since is not None and time < options.since:
            return False
        if options.until is not None and time > options.until:
            return False
        if not options.servers:
            return True
        names = {judged.server.lower(), endpoint(judged.connection.server)}
        return any(_matches(pattern, name) for pattern in options.servers for name in names)

    def refuse_unread(self) -> None:
        """Raise CaptureFileError where no packet at all is of a link type that is read."""
        unsupported = self.engine.dissector.unsupported
        if not unsupported or sum(unsupported.values()) < self.engine.packets:
            return
        links = ", ".join(map(str, sorted(unsupported)))
        raise CaptureFileError(
            f"no packet of {', '.join(self._options.files)} can be read: link type {links} is not"
            " supported",
            path=self._options.files[0],
            hints=("capture at an interface of the server, or of the client, itself",),
        )

    # ---------------------------------------------------------------- report

    def report(self, most: int | None = None) -> CaptureReport:
        """All that is known by now, of at most so many servers, if fewer than was asked."""
        tallies, options = self.tallies, self._options
        top = options.top if most is None else min(most, options.top)
        servers = server_reports(tallies, options.files, top)
        return CaptureReport(
            exit_status=int(ExitStatus.OK),
            exit_zero=False,
            why="",
            connections=tallies.connections,
            handshakes=tallies.handshakes,
            first=None if self._first is None else utc(self._first),
            last=None if self._first is None else utc(self._last),
            files=tuple(row_of(FileReport, file, file=file.path) for file in self.files),
            notes=tuple(self._notes()),
            servers_total=tallies.servers.total,
            servers_dropped=tallies.servers.total - len(servers),
            servers=servers,
            not_visible=never_visible(),
        )

    def _notes(self) -> list[str]:
        """What a reader must know of the reading."""
        found = [f"{file.path}: {file.damage}; read to there" for file in self.files if file.damage]
        unsupported = self.engine.dissector.unsupported
        found += [
            f"{count(number, 'packet')} of link type {link} not read: this link is not supported"
            for link, number in unsupported.items()
        ]
        if self.seen_twice:
            found.append(
                f"{count(self.seen_twice, 'connection')} captured twice, as on two interfaces with"
                " address translation between them, and counted once"
            )
        if self.engine.given_up:
            found.append(
                f"{count(self.engine.given_up, 'connection')} given up before the end, because"
                " too many were open at a time"
            )
        if self.engine.packets and not self.tallies.connections and not unsupported:
            found.append(
                "no TLS connection that counts: was the start of connections captured, and the"
                " right port? DTLS is not read from captures"
            )
        return found


def _matches(pattern: str, name: str) -> bool:
    """A shell glob; an address in brackets may be written as it is."""
    pattern = pattern.lower()
    return pattern == name or fnmatchcase(name, pattern)


def read_key_log(path: str, into: KeyLog) -> int:
    """Take the secrets of a key log; how many there were. Raises CaptureFileError."""
    if not is_regular(path):
        data, _ = read_bounded(path, _LARGEST_PIPED, CaptureFileError)
        if len(data) > _LARGEST_PIPED:
            raise CaptureFileError(f"{path} is too large for a key log in a pipe", path=path)
        return into.add(decode_text(data)[0].splitlines())
    source = Input(path)
    decode = _decoder(source.head)
    found, rest = 0, decode(source.head)
    try:
        while True:
            more = source.read(CHUNK)
            lines = (rest + decode(more)).split(b"\n")
            # What is longer is no line of a key log.
            rest = lines.pop() if more else b""
            rest = rest if len(rest) <= _LONGEST_LINE else b""
            found += into.add(lines)
            if not more:
                return found
    finally:
        source.close()


def _decoder(head: bytes) -> Callable[[bytes], bytes]:
    """What makes UTF-8 of a file that begins like this, piece by piece."""
    name = "utf-16" if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    decode = codecs.getincrementaldecoder(name)("replace").decode
    return lambda data: decode(data).encode()


def moment(option: str, text: str, files: Sequence[str]) -> int:
    """Nanoseconds since 1970, from RFC 3339, or a duration before the captures' end.

    Raises UsageError, also for a duration where the end cannot be known before reading;
    CaptureFileError where the files cannot be read.
    """
    try:
        seconds = parse_duration(text)
    except ValueError:
        return _rfc3339(option, text)
    if not all(can_be_read_twice(path) for path in files):
        what = "the standard input" if STDIN in files else "a pipe"
        raise UsageError(
            f"{option} {text}: the end of {what} is not known",
            hints=("give a time, such as 2026-01-31T12:00:00Z",),
        )
    return newest_time(files) - round(seconds * 10**9)


def _rfc3339(option: str, text: str) -> int:
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option}: {text!r} is neither a time of RFC 3339 nor a duration",
            hints=("such as 2026-01-31T12:00:00Z, 90s, 15m, 24h",),
        ) from None
    if when.tzinfo is None:
        raise UsageError(
            f"{option}: {text!r} has no time zone",
            hints=("Z for UTC, or an offset such as +02:00",),
        )
    since = when - dt.datetime.fromtimestamp(0, dt.UTC)
    return (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000
