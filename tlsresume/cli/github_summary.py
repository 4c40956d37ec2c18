"""The job summary of GitHub Actions: Markdown, added to the file that the runner names."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsresume.results.report import Report

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
        # Other steps of the job add to it too. A pipe without a reader must not make us wait.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags, 0o666), "ab") as file:
            room = LARGEST - os.fstat(file.fileno()).st_size
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
