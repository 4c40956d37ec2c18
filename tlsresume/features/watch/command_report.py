"""`tlsresume watch report`: what the history of `watch` holds, without connecting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlsresume.cli.grouping import GroupedCommand
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.features.watch.command import history_option, max_key_age_option

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus


@click.command("report", cls=GroupedCommand, matter_most=("history", "max_key_age", "formats"))
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@history_option
@max_key_age_option
@output_options("text", "json", "html")
def command(
    targets: tuple[str, ...],
    outputs: Outputs,
    history: str | None,
    max_key_age: float | None,
) -> ExitStatus:
    """Print what watch remembers of each TARGET, or of all; nothing is connected to.

    A host that is called report is watched as report:443.
    """
    from tlsresume.features.watch import command_live as watching
    from tlsresume.features.watch.history import History, default_path
    from tlsresume.targets.target import parse_target

    names = [parse_target(text).name for text in targets]
    path = Path(history) if history is not None else default_path()
    with History(path, create=False) as remembered:
        watching.warn_of_others(remembered)
        report = watching.remembered(remembered, names, max_key_age)
    watching.emit(outputs, report)
    return watching.status(report)
