"""What can be told of a probe before it is made: whether its options fit its target, what its
counterpart over QUIC would be, and how far the budget goes. Pure.

`probe --plan` and the reading of target lists need this, and none of what connects.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.experiments.connections import check_transport
from tlsresume.options import ProbeOptions
from tlsresume.targets.target import Target
from tlsresume.value import Value

#: Full handshakes of an address: one per mechanism to discover, one to start each chain. Those
#: over QUIC, which has one mechanism, are fewer, with the token's.
_FULLS = 6
#: Mechanisms times series: what each try costs.
_PER_TRY = 6
_FEWEST_TRIES = 3


def check_probe(target: Target, options: ProbeOptions) -> None:
    """Whether a target can be probed with these options. Raises UsageError."""
    check_transport(target, options.connect)
    if options.quic:
        theirs, their_options = quic_beside(target, options)
        check_transport(theirs, their_options.connect)


def quic_beside(target: Target, options: ProbeOptions) -> tuple[Target, ProbeOptions]:
    """The same target over QUIC, and its options. Raises UsageError where QUIC cannot lead to
    it, or speaks something else there."""
    from tlsresume.runs.over_quic import over_quic

    theirs, connect = over_quic(target, options.connect)
    return theirs, replace(options, connect=connect, quic=False)


class Share(Value, frozen=True):
    """What the budget allows: how many addresses, and tries of each series on each."""

    addresses: int
    tries: int

    @property
    def connections(self) -> int:
        """What the first round takes at most."""
        return self.addresses * (_FULLS + _PER_TRY * self.tries)


def share_budget(budget: int, addresses: int, tries: int) -> Share:
    """Tries are lowered, never below 3, before addresses are left out."""
    fewest = min(tries, _FEWEST_TRIES)
    for count in range(addresses, 0, -1):
        affordable = (budget // count - _FULLS) // _PER_TRY
        if affordable >= fewest or count == 1:
            return Share(count, max(fewest, min(tries, affordable)))
    return Share(0, tries)
