"""Defaults of options from a configuration file and from the environment.

A `ConfiguredCommand` takes each value from the command line, else from a variable of
`VARIABLES`, else from the configuration file (`tlsresume.configuration` says which), else the
option's own default. What a file sets is checked whole before it is used: a key that is no option,
or one that a file of the working folder must not set, ends the run with status 7.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tlsresume.cli.grouping import GroupedCommand, GroupedOption

if TYPE_CHECKING:
    from tlsresume.configuration import Configuration
    from tlsresume.results.configuration import OptionValue

GROUP = "Configuration"

#: The commands that share what a file says: those that connect. Their modules have `command`.
SHARING: dict[str, str] = {
    "probe": "tlsresume.cli.probe",
    "save": "tlsresume.cli.save",
    "resume": "tlsresume.cli.resume",
    "watch": "tlsresume.features.watch.command",
}
#: The commands that are configured by the table with their name only, since their formats and
#: files are others.
OWN_TABLE: dict[str, str] = {
    "inspect": "tlsresume.cli.inspect",
    "serve": "tlsresume.features.serve.command",
    "capture": "tlsresume.features.capture.command",
}
CONFIGURED: dict[str, str] = SHARING | OWN_TABLE

#: Options that a variable gives a default, by their keys. No other name is read for options.
VARIABLES: dict[str, str] = {
    "cafile": "TLSRESUME_CAFILE",
    "timeout": "TLSRESUME_TIMEOUT",
    "policy": "TLSRESUME_POLICY",
    "format": "TLSRESUME_FORMAT",
    "proxy": "TLSRESUME_PROXY",
}

#: Where values come from, the strongest place first; what has its default was not said.
_STRENGTH = (
    ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP,
)  # fmt: skip

#: Where a Configuration is kept while a command line is parsed.
_META = "tlsresume.configuration"

#: What `-h`, `--config` and others of their kind are not: values that a file could set.
_NEVER = frozenset({"help", "short_help", "config", "no_config"})


class ConfiguredCommand(GroupedCommand):
    """A command whose options have defaults in a file and in the environment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in options_of(self):
            variable = VARIABLES.get(key_of(option))
            if variable is not None and self.name not in OWN_TABLE:
                option.envvar = variable
        shared: dict[str, Any] = {
            "group": GROUP,
            "is_eager": True,
            "expose_value": False,
            "callback": _load,
        }
        self.params += [
            GroupedOption(
                ["--config"], metavar="FILE", **shared,
                help="Take defaults of options from this TOML file, instead of tlsresume.toml here"
                " or tlsresume/config.toml in $XDG_CONFIG_HOME.",
            ),
            GroupedOption(
                ["--no-config"], is_flag=True, help="Read no configuration file.", **shared,
            ),
        ]  # fmt: skip

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        for option in self.params:
            if isinstance(option, GroupedOption) and option.excludes:
                _weaker_gives_way(ctx, (option.name or "", option.excludes))
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        configuration = configuration_of(ctx)
        if configuration is not None and ctx.default_map and not ctx.params.get("quiet"):
            from tlsresume.cli.console import note

            note(f"options from {configuration.path}")
        return super().invoke(ctx)


def configuration_of(ctx: click.Context) -> Configuration | None:
    """The file that the command's defaults come from, if any."""
    found: Configuration | None = ctx.meta.get(_META)
    return found


def options_of(command: click.Command) -> Iterator[click.Option]:
    """The options of a command that a file can set."""
    return (each for each in values_of(command) if not getattr(each, "only_typed", False))


def values_of(command: click.Command) -> Iterator[click.Option]:
    """The options of a command that have a value, wherever it may come from."""
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or parameter.hidden:
            continue
        if parameter.name not in _NEVER:
            yield parameter


def key_of(option: click.Option) -> str:
    """What an option is called in a configuration file: its name without dashes."""
    long = [name for name in option.opts if name.startswith("--")]
    return long[0][2:] if long else (option.name or "").replace("_", "-")


# ------------------------------------------------------------------------- reading


def _load(ctx: click.Context, option: click.Parameter, value: str | bool | None) -> None:
    """Make the file's values the defaults of the options, which are processed after this."""
    if ctx.resilient_parsing:
        return
    said = ctx.meta.setdefault(f"{_META}.said", {})
    said[option.name] = value
    if len(said) < 2:  # both options are looked at, in the order of the command line
        return
    if said["config"] is not None and said["no_config"]:
        raise click.UsageError("--config and --no-config exclude each other")
    if said["no_config"]:
        return
    from tlsresume.configuration import find_configuration, read_configuration

    found = find_configuration(said["config"], os.environ)
    if found is not None:
        path, trusted = found
        configuration = read_configuration(path, trusted=trusted)
        ctx.meta[_META] = configuration
        ctx.default_map = defaults(configuration, ctx.command)


