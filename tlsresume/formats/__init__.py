"""One file per format: pure functions from results to text.

`FORMATS` says where each format of `probe` lives and when it speaks: once per
target, as each is done, or once per run. A renderer takes a Report and a View;
one that speaks per target gets Reports of one target, and may have a `summary`
for the end of the run. Modules are imported when their format is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from tlsresume.formats.page import View
    from tlsresume.results.measured import ErrorResult
    from tlsresume.results.report import Report, Tool

    Renderer = Callable[[Report, View], str]
    FailureRenderer = Callable[[Tool, ErrorResult], str]


class Format(NamedTuple):
    """Where a format's renderer is, and when it speaks.

    `document` says that its output must be whole also when a run fails: the module has a
    `failure` for that. `between` stands between targets. `begins_with_head` says that the
    module has a `head`, printed once before all targets; `holds_attempts` that its output has
    every attempt, unless it is to be brief. `begins` is a
    regular expression for the first 4 KiB of all that the format writes, in any command: a file
    that holds something else is not written over unasked.
    """

    module: str
    per: Literal["run", "target"]
    about: str
    begins: str
    document: bool = False
    between: str = ""
    ends_with_summary: bool = False
    begins_with_head: bool = False
    holds_attempts: bool = False

    def renderer(self) -> Renderer:
        """The format's `render` function."""
        return cast("Renderer", self._function("render"))

    def failure(self) -> FailureRenderer | None:
        """The function that says that a run failed, where the format can."""
        return cast("FailureRenderer", self._function("failure")) if self.document else None

    def head(self) -> str:
        """What stands before the first target; nothing in most formats."""
        return str(self._function("head")()) if self.begins_with_head else ""

    def summary(self) -> Renderer | None:
        """The function for the last lines of a run, where the format has one."""
        return cast("Renderer", self._function("summary")) if self.ends_with_summary else None

    def _function(self, name: str) -> Callable[..., object]:
        found: Callable[..., object] = getattr(import_module(self.module), name)
        return found


_JSON = r'\{\s*"schema"\s*:\s*[0-9]+\s*,\s*"tool"\s*:\s*\{\s*"name"\s*:\s*"tlsresume"'
_HTML = (
    r'<!DOCTYPE html>\s<html lang="en">\s<head>\s<meta charset="utf-8">\s'
    r'<meta (name="generator" content="tlsresume|http-equiv="Content-Security-Policy")'
)
#: A verdict, or what `watch`, `save`, `resume`, `inspect`, `explain`, `config`, `serve` and
#: `capture` begin with.
_TEXT = (
    r"[^\0]*\b(RESUMES|PARTLY|DOES[- ]NOT[- ]RESUME|UNTESTED)\b"
    r"|([^\0]*\n)?(OK|FAIL \(exit [0-9]|INTERRUPTED)\b"
    r"|(Saved|Not saved:|Reused,|New,|Failed,) |No samples yet|\S+  [0-9]+ samples?\b"
    r"|tlsresume [a-z]+  |\S+  (psk|ticket|session-id)\b| +behaviour |[0-9,]+ TLS connections?\b"
    r"|[a-z0-9-]+: [^\n]*\nGroup [A-Z]: |[A-Z][^\n]*\n  [a-z0-9-]+  +[A-Z]"
)

FORMATS: dict[str, Format] = {
    "text": Format(
        "tlsresume.formats.text", per="target", about="for people", begins=_TEXT,
        between="\n", ends_with_summary=True,
    ),
    "json": Format(
        "tlsresume.formats.document", per="run", begins=_JSON, document=True, holds_attempts=True,
        about="one JSON document, described by a JSON Schema",
    ),
    "jsonl": Format(
        "tlsresume.formats.jsonl", per="target", begins=_JSON, document=True, holds_attempts=True,
        about="a JSON document on a line for each target, as it is done",
    ),
    "csv": Format(
        "tlsresume.formats.csv_report", per="target", begins="target,transport,address,",
        about="a row for each mechanism on each address, for spreadsheets", begins_with_head=True,
    ),
    "junit": Format(
        "tlsresume.formats.junit", per="run", about="JUnit XML, a test case for each demand",
        begins=r"<\?xml [^>]*>\s*<testsuites name=\"tlsresume\"", document=True,
    ),
    "github": Format(
        "tlsresume.formats.github", per="run", about="annotations for GitHub Actions",
        begins=r"::(error|warning|notice) title=|(' )?\S+: (resumes|partly|does-not-resume|untested)\b",
        document=True,
    ),
    "markdown": Format(
        "tlsresume.formats.markdown", per="run", begins="## TLS session resumption", document=True,
        about="Markdown, for job summaries and pull requests",
    ),
    "prometheus": Format(
        "tlsresume.formats.prometheus", per="run", about="metrics for the textfile collector",
        begins="(# (HELP|TYPE) )?tlsresume_", document=True,
    ),
    "nagios": Format(
        "tlsresume.formats.nagios", per="run", begins="RESUMPTION (OK|WARNING|CRITICAL|UNKNOWN)",
        about="a plugin's line with perfdata, and its exit status", document=True,
    ),
    "html": Format(
        "tlsresume.formats.html", per="run", about="one self-contained page", begins=_HTML,
        document=True,
    ),
}  # fmt: skip
