"""`tlsresume selftest`: the commands against a built-in server on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tlsresume.cli.grouping import GroupedCommand

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus

#: How a line of the self-test begins, and how it is shown.
_STYLES = {
    "== ": "bold",
    "$ ": "bold cyan",
    "WRONG: ": "bold red",
    "selftest passed": "bold green",
    "selftest FAILED": "bold red",
}


@click.command("selftest", cls=GroupedCommand)
@click.option(
    "-v", "--verbose", is_flag=True, help="Show all that each command prints, not its answer only."
)
def command(*, verbose: bool) -> ExitStatus:
    """Show the commands at work, and check this installation, without any other server.

    Starts the built-in server on loopback in several behaviours, runs probe, save,
    inspect and resume against it, and shows each command with its answer, checked.
    Exits 0 only if each answer is the known truth, else 1.
    """
    from tlsresume.cli import console
    from tlsresume.errors import ExitStatus
    from tlsresume.formats.page import Page
    from tlsresume.runs.selftest import RIGHT, WRONG, selftest

    view = console.view_of(console.stdout())
    marks = {RIGHT: "bold green", WRONG: "bold red"}

    def say(line: str) -> None:
        page = Page(view)
        mark = line.strip()[:1]
        if mark in marks:
            start, rest = line.split(mark, 1)
            page.line(start, (mark, marks[mark]), rest)
        else:
            style = next((look for start, look in _STYLES.items() if line.startswith(start)), "")
            page.line((line, style))
        console.write_data(page.render())

    return ExitStatus.OK if selftest(say, verbose=verbose) else ExitStatus.BUG
