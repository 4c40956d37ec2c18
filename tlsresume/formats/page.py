"""The page that every text for people is built on.

A page is a list of lines, a line a list of parts, a part a string with a style.
Each string goes through `printable` here and nowhere else, and none is read as
markup. Lines of prose are wrapped between words; a line of data is never cut
and never broken inside a word. rich turns styles into colours, and is imported
only when there are any to show.
"""

from __future__ import annotations

import io
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from tlsresume.formats.printable import RUNNER_COMMAND, printable

ColourSystem = Literal["standard", "256", "truecolor"]

#: Text that goes to a file or a pipe is not wrapped: a width that no line reaches.
UNWRAPPED = 1_000_000

GOOD, FAIR, BAD, UNSURE = "bold green", "bold yellow", "bold red", "bold magenta"
STRONG, FAINT = "bold", "dim"

#: How a verdict or a state is shown: HTML has classes of these names.
Tone = Literal["good", "fair", "bad", "none"]
TONE_STYLE: dict[Tone, str] = {"good": GOOD, "fair": FAIR, "bad": BAD, "none": UNSURE}

Part = str | tuple[str, str]


class View(NamedTuple):
    """For whom text is made: its width in cells, its colours (None: no escape
    sequence at all), whether every attempt is listed, and whether it is about one of
    many targets. `command` is the command line that made it, without secrets, for reports
    that are looked at later."""

    width: int = UNWRAPPED
    colour: ColourSystem | None = None
    verbose: bool = False
    many: bool = False
    command: str = ""

    @property
    def wraps(self) -> bool:
        """Whether it is for a screen: lines have a width there, and rows are few."""
        return self.width < UNWRAPPED


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad(text: str, width: int) -> str:
    """A text, made safe and filled with spaces to a width in cells; never cut."""
    safe = printable(text)
    return safe + " " * max(0, width - cells(safe))


def cut(text: str, width: int) -> str:
    """A text, made safe, that takes `width` cells at most: cut between two words, with `...`
    where something is left out."""
    safe = printable(text)
    if cells(safe) <= width:
        return safe
    kept = ""
    for word in safe.split(" "):
        longer = f"{kept} {word}" if kept else word
        if cells(longer) + 4 > width:
            break
        kept = longer
    return f"{kept.rstrip(' ,;:')} ..." if kept else safe[: max(0, width - 3)] + "..."


def _wrap(text: str, width: int) -> list[str]:
    """Lines broken between words only. Linear, where none is broken at all."""
    if len(text) <= width and text.isascii():
        return [text] if text else []
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


class _Row(NamedTuple):
    """A line of a page. `weight`: how soon it may be left out, 0 never, high ones first. Lines of
    one `entry` belong together: all are left out, or none."""

    parts: list[tuple[str, str]]
    weight: int
    entry: int


class Page:
    """Lines of styled text, and their rendering."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._rows: list[_Row] = []
        self._weight = 0
        self._entry = 0

    @property
    def rows(self) -> int:
        """How many lines it has."""
        return len(self._rows)

    def rows_up_to(self, weight: int) -> int:
        """How many lines it has of that weight or less."""
        return sum(row.weight <= weight for row in self._rows)

    @contextmanager
    def aside(self, weight: int) -> Iterator[None]:
        """Lines that are added within may be left out: the greater the weight, the sooner."""
        before, self._weight = self._weight, max(weight, self._weight)
        try:
            yield
        finally:
            self._weight = before

    def fit(self, rows: int) -> bool:
        """Leave out lines, of the greatest weight and the last of them first, until there are
        so many at most, or only such as are never left out. Whether any was left out."""
        size = Counter(row.entry for row in self._rows)
        droppable = sorted({(row.weight, row.entry) for row in self._rows if row.weight})
        gone: set[int] = set()
        left = self.rows
        while droppable and left > rows:
            _, entry = droppable.pop()
            gone.add(entry)
            left -= size[entry]
        self._rows = [row for row in self._rows if row.entry not in gone]
        return bool(gone)

    def line(self, *parts: Part) -> None:
        """Add one line as it is; without parts, an empty one."""
        styled = [(part, "") if isinstance(part, str) else part for part in parts]
        safe = [(printable(text).replace(RUNNER_COMMAND, "##\\["), style) for text, style in styled]
        self._entry += 1
        self._rows.append(_Row(safe, self._weight, self._entry))

    def _words(self, lines: list[str], first: tuple[str, str], text_style: str) -> None:
        """Add lines that belong together, indented to `first`."""
        indent = " " * cells(first[0])
        entry = self._entry + 1
        for number, words in enumerate(lines):
            start = (indent, "") if number else first
            # A CI runner takes a line that begins with :: for a command.
            foreign = not start[0].strip() and words.startswith("::")
            self.line(start, (f"\\{words}" if foreign else words, text_style))
            self._rows[-1] = self._rows[-1]._replace(entry=entry)

    def prose(self, text: str, *, first: str = "", style: str = "", text_style: str = "") -> None:
        """Add words, wrapped at the view's width; `first` leads, the rest is indented to it.

        The lead is styled with `style`, the words with `text_style`.
        """
        lead = printable(first)
        wrapped = _wrap(printable(text), max(20, self.view.width - cells(lead)))
        self._words(wrapped or [""], (lead, style), text_style)

    def fit_screen(self, rows: int, *, told: bool = False) -> None:
        """Leave out lines until it fits a screen, and say what shows them, unless that is
        `told` already. A pipe and a reader who wants everything get all; so does one whose
        answer does not fit anyway."""
        for_screen = self.view.wraps and not self.view.verbose
        if for_screen and self.rows > rows > self.rows_up_to(0) and self.fit(rows - 1):
            if told:
                return
            self.line(("More: -v", FAINT))

    def one_line(
        self, text: str, *, first: str = "", style: str = "", text_style: str = ""
    ) -> None:
        """Add words that stay on one line: cut at the view's width."""
        lead = printable(first)
        room = max(20, self.view.width - cells(lead))
        self._words([cut(text, room)], (lead, style), text_style)

    def wrapped(self, text: str, *, rows: int, first: str = "", style: str = "") -> None:
        """Add words in so many lines at most, each indented to `first`; cut where they need more."""
        lead = printable(first)
        room = max(20, self.view.width - cells(lead))
        lines = _wrap(printable(text), room)
        if len(lines) > rows:
            lines = [*lines[: rows - 1], cut(" ".join(lines[rows - 1 :]), room)]
        self._words(lines, (lead, style), "")

    def render(self) -> str:
        """The page as text, each line ended; with escape sequences only for a colour view."""
        if self.view.colour is None:
            return "".join(
                "".join(text for text, _ in row.parts).rstrip() + "\n" for row in self._rows
            )
        from rich.console import Console
        from rich.text import Text

        console = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system=self.view.colour,
            width=self.view.width,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )
        with console.capture() as captured:
            for row in self._rows:
                text = Text.assemble(*row.parts)
                text.rstrip()
                console.print(text, soft_wrap=True)
        return captured.get()
