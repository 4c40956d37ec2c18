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
_GITHUB = r"::(error|warning|notice) title=|(' )?\S+: (resumes|partly|does-not-resume|untested)\b"
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
        "tlsresume.formats.text", "target", begins=_TEXT, between="\n", ends_with_summary=True
    ),
    "json": Format(
        "tlsresume.formats.document", "run", begins=_JSON, document=True, holds_attempts=True
    ),
    "jsonl": Format(
        "tlsresume.formats.jsonl", "target", begins=_JSON, document=True, holds_attempts=True
    ),
    "csv": Format(
        "tlsresume.formats.csv_report", "target", "target,transport,address,", begins_with_head=True
    ),
    "junit": Format(
        "tlsresume.formats.junit",
        "run",
        r"<\?xml [^>]*>\s*<testsuites name=\"tlsresume\"",
        document=True,
    ),
    "github": Format("tlsresume.formats.github", "run", _GITHUB, document=True),
    "markdown": Format(
        "tlsresume.formats.markdown", "run", "## TLS session resumption", document=True
    ),
    "prometheus": Format(
        "tlsresume.formats.prometheus", "run", "(# (HELP|TYPE) )?tlsresume_", document=True
    ),
    "nagios": Format(
        "tlsresume.formats.nagios", "run", "RESUMPTION (OK|WARNING|CRITICAL|UNKNOWN)", document=True
    ),
    "html": Format("tlsresume.formats.html", "run", _HTML, document=True),
}
