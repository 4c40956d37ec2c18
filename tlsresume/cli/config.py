"""`tlsresume config`: which options hold, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from tlsresume.cli.configuring import CONFIGURED, GROUP
from tlsresume.cli.grouping import GroupedCommand, flag, option
from tlsresume.cli.outputs import Outputs, output_options

if TYPE_CHECKING:
    from tlsresume.results.configuration import HeldConfiguration, OptionSource

_SOURCES: dict[ParameterSource, OptionSource] = {
    ParameterSource.COMMANDLINE: "command line",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "file",
}


@click.command("config", cls=GroupedCommand)
@click.argument(
    "name", metavar="[COMMAND]", required=False, default="probe",
    type=click.Choice(list(CONFIGURED), case_sensitive=False),
)  # fmt: skip
@option(
    GROUP, "--config", "file", metavar="FILE", help="Show what holds with this configuration file.",
)  # fmt: skip
@flag(GROUP, "--no-config", "no_file", help="Show what holds without one.")
@output_options("text", "json")
@click.pass_context
def command(
    ctx: click.Context, *, name: str, file: str | None, no_file: bool, outputs: Outputs
) -> None:
    """Show which options hold for a COMMAND that can be configured, and where they come from.

    The command line beats the environment (TLSRESUME_CAFILE, TLSRESUME_TIMEOUT, TLSRESUME_POLICY,
    TLSRESUME_FORMAT, TLSRESUME_PROXY), and that beats the file: --config FILE, else tlsresume.toml
    in the working folder, else tlsresume/config.toml in $XDG_CONFIG_HOME or ~/.config. Keys of the
    file are options without their dashes, such as timeout = "5s"; a table [probe] holds for that
    command only; serve, capture and inspect read their own table alone. A file in the working folder sets tries, timeout, ticket-wait, deadline, policy
    (a built-in one), format (without a FILE) and cafile, and nothing else. Nothing is contacted.
    """
    from tlsresume.cli.tool import this_tool
    from tlsresume.formats import configuration_text, document

    words = [*(["--config", file] if file is not None else []), *(["--no-config"] * no_file)]
    held = held_configuration(ctx, name, words)
    outputs.emit(
        lambda view: configuration_text.render_configuration(held, view),
        lambda: document.document(this_tool(), held),
    )


def held_configuration(ctx: click.Context, name: str, words: list[str]) -> HeldConfiguration:
    """What holds in a command that is given no other options than `words`."""
    from tlsresume.cli.configuring import configuration_of, key_of, options_of, told
    from tlsresume.results.configuration import HeldConfiguration, HeldOption

    root = ctx.find_root()
    wanted = root.command.get_command(root, name)  # type: ignore[attr-defined]  # the root is a group
    # What a command needs is not its configuration: a target stands in for it.
    needed = [
        "localhost" for each in wanted.params if isinstance(each, click.Argument) and each.required
    ]
    own = wanted.make_context(name, [*words, *needed], parent=root)
    configuration = configuration_of(own)
    options = []
    for each in options_of(wanted):
        said = own.get_parameter_source(each.name or "")
        source = "default" if said is None else _SOURCES.get(said, "default")
        place = None
        if source == "environment":
            place = each.envvar if isinstance(each.envvar, str) else None
        elif source == "file" and configuration is not None:
            place = configuration.path
        value = told(own.params.get(each.name or ""))
        empty = value is None or value is False or value == ()
        options.append(
            HeldOption(
                key=key_of(each),
                value=None if empty else value,
                source=source,
                place=place,
            )
        )
    file = None if configuration is None else configuration.path
    return HeldConfiguration(command=name, file=file, options=tuple(options))
