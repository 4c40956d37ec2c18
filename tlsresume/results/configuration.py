"""Which options hold in a command, and where each comes from: the answer of `config`."""

from __future__ import annotations

from typing import Literal

from tlsresume.value import Value

#: A value of an option, as reports hold it: times are in seconds, passwords are hidden.
OptionValue = bool | int | float | str | tuple[bool | int | float | str, ...]

#: From the strongest to the weakest.
OptionSource = Literal["command line", "environment", "file", "default"]


class HeldOption(Value, frozen=True, kw_only=True):
    """One option. `place` is the variable or the file that the value comes from; `value` None
    means that nothing is set."""

    key: str
    value: OptionValue | None
    source: OptionSource
    place: str | None = None


class HeldConfiguration(Value, frozen=True, kw_only=True):
    """The options of one command without a command line; `file` is the configuration file that
    was read, None where there is none."""

    command: str
    file: str | None
    options: tuple[HeldOption, ...]
