"""What `tlsresume config` tells people: a line for each option, with its value and its source."""

from __future__ import annotations

from tlsresume.formats.page import FAINT, STRONG, Page, View
from tlsresume.results.configuration import HeldConfiguration, HeldOption, OptionValue


def render_configuration(held: HeldConfiguration, view: View) -> str:
    """What holds for a command: what is set anywhere, then the defaults that are not empty.

    With `view.verbose` also the options that nothing is set for.
    """
    page = Page(view)
    file = "no configuration file" if held.file is None else f"configuration file {held.file}"
    page.line((f"tlsresume {held.command}", STRONG), f"  {file}")
    shown = [each for each in held.options if view.verbose or each.value is not None]
    width = max((len(each.key) for each in shown), default=0)
    values = max((len(_words(each.value)) for each in shown), default=0)
    column = min(values, 30)
    for option in sorted(shown, key=lambda each: each.source == "default"):
        words = _words(option.value)
        page.line(f"  {option.key:<{width}}  {words:<{column}}  ", (_source(option), FAINT))
    return page.render()


def _source(option: HeldOption) -> str:
    if option.source == "environment":
        return f"${option.place}"
    return option.place or option.source


def _words(value: OptionValue | None) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case float() | int():
            return f"{value:g}"
        case tuple():
            return " ".join(_words(each) for each in value)
    return value
