"""`tlsresume help [COMMAND]`: the same as `--help`, where people look for it."""

from __future__ import annotations

import click

from tlsresume.cli.grouping import GroupedCommand


@click.command("help", cls=GroupedCommand)
@click.argument("words", nargs=-1, metavar="[COMMAND]")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a COMMAND, as `tlsresume COMMAND --help` does, or of the whole program.

    A short form of it is shown by `tlsresume COMMAND -h`.
    """
    from tlsresume.cli.root import NoSuchCommand, root

    whole = ctx.find_root()
    if not words:
        click.echo(whole.get_help())
        return
    name = " ".join(words)
    wanted = root.get_command(whole, name)
    if wanted is None:
        raise NoSuchCommand(name, ctx)
    own = click.Context(wanted, info_name=name, parent=whole)
    click.echo(wanted.get_help(own))
