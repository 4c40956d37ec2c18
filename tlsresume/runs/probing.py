"""The probe of a target, by one transport or by two, made from options."""

from __future__ import annotations

from collections.abc import Callable

from tlsresume.lab import Gate
from tlsresume.network.trace import Trace
from tlsresume.options import ProbeOptions
from tlsresume.runs.before_probe import quic_beside
from tlsresume.runs.probe import AnyProbe, Probe
from tlsresume.targets.target import Target


def probe_of(
    target: Target,
    options: ProbeOptions,
    gate: Gate,
    trace: Trace | None = None,
    *,
    progress: Callable[[str], None] = lambda _line: None,
    deadline: tuple[float, float] | None = None,
    turn: float = 0.0,
) -> AnyProbe:
    """The probe of a target, which `options.quic` makes two. Raises UsageError."""
    own = Probe(
        target,
        options,
        gate,
        trace,
        progress,
        deadline=deadline,
        turn=turn,
        beside_quic=options.quic,
    )
    if not options.quic:
        return own
    from tlsresume.runs.tcp_and_quic import BothTransports

    theirs, their_options = quic_beside(target, options)
    return BothTransports(
        own,
        Probe(theirs, their_options, gate, trace, progress, deadline=deadline, turn=turn),
    )
