"""Policies, earlier reports, and the formats that a report is written in."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tlsresume import checked
from tlsresume.errors import PolicyFileError, ReportFileError
from tlsresume.features import entries
from tlsresume.files import LARGEST_TOML, read_bounded, write_atomically
from tlsresume.formats import FORMATS
from tlsresume.formats.page import View
from tlsresume.formats.reading import LARGEST as LARGEST_REPORT
from tlsresume.formats.reading import parse_report
from tlsresume.policy.judge import Judge
from tlsresume.policy.names import BUILTIN, FAIL_ON, FailOn
from tlsresume.policy.policy import Policy
from tlsresume.policy.reading import builtin_policy, nearest, parse_policy
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs.many_targets import tool

#: A report holds no secret: the umask alone says who may read it.
_REPORT_MODE = 0o666


def read_policy(name: str) -> Policy:
    """A built-in policy by its name, else the one in a TOML file. Raises PolicyFileError.

    >>> tlsresume.read_policy("strict").demands_something
    True
    """
    for builtin in BUILTIN:
        if name.lower() == builtin:
            return builtin_policy(builtin)
    try:
        data, _ = read_bounded(name, LARGEST_TOML, PolicyFileError)
        codes = [entry.code for entry in entries()]
        return parse_policy(data.decode("utf-8-sig"), name, codes)
    except PolicyFileError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        hints = () if os.sep in name or "." in name else nearest(name, BUILTIN)
        raise PolicyFileError(
            f"cannot read {name}: no such file or built-in policy", path=name, hints=hints
        ) from None
    except UnicodeDecodeError:
        raise PolicyFileError(f"{name} is not UTF-8 text", path=name) from None


def read_report(path: str) -> Report:
    """The report in a file that `--format json=FILE` or `write_report` wrote; it can be a
    `baseline`. Raises ReportFileError."""
    try:
        return parse_report(read_bounded(path, LARGEST_REPORT, ReportFileError)[0], path)
    except ReportFileError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise ReportFileError(
            f"there is no baseline {path} yet",
            path=path,
            hints=(f"make one: tlsresume probe TARGET --format json={path}",),
        ) from None


def judge(
    results: Report | TargetResult | Iterable[TargetResult],
    *,
    policy: Policy | str | None = None,
    baseline: Report | None = None,
    fail_on: FailOn = "error",
    ignore: Sequence[str] = (),
) -> Report:
    """A report of results, held against a policy (or its name or file) and an earlier report.

    Without either the default rules hold: every judged mechanism is resumed every time, and no
    finding is as grave as `fail_on`. `ignore` are codes of findings. Raises PolicyFileError.

    >>> results = [tlsresume.probe(target, options)]
    >>> report = tlsresume.judge(results, policy="no-resumption")
    >>> report.ok, report.exit_status
    (False, 3)
    >>> tlsresume.judge(results, baseline=report).ok
    True
    """
    if isinstance(results, TargetResult):
        results = (results,)
    if not isinstance(results, Report):
        results = Report(tool=tool(), targets=tuple(results))
    checked.choice("fail_on", fail_on, FAIL_ON)
    chosen = read_policy(policy) if isinstance(policy, str) else policy
    name = policy if isinstance(policy, str) else None if policy is None else "policy"
    judging = Judge(
        today=dt.datetime.now(dt.UTC).date(),
        policy=chosen or Policy(),
        name=name,
        baseline=baseline,
        baseline_name=None if baseline is None else "baseline",
        fail_on=fail_on,
        ignore=tuple(ignore),
    )
    return judging.report(results)


def report_formats() -> tuple[str, ...]:
    """The names of the formats that a report can be written in."""
    return tuple(FORMATS)


def format_report(report: Report, name: str = "text") -> str:
    """A report in one of the formats of `--format`, as text without colours. Raises UsageError.

    >>> report = tlsresume.judge(tlsresume.probe(target, options))
    >>> tlsresume.format_report(report, "junit").startswith("<?xml")
    True
    """
    checked.choice("name", name, report_formats())
    form, view = FORMATS[name], View()
    render = form.renderer()
    if form.per == "run":
        return render(report, view)
    pieces = []
    for target in report.targets:
        own = tuple(each for each in report.violations if each.target == target.target)
        pieces.append(render(replace(report, targets=(target,), violations=own), view))
    last = form.summary()
    return form.between.join(pieces) + ("" if last is None else last(report, view))


def write_report(report: Report, name: str, path: str, *, force: bool = False) -> None:
    """Write a report to a file in one of the formats, all or nothing.

    An existing file is replaced only with `force`. Raises UsageError and OutputFileError.

    >>> tlsresume.write_report(tlsresume.judge([]), "json", "report.json")
    >>> tlsresume.read_report("report.json").ok
    True
    """
    checked.text("path", path)
    data = format_report(report, name).encode("utf-8", "backslashreplace")
    write_atomically(path, data, force=force, mode=_REPORT_MODE)
