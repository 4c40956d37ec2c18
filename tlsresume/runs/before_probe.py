"""What can be told of a probe before it is made: whether its options fit its target, what its
counterpart over QUIC would be, and how far the budget goes. Pure.

`probe --plan` and the reading of target lists need this, and none of what connects.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import UsageError
from tlsresume.experiments.connections import check_terms
from tlsresume.options import ProbeOptions
from tlsresume.targets.target import Target
from tlsresume.tls.handshake import ProtocolVersion
from tlsresume.value import Value

#: Full handshakes of an address: one per mechanism to discover, one to start each chain. Those
#: over QUIC, which has one mechanism, are fewer, with the token's.
_FULLS = 6
#: Mechanisms times series: what each try costs.
_PER_TRY = 6
_FEWEST_TRIES = 3


def check_probe(target: Target, options: ProbeOptions) -> None:
    """Whether a target can be probed with these options. Raises UsageError."""
    check_terms(target, options.connect)
    if options.quic:
        theirs, their_options = quic_beside(target, options)
        check_terms(theirs, their_options.connect)


def quic_beside(target: Target, options: ProbeOptions) -> tuple[Target, ProbeOptions]:
    """The same target over QUIC, and its options. Raises UsageError where QUIC cannot lead to
    it, or speaks something else there."""
    if target.transport != "tcp":
        raise UsageError(f"{target.name}: --quic is for targets of TCP: this one has no other")
    reason = None
    if target.unix:
        reason = "a unix socket has no UDP port"
    elif target.starttls is not None:
        reason = "QUIC has no STARTTLS; --quic tests HTTP/3 beside HTTPS"
    elif target.proxy is not None or target.proxy_header is not None:
        reason = "QUIC goes over UDP, through no proxy and with no PROXY header"
    elif target.scheme not in ("https", ""):
        reason = f"--quic tests HTTP/3 beside HTTPS, and this is {target.scheme}"
    if reason is not None:
        raise UsageError(
            f"{target.name}: {reason}", hints=("doq://HOST and quic://HOST:PORT go elsewhere",)
        )
    connect = options.connect
    if ProtocolVersion.TLSv1_3 not in connect.tls:
        raise UsageError(f"{target.name}: QUIC has TLS 1.3 only, and --tls forbids it")
    ours = replace(connect, alpn=None, ciphers=None, send=b"" if connect.send == b"" else None)
    return replace(target, scheme="h3"), replace(options, connect=ours, quic=False)


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
