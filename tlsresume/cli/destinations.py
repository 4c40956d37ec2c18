"""Where one format of a run goes: stdout, a file that grows, or a file that is replaced.

A file that speaks per target grows as results come; any other is replaced as a whole at the end,
so that a reader never sees half a report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from tlsresume.formats import FORMATS

if TYPE_CHECKING:
    from tlsresume.features.fleet.growing import GrowingFile

#: A report holds no secret: the umask alone says who may read it.
_REPORT_MODE = 0o666
#: Bytes of an unfinished report that are kept in memory, and that are copied at a time.
_IN_MEMORY = 1 << 20
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Choice:
    """A format and its file (None: stdout)."""

    name: str
    file: str | None

    def __str__(self) -> str:
        return self.name if self.file is None else f"{self.name}={self.file}"

    @property
    def holds_attempts(self) -> bool:
        """Whether its output has every attempt, unless it is to be brief."""
        return self.name in FORMATS and FORMATS[self.name].holds_attempts


class Destination:
    """What is written of one choice. `done`: nothing more is to be written there."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.done = False
        self._begun = False
        self._growing: GrowingFile | None = None
        #: Where the text of a file waits until it is whole: on the disk where there is much of
        #: it, and without a name, so that nothing is left behind.
        self._whole: IO[bytes] | None = None

    def grow(self, *, keep: bool) -> None:
        """Open the file for results as they come; with `keep` what it holds stays.

        Raises OutputFileError.
        """
        from tlsresume.features.fleet.growing import GrowingFile

        self._growing = GrowingFile(self.choice.file or "", keep=keep)

    def before_target(self) -> str:
        """What stands before the next target."""
        form = FORMATS[self.choice.name]
        if self._begun:
            return form.between
        self._begun = True
        return form.head()

    def put(self, text: str) -> None:
        """Write a piece. Raises OutputFileError."""
        from tlsresume.cli.console import write_data

        if self.choice.file is None:
            write_data(text)
        elif self._growing is not None:
            self._growing.write(text)
        else:
            import tempfile

            if self._whole is None:
                self._whole = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  closed with the report
            try:
                self._whole.write(text.encode("utf-8", "backslashreplace"))
            except OSError as error:
                from tlsresume.errors import OutputFileError

                reason = (error.strerror or str(error)).lower()
                raise OutputFileError(
                    f"cannot keep the report for {self.choice.file}: {reason}",
                    path=self.choice.file,
                ) from None

    def close(self, text: str) -> None:
        """Write the last piece. Raises OutputFileError."""
        self.done = True
        self.put(text)
        if self._growing is not None:
            self._growing.close()
        elif self._whole is not None and self.choice.file is not None:
            from tlsresume.files import write_atomically

            whole, self._whole = self._whole, None
            with whole:
                whole.seek(0)
                pieces = iter(lambda: whole.read(_PIECE), b"")
                write_atomically(self.choice.file, pieces, force=True, mode=_REPORT_MODE)
