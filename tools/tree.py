"""The command line as values, read once from the click tree.

Man pages and completions are made from these; neither looks at click itself.
Hidden commands and options do not appear.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import click

from tlsresume.cli.grouping import BareOrWithValue

#: The name of a value that lists the words it can be, such as `text|json[=FILE]`.
_WORDS = re.compile(r"([a-z-]+(?:\|[a-z-]+)+)(?:\[=FILE\])?")

Completes = Literal["file", "folder", "host", "nothing"]

PROGRAM = "tlsresume"


@dataclass(frozen=True, slots=True)
class Value:
    """What an option or argument takes: its name in usage lines, and how to complete it: by
    words, and by what `completes` says."""

    name: str
    choices: tuple[str, ...]
    completes: Completes


@dataclass(frozen=True, slots=True)
class Option:
    """An option: all its spellings, the declaration and description as in `--help`.

    `value` is None for a flag; `group` is the heading it stands under, if any.
    """

    flags: tuple[str, ...]
    declaration: str
    description: str
    value: Value | None
    repeatable: bool
    group: str = ""

    @property
    def ends(self) -> bool:
        """Whether the option prints something and ends the program."""
        return not {"-h", "--help", "--version"}.isdisjoint(self.flags)


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional argument."""

    value: Value
    required: bool
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command with all that it takes; the program itself is one with `commands`."""

    path: tuple[str, ...]
    summary: str
    help: str
    epilog: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...] = ()

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path[-1]


def _policies() -> tuple[str, ...]:
    from tlsresume.policy.names import BUILTIN

    return BUILTIN


def _codes() -> tuple[str, ...]:
    from tlsresume.features import entries
    from tlsresume.formats.explanation import pages

    return tuple(page.code for page in pages(entries()))


def _commands() -> tuple[str, ...]:
    from tlsresume.cli.root import COMMANDS

    return tuple(COMMANDS)


#: Where the words come from that a value of this name can be, beside what it takes otherwise.
_KNOWN: dict[str, Callable[[], tuple[str, ...]]] = {
    "FILE|NAME": _policies,
    "CODE": _codes,
    "CODE | WORDS": _codes,
    "COMMAND": _commands,
}


def program() -> click.Group:
    """The click group that the entry point runs."""
    from tlsresume.cli.root import root

    return root


def _completes(parameter: click.Parameter, name: str) -> Completes:
    kind = parameter.type
    if isinstance(kind, click.Path):
        return "file" if kind.file_okay else "folder"
    if isinstance(kind, click.File) or "FILE" in name:
        return "file"
    if name in {"DIR", "FOLDER", "PATH"}:
        return "folder"
    return "host" if "TARGET" in name or "HOST" in name else "nothing"


def _value(parameter: click.Parameter, name: str) -> Value:
    if isinstance(parameter.type, click.Choice):
        return Value(name, tuple(str(choice) for choice in parameter.type.choices), "nothing")
    if words := _WORDS.fullmatch(name):
        return Value(name, tuple(words[1].split("|")), "nothing")
    return Value(name, _KNOWN[name]() if name in _KNOWN else (), _completes(parameter, name))


def _option(option: click.Option, context: click.Context) -> Option | None:
    record = option.get_help_record(context)
    if record is None:
        return None
    declaration, description = record
    # A value behind `=` is no word of its own, which is what completions complete.
    alone = isinstance(option, BareOrWithValue)
    takes_value = not (option.is_flag or option.count or alone)
    # click puts a list of choices into brackets.
    metavar = option.metavar or declaration.rpartition(" ")[2].strip("[]")
    return Option(
        flags=(*option.opts, *option.secondary_opts),
        declaration=declaration,
        description=description,
        value=_value(option, metavar) if takes_value else None,
        repeatable=option.multiple or option.count,
        group=getattr(option, "group", ""),
    )


def _argument(argument: click.Argument) -> Argument:
    name = (argument.metavar or argument.name or "").upper().rstrip(".").strip("[]").rstrip(".")
    return Argument(_value(argument, name), argument.required, argument.nargs == -1)


def context_of(
    command: click.Command, name: str, parent: click.Context | None = None, **settings: Any
) -> click.Context:
    """The context that a command would run in, so that it inherits what it would inherit."""
    return click.Context(
        command, info_name=name, parent=parent, **{**command.context_settings, **settings}
    )


def read(
    command: click.Command,
    path: tuple[str, ...] = (PROGRAM,),
    parent: click.Context | None = None,
) -> Command:
    """The values of a click command and of those below it, in the order of `--help`."""
    context = context_of(command, " ".join(path[1:]) or path[0], parent)
    parameters = command.get_params(context)
    options = (_option(item, context) for item in parameters if isinstance(item, click.Option))
    commands: tuple[Command, ...] = ()
    if isinstance(command, click.Group):
        found = (
            (name, command.get_command(context, name)) for name in command.list_commands(context)
        )
        commands = tuple(
            read(item, (*path, *name.split()), context)
            for name, item in found
            if item and not item.hidden
        )
    return Command(
        path=path,
        summary=command.get_short_help_str(limit=200).rstrip("."),
        help=inspect.cleandoc(command.help or "").partition("\f")[0],
        epilog=inspect.cleandoc(command.epilog or ""),
        options=tuple(option for option in options if option),
        arguments=tuple(_argument(item) for item in parameters if isinstance(item, click.Argument)),
        commands=commands,
    )
