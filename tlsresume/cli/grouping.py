"""Options under headings, the short and the whole help, and what is forgiven in options.

`-h` is one screen with the options that matter most, `--help` lists all, under headings. Every
choice is taken in any case of letters. An option that other programs have, and this one spells
in another way, is answered with the command to type (`mistakes`).
"""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

OTHER = "Other options"


class GroupedOption(click.Option):
    """An option that stands under a heading of its command's help."""

    def __init__(self, *args: Any, group: str = OTHER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        if isinstance(self.type, click.Choice):
            self.type.case_sensitive = False

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """The value, checked. Where it came from elsewhere than the command line, that place is
        named with what is wrong; a wrong value in a file is an error of the file."""
        try:
            return super().process_value(ctx, value)
        except click.BadParameter as error:
            source = ctx.get_parameter_source(self.name or "")
            if source is ParameterSource.DEFAULT_MAP:
                from tlsresume.cli.configuring import configuration_of, key_of
                from tlsresume.errors import ConfigurationFileError

                if (configuration := configuration_of(ctx)) is not None:
                    path = configuration.path
                    raise ConfigurationFileError(
                        f"{path}: {key_of(self)}: {error.message}", path=path
                    ) from None
            if source is ParameterSource.ENVIRONMENT:
                said = f"of ${self.envvar}: {error.message}"
                raise click.BadParameter(said, ctx=ctx, param=self) from None
            raise

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """The value as its type; where it is none, words that say what was meant, which
        click's own ("not a valid float") do not."""
        try:
            return super().type_cast_value(ctx, value)
        except click.BadParameter:
            meant = self._meant()
            if meant is None or not isinstance(value, str) or _is_number(value):
                raise
            raise click.BadParameter(
                f"{value[:100]!r} is not {meant}", ctx=ctx, param=self
            ) from None

    def _meant(self) -> str | None:
        """What a value of a number is; None for other options."""
        if isinstance(self.type, click.IntRange):
            least, most = self.type.min, self.type.max
            reach = "" if None in (least, most) else f" from {least} to {most}"
            return f"a whole number{reach}"
        return "a number, such as 0.95" if self.type is click.FLOAT else None


def _is_number(text: str) -> bool:
    """Whether a whole number was given: then the range is what is wrong."""
    return text.strip().removeprefix("-").isdecimal()


class BareOrWithValue(GroupedOption):
    """An option that may stand alone, or with a value behind `=`; what follows it is never its
    value. It can be given on the command line only, so that nobody's settings or environment
    switch on what it does.

    `bare` is the value that it has where it stands alone.
    """

    def __init__(self, *args: Any, bare: str, **kwargs: Any) -> None:
        super().__init__(*args, allow_from_autoenv=False, **kwargs)
        self.bare = bare

    def with_value(self, argument: str) -> str:
        """An argument of the command line, with the value where this option stands alone."""
        return f"{argument}={self.bare}" if argument in self.opts else argument

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None:
            return None
        return record[0].replace(f" {self.metavar}", f"[={self.metavar}]"), record[1]

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """The value. Raises UsageError where it comes from elsewhere than the command line."""
        source = ctx.get_parameter_source(self.name or "")
        said = (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT, None)
        if source not in said:
            raise click.UsageError(f"{self.opts[0]} can only stand on the command line", ctx)
        return super().process_value(ctx, value)


class GroupedCommand(click.Command):
    """A command whose help lists its options by heading, in order of first appearance."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["-h", "short_help"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_short_help,
                help="Show the options that matter most, and exit.",
            )
        )

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return ["--help"]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "Show all options, and exit."
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        typed = list(args)
        end = args.index("--") if "--" in args else len(args)
        said = args[:end]
        for option in self.params:
            if isinstance(option, BareOrWithValue):
                said = [option.with_value(argument) for argument in said]
        try:
            return super().parse_args(ctx, said + args[end:])
        except click.NoSuchOption as error:
            from tlsresume.cli.mistakes import foreign_option

            meant = foreign_option(ctx, typed, error.option_name)
            if meant is None:
                raise
            raise meant from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                groups.setdefault(getattr(parameter, "group", OTHER), []).append(record)
        for heading, records in sorted(groups.items(), key=lambda group: group[0] == OTHER):
            with formatter.section(heading):
                formatter.write_dl(records)

    def one_screen(self, ctx: click.Context) -> str:
        """Usage, what the command does, the options that matter, and where the others are."""
        from tlsresume.cli.short_help import MATTER, VALUES

        matter = MATTER.get(self.name or "", {})
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        first = (self.help or "").strip().partition("\n\n")[0]
        formatter.write_text(" ".join(first.split()))
        named = {option.name: option for option in self.get_params(ctx)}
        rows = []
        for name, words in matter.items():
            if isinstance(option := named.get(name), click.Option):
                record = option.get_help_record(ctx)
                spelt = "" if record is None else record[0]
                if value := VALUES.get(name):
                    spelt = f"{', '.join(option.opts)} {value}"
                rows.append((spelt, words))
        if rows:
            with formatter.section("Options that matter most"):
                formatter.write_dl(rows)
        else:
            self.format_options(ctx, formatter)
        formatter.write_paragraph()
        more = f"All options: {ctx.command_path} --help" if rows else ""
        return formatter.getvalue().rstrip("\n") + (f"\n\n{more}" if more else "")


def _show_short_help(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    command = ctx.command
    click.echo(command.one_screen(ctx) if isinstance(command, GroupedCommand) else ctx.get_help())
    ctx.exit()
