"""What every HTML report is made with: the templates, and the values that they show.

One skeleton, `templates/page.html`, holds head, style and footer; each report extends it, and
`templates/parts.html` has the macros that they share. A feature keeps its own template beside
its code. Every value passes two gates on its way into a page: `_clean` takes control and
bidirectional characters out, wherever it comes from, and jinja2 escapes it. No template may
switch that off.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from tlsresume.formats.findings import effect_words
from tlsresume.formats.printable import markup_safe, printable
from tlsresume.results.judged import Finding
from tlsresume.results.places import named_place
from tlsresume.results.report import Tool
from tlsresume.value import Value

if TYPE_CHECKING:
    from jinja2 import Environment

#: The folders of templates, within the package, by the first part of a template's name.
_FOLDERS = {
    "formats": "formats/templates",
    "capture": "features/capture",
    "serve": "features/serve",
}
#: A badge's colour.
Style = Literal["good", "fair", "bad", "none"]


class Cell(Value, frozen=True):
    """A value in a table that is more than plain text: a badge with its colour in `style`, a
    piece of code, a soft (grey) remark, a link to the id in `style`, or several of these, one
    below the other."""

    kind: Literal["badge", "code", "soft", "link", "lines"]
    text: object = ""
    style: str = ""
    lines: tuple[object, ...] = ()


def badge(word: object, style: Style) -> Cell:
    """A word on a coloured ground."""
    return Cell("badge", word, style)


def code(text: object) -> Cell:
    """Text in the letters of a terminal."""
    return Cell("code", text)


def soft(text: object) -> Cell:
    """A remark beside the matter."""
    return Cell("soft", text)


def link(text: object, anchor: str) -> Cell:
    """A link to a place in the same page."""
    return Cell("link", text, anchor)


def lines(*each: object) -> Cell:
    """Values one below the other."""
    return Cell("lines", lines=each)


class Table(Value, frozen=True, kw_only=True):
    """A table, which becomes a card for each row on a phone. `right` are the numbers of the
    columns that hold numbers."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    right: tuple[int, ...] = ()


def page(template: str, tool: Tool, *, command: str = "", **values: object) -> str:
    """A whole HTML document from a template that extends the skeleton.

    `command` is the command line that made the report, without secrets.
    """
    made = _environment().get_template(template).render(tool=tool, command=command, **values)
    return markup_safe(made.rstrip("\n") + "\n")


def needs_mending(finding: Finding) -> bool:
    """Whether something is to be done about a finding: it gets a card of its own."""
    return finding.fails or (finding.severity != "info" and not finding.excused)


def place_of(finding: Finding) -> str:
    """What a finding speaks of: addresses and mechanisms."""
    addresses = [named_place(address, finding.transport) for address in finding.every_address]
    return "; ".join(", ".join(part) for part in (addresses, finding.every_mechanism) if part)


def finding_lists(finding: Finding) -> list[tuple[str, tuple[str, ...]]]:
    """The lists under a finding, each with its heading."""
    every = (
        ("Seen", finding.evidence),
        ("Settings", finding.directives),
        ("On the wire", finding.details),
        ("Not known", finding.not_known),
        ("Also possible", finding.candidates),
    )
    return [(heading, items) for heading, items in every if items]


def _clean(value: object) -> object:
    """A value without control and bidirectional characters, which are written as escapes.

    Also what is markup already is cleaned (its line ends stay), so that no filter or macro is a
    way round this.
    """
    from markupsafe import Markup

    if value is None:
        return ""
    if isinstance(value, Markup):
        return Markup("\n").join(Markup(printable(str(line))) for line in value.split("\n"))  # noqa: S704  it was Markup before
    return printable(value) if isinstance(value, str) else value


def _load(name: str) -> str:
    folder, _, file = name.partition("/")
    return (files("tlsresume") / _FOLDERS[folder] / file).read_text(encoding="utf-8")


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        autoescape=True,
        finalize=_clean,
        undefined=StrictUndefined,
        loader=FunctionLoader(_load),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    style = (files("tlsresume.formats") / "report.css").read_text(encoding="utf-8")
    made.globals |= {
        "style": Markup(style),  # noqa: S704  our own file
        "effect_words": effect_words,
        "finding_lists": finding_lists,
        "place_of": place_of,
    }
    made.tests["mending"] = needs_mending
    made.tests["cell"] = lambda value: isinstance(value, Cell)
    return made
