"""JSON Lines: one line per target as it is done, each a document of its own.

A line is the JSON report of one target, with `target` in the place of `targets`; its
`exit_status` and `why` are that target's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.formats import document
from tlsresume.formats.alone import each_alone
from tlsresume.formats.page import View
from tlsresume.formats.printable import json_safe
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import Report, Tool


def render(report: Report, _view: View) -> str:
    """A line for each target of a report."""
    return "".join(_line(alone) for alone in each_alone(report))


def failure(tool: Tool, error: ErrorResult) -> str:
    """The line that ends a run which failed."""
    return _one_line(document.fields_of(tool, document.Failure(error=error)))


def _line(alone: Report) -> str:
    name = alone.targets[0].target
    whole = document.fields_of(alone.tool, alone)
    (target,) = whole.pop("targets")
    if own_options := target["options"]:
        # The line says what held for its target.
        whole["options"] = (whole["options"] or {}) | own_options
    whole.pop("missing")  # of the run; a line is written before its end
    violations = [each for each in whole.pop("violations") if each["target"] == name]
    return _one_line(whole | {"target": target, "violations": violations})


def _one_line(fields: dict[str, Any]) -> str:
    return json_safe(msgspec.json.encode(fields).decode()) + "\n"
