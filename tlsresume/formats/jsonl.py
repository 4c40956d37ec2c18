"""JSON Lines: one line per target as it is done, each a document of its own.

A line is the JSON report of one target, with `target` in the place of `targets`; its
`exit_status` and `why` are that target's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from tlsresume.formats import document
from tlsresume.formats.page import View
from tlsresume.formats.printable import json_safe
from tlsresume.policy.exit_status import decided
from tlsresume.results import ErrorResult, Report, Tool


def render(report: Report, _view: View) -> str:
    """A line for each target of a report."""
    return "".join(_line(report, number) for number in range(len(report.targets)))


def failure(tool: Tool, error: ErrorResult) -> str:
    """The line that ends a run which failed."""
    return _one_line(document.document(tool, document.Failure(error=error)))


def _line(report: Report, number: int) -> str:
    own = report.targets[number : number + 1]
    # What several targets show together decides the run, not this line.
    alone = decided(replace(report, targets=own, findings=()))
    one = replace(alone, findings=report.findings)
    name = own[0].target
    whole: dict[str, Any] = msgspec.json.decode(document.document(one.tool, one))
    (target,) = whole.pop("targets")
    if own_options := target["options"]:
        # The line says what held for its target.
        whole["options"] = (whole["options"] or {}) | own_options
    whole.pop("missing")  # of the run; a line is written before its end
    violations = [each for each in whole.pop("violations") if each["target"] == name]
    return _one_line(
        msgspec.json.encode(whole | {"target": target, "violations": violations}).decode()
    )


def _one_line(text: str) -> str:
    return json_safe(msgspec.json.format(text, indent=-1)) + "\n"
