"""Options under headings: `--help` of a command lists what belongs together, together."""

from __future__ import annotations

from typing import Any

import click

OTHER = "Other options"


class GroupedOption(click.Option):
    """An option that stands under a heading of its command's help."""

    def __init__(self, *args: Any, group: str = OTHER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group

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
        if self.type is click.FLOAT:
            if self.metavar == "SECONDS":
                return "a number of seconds, such as 10 or 0.5"
            return "a number, such as 0.95"
        return None


def _is_number(text: str) -> bool:
    """Whether a whole number was given: then the range is what is wrong."""
    return text.strip().removeprefix("-").isdecimal()


class GroupedCommand(click.Command):
    """A command whose help lists its options by heading, in order of first appearance."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                groups.setdefault(getattr(parameter, "group", OTHER), []).append(record)
        for heading, records in sorted(groups.items(), key=lambda group: group[0] == OTHER):
            with formatter.section(heading):
                formatter.write_dl(records)
