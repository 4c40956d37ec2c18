"""The job summary of GitHub Actions: Markdown, added to the file that the runner names."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsresume.results import Report

VARIABLE = "GITHUB_STEP_SUMMARY"
#: What the runner takes for one step; it drops a longer summary as a whole.
LARGEST = 1024 * 1024


def add_summary(report: Report) -> None:
    """Add the report to the step's summary, if there is one; a failure is only a warning."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    from tlsresume.cli.console import warn

    try:
        with open(path, "ab") as file:  # noqa: PTH123  other steps of the job add to it too
            room = LARGEST - file.tell()
            text = _fitting(report, room)
            if text is None:
                warn(f"the report is too long for ${VARIABLE}, and was left out")
            else:
                file.write(text)
    except OSError as error:
        warn(f"cannot write the summary to {path}: {(error.strerror or str(error)).lower()}")


def _fitting(report: Report, room: int) -> bytes | None:
    """The report in as much detail as there is room for."""
    from tlsresume.formats.markdown import render
    from tlsresume.formats.page import View

    bare = tuple(
        replace(target, addresses=(), findings=(), checks=(), changes=(), skipped=())
        for target in report.targets
    )
    for each in (report, replace(report, targets=bare)):
        data = render(each, View()).encode("utf-8")
        if len(data) <= room:
            return data
    return None
