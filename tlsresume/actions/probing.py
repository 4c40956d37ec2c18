"""The probe of a target, by one transport or by two, made from options."""

from __future__ import annotations

from collections.abc import Callable

from tlsresume.actions.beside import BothTransports, quic_beside
from tlsresume.actions.probe import AnyProbe, Probe
from tlsresume.experiments.terms import check_terms
from tlsresume.lab import Gate
from tlsresume.network.trace import Trace
from tlsresume.options import ProbeOptions
from tlsresume.target import Target


def check_probe(target: Target, options: ProbeOptions) -> None:
    """Whether a target can be probed with these options. Raises UsageError."""
    check_terms(target, options.connect)
    if options.quic:
        theirs, their_options = quic_beside(target, options)
        check_terms(theirs, their_options.connect)


def probe_of(
    target: Target,
    options: ProbeOptions,
    gate: Gate,
    trace: Trace | None = None,
    *,
    progress: Callable[[str], None] = lambda _line: None,
    deadline: tuple[float, float] | None = None,
) -> AnyProbe:
    """The probe of a target, which `options.quic` makes two. Raises UsageError."""
    own = Probe(target, options, gate, trace, progress, deadline=deadline, beside_quic=options.quic)
    if not options.quic:
        return own
    theirs, their_options = quic_beside(target, options)
    return BothTransports(
        own, Probe(theirs, their_options, gate, trace, progress, deadline=deadline)
    )