def defaults(configuration: Configuration, command: click.Command) -> dict[str, Any]:
    """The values that a file gives the options of a command, by their Python names.

    Raises ConfigurationFileError for whatever must not stand in the file, also for another
    command.
    """
    from tlsresume.configuration import EXPORTER_TABLES

    known = {name: _keys(import_module(module).command) for name, module in CONFIGURED.items()}
    every = {key: option for name in SHARING for key, option in known[name].items()}
    own = _keys(command) if command.name in SHARING else {}
    found: dict[str, Any] = {}
    special: dict[str, Any] = {}
    for key, value in configuration.tables.items():
        if key in EXPORTER_TABLES:
            continue
        if isinstance(value, dict):
            if key not in known:
                raise _unknown(configuration, key, (*known, *EXPORTER_TABLES))
            for inner, each in value.items():
                given = _value(configuration, inner, each, known[key], f"{key}.{inner}")
                if key == command.name:
                    special[known[key][inner].name or ""] = given
        else:
            if key in known:
                raise _wrong(configuration, f"{key} must be a table, begun by a line [{key}]")
            given = _value(configuration, key, value, every, key)
            if key in own:
                found[own[key].name or ""] = given
    return found | special


def _keys(command: click.Command) -> dict[str, click.Option]:
    return {key_of(option): option for option in options_of(command)}


def _unknown(configuration: Configuration, key: str, known: Any) -> Exception:
    from difflib import get_close_matches

    close = get_close_matches(key, list(known), 1)
    meant = f"; did you mean {close[0]}?" if close else ""
    words = f"{key[:60]!r} is no option that a file can set{meant}"
    return _wrong(configuration, words, "--config FILE reads another file, --no-config none")


def _wrong(configuration: Configuration, words: str, *hints: str) -> Exception:
    from tlsresume.errors import ConfigurationFileError

    path = configuration.path
    return ConfigurationFileError(f"{path}: {words}", path=path, hints=hints)


def _value(
    configuration: Configuration, key: str, value: Any, known: Mapping[str, Any], where: str
) -> Any:
    """A value as click takes it from a command line. Raises ConfigurationFileError."""
    if key not in known:
        raise _unknown(configuration, key, known)
    option = known[key]
    _refuse_from_strangers(configuration, key, value)
    many = value if isinstance(value, list) and option.multiple else [value]
    right = bool if option.is_flag else (str, int, float)
    if not all(isinstance(each, right) and isinstance(each, bool) == option.is_flag
               for each in many):  # fmt: skip
        wanted = "true or false" if option.is_flag else "a text or a number"
        more = ", or a list of them" if option.multiple else ""
        raise _wrong(configuration, f"{where} must be {wanted}{more}")
    if option.is_flag:
        return value
    texts = tuple(_from_its_folder(configuration, option, str(each)) for each in many)
    return texts if option.multiple else texts[0]


def _refuse_from_strangers(configuration: Configuration, key: str, value: Any) -> None:
    """Refuse what a file in the working folder must not set. Raises ConfigurationFileError."""
    from tlsresume.configuration import OPEN_TO_ALL
    from tlsresume.policy.names import BUILTIN

    if configuration.trusted:
        return
    values = value if isinstance(value, list) else [value]
    why = ""
    if key not in OPEN_TO_ALL:
        why = f"only {', '.join(OPEN_TO_ALL)}"
    elif key == "policy" and any(str(each).lower() not in BUILTIN for each in values):
        why = f"of policies only {', '.join(BUILTIN)}"
    elif key == "format" and any("=" in str(each) for each in values):
        why = "formats only without a FILE"
    if why:
        words = "cannot be set by a file in the working folder, which may come from a stranger"
        hint = f"if you trust it: --config {configuration.path}"
        raise _wrong(configuration, f"{key} {words}: {why}", hint)


def _from_its_folder(configuration: Configuration, option: click.Option, text: str) -> str:
    """The name of a file that is read, from the folder of the configuration file on."""
    from tlsresume.policy.names import BUILTIN

    read = isinstance(option, GroupedOption) and option.reads_file
    read = read or (key_of(option) == "policy" and text.lower() not in BUILTIN)
    return os.path.join(configuration.folder, text) if read and text != "-" else text  # noqa: PTH118  it may be no valid Path


def _weaker_gives_way(ctx: click.Context, pair: tuple[str, str]) -> None:
    """Of two options that exclude each other, drop the one from the weaker place."""
    places = [ctx.get_parameter_source(name) for name in pair]
    if not all(place in _STRENGTH for place in places) or not all(map(ctx.params.get, pair)):
        return
    one, other = (_STRENGTH.index(place) for place in places if place is not None)
    if one == other:
        return
    weaker = pair[0] if one > other else pair[1]
    option = next(each for each in ctx.command.params if each.name == weaker)
    ctx.params[weaker] = False if isinstance(option, click.Option) and option.is_flag else None


# ----------------------------------------------------------------- what holds, told


def effective(ctx: click.Context) -> dict[str, OptionValue]:
    """The options that hold in a command, by their keys: the `options` of a report.

    What is not set is left out. Times are in seconds. Passwords are hidden: users and passwords
    in URLs, and what is sent, of which only the length is told.
    """
    found = {}
    for option in values_of(ctx.command):
        value = told(ctx.params.get(option.name or ""))
        if not (value is None or value is False or value == ()):
            found[key_of(option)] = value
    return found


def told(value: Any) -> Any:
    """A value of an option as a report holds it; None for what is not set."""
    from tlsresume.targets.endpoints import without_logins

    match value:
        case None | bool() | int() | float():
            return value
        case bytes():
            return f"({len(value)} bytes)" if value else None
        case str():
            return without_logins(value)
        case dict():
            return tuple(f"{name}={each}" for name, each in value.items())
        case list() | tuple():
            return tuple(told(each) for each in value)
    return str(value)
