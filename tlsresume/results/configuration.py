"""Which options hold in a command, and where each comes from: the answer of `config`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: A value of an option, as reports hold it: times are in seconds, passwords are hidden.
OptionValue = bool | int | float | str | tuple[bool | int | float | str, ...]

#: From the strongest to the weakest.
OptionSource = Literal["command line", "environment", "file", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOption:
    """One option. `place` is the variable or the file that the value comes from; `value` None
    means that nothing is set."""

    key: str
    value: OptionValue | None
    source: OptionSource
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConfiguration:
    """The options of one command without a command line; `file` is the configuration file that
    was read, None where there is none."""

    command: str
    file: str | None
    options: tuple[HeldOption, ...]
