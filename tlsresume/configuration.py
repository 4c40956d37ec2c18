"""Configuration files: where they are looked for, and what one holds.

One file counts: that of `--config`, else `tlsresume.toml` in the working folder (parent folders
are not searched), else `tlsresume/config.toml` in $XDG_CONFIG_HOME or ~/.config. Its keys are the
names of options without their dashes, for every command that is configured, or in a table with
the name of one command; `serve`, `capture` and `inspect` read their own table only. `[exporter]`,
`[modules]` and `[web]` belong to the exporter, which reads them through `Configuration.table`.

A file in the working folder may come from a stranger, as a clone of a project does. So it is not
`trusted`: what it may set is said in `OPEN_TO_ALL`, and nothing there makes another connection,
writes a file, or turns a failure into success.

No option is known here; `cli.configuring` holds the keys against the commands.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from tlsresume.errors import ConfigurationFileError
from tlsresume.files import LARGEST_TOML, parse_toml

#: The name of the file in the working folder.
WORKING_FOLDER_FILE = "tlsresume.toml"

#: Tables of the exporter: skipped where options are read.
EXPORTER_TABLES = ("exporter", "modules", "web")

#: What a file in the working folder may set: tries, times, the name of a built-in policy, names
#: of formats without a FILE, and whom to trust.
OPEN_TO_ALL = ("tries", "timeout", "ticket-wait", "deadline", "policy", "format", "cafile")


class Configuration(NamedTuple):
    """What one file holds. `path` is as it was named; `trusted` is False for the file of the
    working folder that nobody named; `tables` is its TOML, unchecked."""

    path: str
    trusted: bool
    tables: Mapping[str, Any]

    def table(self, name: str) -> Mapping[str, Any]:
        """A table such as `exporter`; empty where there is none. Raises ConfigurationFileError
        where the name is that of a value."""
        found = self.tables.get(name, {})
        if not isinstance(found, dict):
            raise ConfigurationFileError(
                f"{self.path}: {name} is a value, and must be a table: [{name}]", path=self.path
            )
        return found

    @property
    def folder(self) -> str:
        """The folder that relative names of files in it start from."""
        return os.path.dirname(self.path)  # noqa: PTH120  a path may be no valid Path


def find_configuration(
    named: str | None, environment: Mapping[str, str]
) -> tuple[str, bool] | None:
    """The path of the file that counts, and whether it is trusted; None where there is none.

    `named` is what `--config` says. A file that is there but cannot be read counts.
    """
    if named is not None:
        return named, True
    if os.path.lexists(WORKING_FOLDER_FILE):
        return WORKING_FOLDER_FILE, False
    path = users_file(environment)
    return (path, True) if path is not None and os.path.lexists(path) else None


def users_file(environment: Mapping[str, str]) -> str | None:
    """Where the user's own file is, by the XDG Base Directory Specification; None without a home.

    A relative $XDG_CONFIG_HOME does not count, as the specification demands.
    """
    folder = environment.get("XDG_CONFIG_HOME") or ""
    if not os.path.isabs(folder):  # noqa: PTH117  a path may be no valid Path
        home = environment.get("HOME") or ""
        if not os.path.isabs(home):  # noqa: PTH117  same
            return None
        folder = os.path.join(home, ".config")  # noqa: PTH118  same
    return os.path.join(folder, "tlsresume", "config.toml")  # noqa: PTH118  same


def read_configuration(path: str, *, trusted: bool = True) -> Configuration:
    """The configuration in a file. Raises ConfigurationFileError."""
    from tlsresume.files import read_bounded

    data, _ = read_bounded(path, LARGEST_TOML * 4, ConfigurationFileError)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationFileError(f"{path} is not UTF-8 text", path=path) from None
    return parse_configuration(text, path, trusted=trusted)


def parse_configuration(text: str, path: str, *, trusted: bool = True) -> Configuration:
    """The configuration in a TOML text; `path` is the file's. Raises ConfigurationFileError."""
    tables = parse_toml(text, path, "a configuration file", ConfigurationFileError)
    return Configuration(path, trusted, tables)
