"""How options are declared, each once, and shown under headings in the short and the whole help.

`option` declares one: its names, its words for `--help`, those for `-h` beside them, and what it
goes with. A declaration decorates a command, or stands in a tuple that several commands share.

`-h` is one screen with the options that matter most, `--help` lists all, under headings. Every
choice is taken in any case of letters. An option that other programs have, and this one spells
in another way, is answered with the command to type (`mistakes`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

OTHER = "Other options"


class GroupedOption(click.Option):
    """An option that stands under a heading of its command's help.

    `short`: its words in the short help, or those by the names of commands, where they differ;
    `short_value` is its value there, where the long one would not fit. `excludes`: the Python
    name of an option that must not be given beside it; `needs`, of one that must. `reads_file`: its value is the name of a
    file that is read, which a configuration file names from its own folder on. `only_typed`: it
    can stand on the command line only.
    """

    def __init__(
        self,
        *args: Any,
        group: str = OTHER,
        short: str | Mapping[str, str] = "",
        short_value: str = "",
        excludes: str | None = None,
        needs: str | None = None,
        reads_file: bool = False,
        only_typed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        self.short = short
        self.short_value = short_value
        self.excludes = excludes
        self.needs = needs
        self.reads_file = reads_file or (isinstance(self.type, click.Path) and self.type.exists)
        self.only_typed = only_typed
        if isinstance(self.type, click.Choice):
            self.type.case_sensitive = False

    def short_record(self, ctx: click.Context) -> tuple[str, str]:
        """How the option is spelt in the short help of a command, and its words there."""
        words = self.short if isinstance(self.short, str) else self.short[ctx.command.name or ""]
        if self.short_value:
            return f"{', '.join(self.opts)} {self.short_value}", words
        record = self.get_help_record(ctx)
        return "" if record is None else record[0], words

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


class Declaration:
    """An option as it is declared: a decorator, which gives it to a command."""

    def __init__(self, names: tuple[str, ...], attributes: dict[str, Any]) -> None:
        self._names = names
        self._attributes = attributes
        plain = [name for name in names if not name.startswith("-")]
        long = [name[2:].replace("-", "_") for name in names if name.startswith("--")]
        #: The Python name that click gives it.
        self.name = (plain or long)[0]
        self.excludes: str | None = attributes.get("excludes")
        self.needs: str | None = attributes.get("needs")

    @property
    def spelling(self) -> str:
        """How it is typed, in messages."""
        return next((name for name in self._names if name.startswith("--")), self._names[0])

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        decorate = click.option(*self._names, **{"cls": GroupedOption} | self._attributes)
        return decorate(function)


def option(group: str, *names: str, **attributes: Any) -> Declaration:
    """Declare an option under a heading of the help, by the attributes of a GroupedOption."""
    return Declaration(names, attributes | {"group": group})


def flag(group: str, *names: str, **attributes: Any) -> Declaration:
    """Declare an option without a value."""
    return option(group, *names, is_flag=True, **attributes)


def number(
    group: str, name: str, least: int, most: int | None = None, **attributes: Any
) -> Declaration:
    """Declare an option whose value is a whole number, from `least` to `most`."""
    kind = click.IntRange(least, most)
    shown = "default" in attributes
    return option(group, name, type=kind, metavar="N", show_default=shown, **attributes)


def add_options(*options: Declaration) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command options, in the order in which its help shows them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate


def check_together(said: Mapping[str, Any], options: Sequence[Declaration]) -> None:
    """Raise UsageError where values, by Python names, exclude each other or lack another."""
    for each in options:
        if not said[each.name]:
            continue
        if each.excludes and said[each.excludes]:
            other = _named(options, each.excludes)
            raise click.UsageError(f"{each.spelling} and {other.spelling} exclude each other")
        if each.needs and not said[each.needs]:
            raise click.UsageError(f"{each.spelling} needs {_named(options, each.needs).spelling}")


def _named(options: Sequence[Declaration], name: str) -> Declaration:
    return next(each for each in options if each.name == name)


def one_argument(
    name: str, options: Sequence[Declaration], make: Callable[[dict[str, Any]], Any]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command options; it gets their values, by Python names, as one
    argument, which `make` makes of them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def gathered(*args: Any, **kwargs: Any) -> Any:
            said = {each.name: kwargs.pop(each.name) for each in options}
            check_together(said, options)
            return function(*args, **{name: make(said)}, **kwargs)

        return add_options(*options)(gathered)

    return decorate


class BareOrWithValue(GroupedOption):
    """An option that may stand alone, or with a value behind `=`; what follows it is never its
    value. It can be given on the command line only, so that nobody's settings or environment
    switch on what it does.

    `bare` is the value that it has where it stands alone.
    """

    def __init__(self, *args: Any, bare: str, **kwargs: Any) -> None:
        super().__init__(*args, allow_from_autoenv=False, only_typed=True, **kwargs)
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
    """A command whose help lists its options by heading, in order of first appearance.

    `matter_most`: the Python names of the options that its short help shows, at most ten, so that
    the screen has room for the usage and a prompt, and each is a line of 80 columns.
    """

    def __init__(self, *args: Any, matter_most: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.matter_most = matter_most
        short_help = click.Option(
            ["-h", "short_help"], is_flag=True, is_eager=True, expose_value=False,
            callback=_show_short_help, help="Show the options that matter most, and exit.",
        )  # fmt: skip
        self.params.append(short_help)

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
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        first = (self.help or "").strip().partition("\n\n")[0]
        formatter.write_text(" ".join(first.split()))
        named = {each.name: each for each in self.params if isinstance(each, GroupedOption)}
        rows = [named[name].short_record(ctx) for name in self.matter_most]
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
