"""`[modules.NAME]` of a configuration file: options of `probe`, under their own names.

The same declarations as those of the command line read them, so that nothing is spelt, checked
or documented twice. Left out is what makes no sense for a scrape, writes files, or goes
elsewhere than where `allow` was asked about.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli.connecting import Connection, connection_options
from tlsresume.cli.demanding import Demanded, demand_options
from tlsresume.cli.mistakes import click_message
from tlsresume.configuration import Configuration
from tlsresume.errors import ConfigurationFileError, UsageError
from tlsresume.features.exporter.settings import (
    DEFAULT_MODULE,
    check_keys,
    configuration_file,
    seconds,
    wrong,
)
from tlsresume.policy.demand_table import DEMANDS

if TYPE_CHECKING:
    from tlsresume.features.exporter.probing import Module

#: Options that a module does not have, beside demands that are not for scrapes.
_NOT_HERE = frozenset({"connect", "resolve", "keylogfile", "proxy-env", "baseline"}) | {
    demanded.spelling.removeprefix("--")
    for row in DEMANDS
    if not row.scraped
    for demanded in row.options
}
#: Options whose value is a file's name: relative ones start from the configuration's folder.
_FILES = frozenset({"cafile", "capath", "cert", "key", "passphrase-file", "proxy-password-file"})
#: What a module says beside options.
_OWN = ("cache", "explain")


def read_modules(configuration: Configuration | None) -> dict[str, Module]:
    """The modules of a file, and the default one. Raises ConfigurationFileError, and FileError
    for a file that a module names."""
    found: dict[str, Module] = {DEFAULT_MODULE: _module(DEFAULT_MODULE, {"quick": True}, None)}
    if configuration is None:
        return found
    for name, table in configuration.table("modules").items():
        if not isinstance(table, dict):
            path = configuration.path
            raise ConfigurationFileError(f"{path}: modules.{name} is no table", path=path)
        found[name] = _module(name, table, configuration)
    return found


def _module(name: str, table: Mapping[str, Any], configuration: Configuration | None) -> Module:
    from tlsresume.features.exporter.probing import Module
    from tlsresume.options import ProbeOptions

    path = configuration.path if configuration is not None else ""
    key, where = f"modules.{name}", f"[modules.{name}]"
    check_keys(table, (*sorted(_known()), *_OWN), key, path)
    explain = table.get("explain", not table.get("quick", False))
    if not isinstance(explain, bool):
        raise wrong(path, where, "explain is true or false")
    cache = seconds(table.get("cache", 30), f"{key}.cache", path)
    words = list(_words(table, where, path, configuration))
    try:
        context = _module_command.make_context("module", words)
        with context:
            connection, demanded, said = _module_command.invoke(context)
            if said["quick"]:
                _refuse_rates(demanded, explain=explain)
            options = ProbeOptions(
                connect=connection.options(),
                explain=explain,
                **{key: said[key] for key in _PROBE},
            )
            judge = demanded.judge()
    except click.ClickException as error:
        raise wrong(path, where, click_message(error)) from None
    except UsageError as error:
        raise wrong(path, where, error.message) from None
    return Module(
        name=name,
        options=options,
        parse=connection.target,
        judge=judge,
        cache=cache,
        says=tuple(f"{name} = {value!r}" for name, value in table.items()),
    )


def _refuse_rates(demanded: Demanded, *, explain: bool) -> None:
    if explain:
        raise UsageError("explain needs more connections than quick makes")
    for option, value in demanded.rates.items():
        if value is not None:
            raise UsageError(f"{option.lstrip('-')} needs more tries than quick makes")


def _words(
    table: Mapping[str, Any], where: str, path: str, configuration: Configuration | None
) -> Iterator[str]:
    """A table as words of a command line."""
    for key, value in table.items():
        if key in _OWN:
            continue
        flag = _known()[key]
        if flag:
            if not isinstance(value, bool):
                raise wrong(path, where, f"{key} is true or false")
            if value:
                yield f"--{key}"
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool) or not isinstance(each, str | int | float):
                raise wrong(path, where, f"{key}: {each!r} is no text and no number")
            word = str(each)
            if key in _FILES and configuration is not None:
                word = configuration_file(configuration, word) or word
            yield f"--{key}={word}"


#: Options of a module that are fields of ProbeOptions, with the type of each.
_PROBE: dict[str, click.ParamType[Any]] = {
    "tries": click.IntRange(1, 1000),
    "concurrency": click.IntRange(1, 64),
    "budget": click.IntRange(1, 100_000),
    "max_addresses": click.IntRange(1, 256),
    "retries": click.IntRange(0, 100),
    "quick": click.BOOL,
}


def _probe_options(function: Callable[..., Any]) -> Callable[..., Any]:
    from tlsresume.options import ProbeOptions

    defaults = ProbeOptions()
    for name, kind in _PROBE.items():
        spelling = "--" + name.replace("_", "-")
        if kind is click.BOOL:
            function = click.option(spelling, is_flag=True)(function)
        else:
            default = getattr(defaults, name)
            function = click.option(spelling, type=kind, default=default)(function)
    return function


@click.command("module", add_help_option=False)
@_probe_options
@connection_options
@demand_options
def _module_command(
    connection: Connection, demanded: Demanded, **said: Any
) -> tuple[Connection, Demanded, dict[str, Any]]:
    """What one module says."""
    return connection, demanded, said


@functools.cache
def _known() -> dict[str, bool]:
    """Options of a module by name, and whether each is a flag."""
    found: dict[str, bool] = {}
    for parameter in _module_command.params:
        if isinstance(parameter, click.Option):
            for spelling in (*parameter.opts, *parameter.secondary_opts):
                name = spelling.lstrip("-")
                if spelling.startswith("--") and name not in _NOT_HERE:
                    found[name] = parameter.is_flag
    return found
