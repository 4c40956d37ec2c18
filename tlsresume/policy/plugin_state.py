"""The state of a monitoring plugin: the exit status of a run for Nagios and its kin. Pure."""

from __future__ import annotations

from enum import IntEnum

from tlsresume.results.judged import Check
from tlsresume.results.report import Report, TargetResult


class PluginState(IntEnum):
    """The exit statuses of a plugin, by the monitoring plugins' guidelines."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


#: Of several states, the first that occurred stands for all.
_GRAVEST = (PluginState.CRITICAL, PluginState.WARNING, PluginState.UNKNOWN, PluginState.OK)


def plugin_state(report: Report) -> PluginState:
    """The state that a report calls for."""
    states = {plugin_state_of(target) for target in report.targets}
    if any(finding.fails for finding in report.findings):
        states.add(PluginState.CRITICAL)
    return next((each for each in _GRAVEST if each in states), PluginState.UNKNOWN)


def plugin_state_of(target: TargetResult) -> PluginState:
    """The state that one target calls for."""
    states = {_plugin_check(target, check) for check in target.checks}
    if target.interrupted or not target.checks:
        states.add(PluginState.UNKNOWN)
    return next((each for each in _GRAVEST if each in states), PluginState.UNKNOWN)


def _plugin_check(target: TargetResult, check: Check) -> PluginState:
    if check.outcome in ("unreachable", "untestable"):
        return PluginState.UNKNOWN
    if check.outcome != "broken" or check.severity == "info":
        return PluginState.OK
    if check.severity == "warning" or (check.kind == "verdict" and target.verdict == "partly"):
        return PluginState.WARNING
    return PluginState.CRITICAL
