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
    "right: ": "green",
    "WRONG: ": "bold red",
    "selftest passed": "bold green",
    "selftest FAILED": "bold red",
}


@click.command("selftest", cls=GroupedCommand)
def command() -> ExitStatus:
    """Show the commands at work, and check this installation, without any other server.

    Starts the built-in server on loopback in several behaviours, runs probe, save,
    inspect and resume against it, and prints the real commands and their real output.
    Exits 0 only if each answer is the known truth, else 1.
    """
    from tlsresume.actions.selftest import selftest
    from tlsresume.cli import console
    from tlsresume.errors import ExitStatus
    from tlsresume.formats.page import Page

    view = console.view_of(console.stdout())

    def say(line: str) -> None:
        page = Page(view)
        style = next((look for start, look in _STYLES.items() if line.startswith(start)), "")
        page.line((line, style))
        console.write_data(page.render())

    return ExitStatus.OK if selftest(say) else ExitStatus.BUG
