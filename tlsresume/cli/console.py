"""What the user sees, and where it goes.

stdout is data, and only data; everything else is talk and goes to stderr. Text
is made on a Page, so nothing a server or a file says can steer the terminal.
Colours go to terminals only, and never when NO_COLOR is set. A reader that went
away (`| head`) is no error; a full disk is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from tlsresume.errors import OutputFileError
from tlsresume.formats.page import BAD, FAINT, FAIR, Page, Part, View
from tlsresume.formats.printable import printable

if TYPE_CHECKING:
    from tlsresume.errors import TLSResumeError
    from tlsresume.formats.page import ColourSystem
    from tlsresume.network.trace import TraceLine

#: Prose is hard to read in longer lines, however wide the terminal is.
_WIDEST = 120
_NARROWEST = 40


def stdout() -> TextIO:
    """The standard output as it is now."""
    return sys.stdout


def stderr() -> TextIO:
    """The standard error output as it is now."""
    return sys.stderr


def view_of(stream: TextIO, *, verbose: bool = False) -> View:
    """The width and colours that suit a stream: a terminal's own, else fixed and plain."""
    if not stream.isatty():
        return View(verbose=verbose)
    from rich.console import Console

    console = Console(file=stream)
    colour: ColourSystem | None = None
    if not console.no_color and console.color_system is not None:
        system = console.color_system
        colour = "256" if system == "256" else "truecolor" if system == "truecolor" else "standard"
    width = max(_NARROWEST, min(_WIDEST, console.width))
    return View(width=width, colour=colour, verbose=verbose)


#: Whether a status line stands on the terminal.
_standing = False

_ERASE = "\r\x1b[K"


def status(text: str) -> None:
    """Show on a terminal's stderr what is being done; the next status, or whatever else is
    written, takes its place. Elsewhere nothing is shown."""
    global _standing  # noqa: PLW0603  there is one terminal
    if not sys.stderr.isatty():
        return
    import shutil

    width = shutil.get_terminal_size().columns
    _write_talk(_ERASE + printable(text)[: width - 1])
    _standing = True


def end_status() -> None:
    """Take the status line away, if one stands there."""
    global _standing  # noqa: PLW0603  there is one terminal
    if _standing:
        _standing = False
        _write_talk(_ERASE)


def write_data(text: str) -> None:
    """Write to stdout, as UTF-8, and flush. Raises OutputFileError if it takes no more."""
    end_status()
    stream = sys.stdout
    data = text.encode("utf-8", "backslashreplace")
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except OSError as error:
        failure = unwritable(error)
        if error.errno == errno.EPIPE:
            return
        raise failure from None


def unwritable(error: OSError) -> OutputFileError:
    """What to say of a stdout that takes no more. Nothing else will be written there."""
    _give_up(sys.stdout)
    return OutputFileError(f"cannot write to the standard output: {error.strerror}", path="-")


def _give_up(stream: TextIO) -> None:
    """Point a broken stream at nothing, so that no later flush fails again."""
    with contextlib.suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def leave_line() -> None:
    """Begin a new line on a terminal, which shows ^C where the last one ended."""
    if sys.stderr.isatty():
        say_text("\n")


def say(page: Page) -> None:
    """Write a page to stderr."""
    say_text(page.render())


def say_text(text: str) -> None:
    """Write rendered text to stderr; a stderr that is gone is no error."""
    end_status()
    _write_talk(text)


def _write_talk(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


@contextlib.contextmanager
def live_view(words: str) -> Iterator[Callable[[Callable[[View], str]], None]]:
    """A view on the terminal of stderr, gone at the end: what is given draws it anew with a
    function that renders it. `words` stand there until then."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stderr())
    with Live(Text(words), console=console, auto_refresh=False, transient=True) as live:
        yield lambda render: live.update(Text.from_ansi(render(view_of(stderr()))), refresh=True)


def talk() -> Page:
    """An empty page for stderr."""
    return Page(view_of(sys.stderr))


def warn(message: str) -> None:
    """Say something that is not an error, on stderr."""
    _say_line("tlsresume: ", ("warning: ", FAIR), message)


def note(message: str) -> None:
    """Say something useful, on stderr."""
    _say_line("tlsresume: ", message)


def _say_line(*parts: Part) -> None:
    page = talk()
    page.line(*parts)
    say(page)


def report_error(error: TLSResumeError) -> None:
    """One line, then OpenSSL's error stack where there is one, then the hints, each on one line:
    a command in it is there to be copied."""
    page = talk()
    page.line("tlsresume: ", ("error: ", BAD), error.message)
    for detail in error.details:
        page.line("  ", detail)
    if error.stack is not None:
        from tlsresume.formats.trouble import put_stack

        put_stack(page, error.stack)
    for hint in error.hints:
        page.line(("hint: ", FAINT), hint)
    say(page)


def trace_line(line: TraceLine) -> None:
    """Show a handshake message as it passes (`-v`): `>` is ours, `<` the server's."""
    direction = ">" if line.sender == "client" else "<"
    _say_line((f"#{line.connection:<3} {line.where} {direction} ", FAINT), line.text)
