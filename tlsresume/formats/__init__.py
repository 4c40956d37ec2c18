"""One file per format: pure functions from results to text.

`FORMATS` says where each format of `probe` lives and when it speaks: once per
target, as each is done, or once per run. A renderer takes a Report and a View;
one that speaks per target gets Reports of one target, and may have a `summary`
for the end of the run. Modules are imported when their format is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from tlsresume.formats.page import View
    from tlsresume.results import Report

    Renderer = Callable[[Report, View], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Where a format's renderer is, and when it speaks.

    `document` says that its output must be one whole document, also when a run fails;
    `between` stands between targets.
    """

    module: str
    per: Literal["run", "target"]
    about: str
    document: bool = False
    between: str = ""
    ends_with_summary: bool = False

    def renderer(self) -> Renderer:
        """The format's `render` function."""
        return cast("Renderer", import_module(self.module).render)

    def summary(self) -> Renderer | None:
        """The function for the last lines of a run, where the format has one."""
        if not self.ends_with_summary:
            return None
        return cast("Renderer", import_module(self.module).summary)


FORMATS: dict[str, Format] = {
    "text": Format(
        module="tlsresume.formats.text",
        per="target",
        about="for people",
        between="\n",
        ends_with_summary=True,
    ),
    "json": Format(
        module="tlsresume.formats.document",
        per="run",
        about="one JSON document, described by a JSON Schema",
        document=True,
    ),
}
