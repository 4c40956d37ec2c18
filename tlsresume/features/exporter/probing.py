"""One probe for a scrape: looked up, held against `allow`, probed, judged, made metrics of."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tlsresume.errors import LocalError, ResolveError, TLSResumeError, UsageError, first_of
from tlsresume.features.exporter.allow import Allow
from tlsresume.features.exporter.sharing import Outcome
from tlsresume.formats import prometheus
from tlsresume.formats.page import View
from tlsresume.lab import Gate
from tlsresume.network.resolve import addresses_for
from tlsresume.policy.judge import Judge
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs.before_probe import check_probe
from tlsresume.runs.many_targets import tool
from tlsresume.runs.probing import probe_of
from tlsresume.value import Value

if TYPE_CHECKING:
    from tlsresume.network.trace import Trace
    from tlsresume.options import ProbeOptions
    from tlsresume.targets.target import Target


class Module(Value, frozen=True, kw_only=True):
    """A way to probe that the configuration names.

    `parse` makes a Target of a scrape's text; `judge` decides on success; a result serves for
    `cache` seconds. `says` is the table as it stands in the file, to be shown.
    """

    name: str
    options: ProbeOptions
    parse: Callable[[str], Target]
    judge: Judge
    cache: float = 30.0
    says: tuple[str, ...] = ()


class NotAllowed(TLSResumeError):
    """The target, or an address of it, is not one that the configuration allows."""


async def probe_for_scrape(
    module: Module,
    target: Target,
    allow: Allow,
    gate: Gate,
    *,
    seconds: float,
    trace: Trace | None = None,
) -> tuple[Report, Outcome]:
    """Probe a target within a time. Whatever is wrong with the target is in the result.

    Raises NotAllowed, and UsageError or FileError where the module cannot be carried out.
    """
    began = time.monotonic()
    try:
        looked_up = await _checked(target, allow, min(seconds, module.options.connect.timeout))
    except (ResolveError, LocalError) as error:
        kind = "local" if isinstance(error, LocalError) else "resolve"
        failed = ErrorResult(kind, "resolve", error.message, error.hints)
        result = TargetResult(target=target.name, verdict="untested", error=failed)
    else:
        result = await _probed(module, looked_up, gate, end=(began + seconds, seconds), trace=trace)
    return await asyncio.to_thread(_told, module, result, began)


async def _checked(target: Target, allow: Allow, seconds: float) -> Target:
    """The target with its addresses, each allowed: what was checked is what is connected to."""
    host, port = target.dial_to
    if target.proxy is not None and target.proxy.resolves:
        if not allow.permits_name(host, port) and not allow.permits(host, port, host):
            raise NotAllowed(f"{target.name} is not allowed by the configuration of the exporter")
        return target
    found = await addresses_for(target, seconds)
    for address in found.addresses:
        if not allow.permits(host, port, address):
            raise NotAllowed(
                f"{target.name}: its address {address} is not allowed by the configuration of the"
                " exporter"
            )
    return replace(target, addresses=found.addresses)


async def _probed(
    module: Module,
    target: Target,
    gate: Gate,
    *,
    end: tuple[float, float],
    trace: Trace | None,
) -> TargetResult:
    demanded = module.judge.named_by_demands(target.name)
    options = replace(module.options, demanded=demanded)
    probe = probe_of(target, options, gate, trace, deadline=end)
    try:
        await probe.run()
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    # To judge takes milliseconds of CPU, and other scrapes wait for this loop.
    return await asyncio.to_thread(probe.result)


def _told(module: Module, result: TargetResult, began: float) -> tuple[Report, Outcome]:
    judge = replace(module.judge, today=dt.datetime.now(dt.UTC).date())
    report = judge.report(Report(tool=tool(), targets=(result,)))
    status = report.exit_status or 0
    ended = time.monotonic()
    return report, Outcome(
        metrics=prometheus.render(report, View()),
        success=status == 0,
        exit_status=status,
        seconds=ended - began,
        ended=ended,
        cut=result.incomplete,
    )


def target_from(text: str, module: Module, allow: Allow) -> Target:
    """The target of a scrape. Raises UsageError for what is none, and NotAllowed."""
    if text.startswith("unix:"):
        raise UsageError("a target of the exporter is no unix socket")
    target = module.parse(text)
    check_probe(target, module.options)
    host, port = target.dial_to
    if not allow.may_fit(host, port):
        raise NotAllowed(f"{target.name} is not allowed by the configuration of the exporter")
    return target
