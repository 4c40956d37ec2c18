"""Does the length of the ClientHello decide who answers it?

A session makes the ClientHello longer, and a device on the way may look at its first
bytes only. So a handshake without a session is made as it is, another one padded to the
length of the offers that were not resumed, and a session is offered in a ClientHello
that is kept short: one small key share in place of the large one of a hybrid group.

The padding is an extension that OpenSSL puts first, so the server name stands behind it;
in an offer the session stands behind the name. Both leave the first bytes without a
whole ClientHello.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purposes import MATRIX, CrossName, HelloSize
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

_ROUNDS = 2

#: A round is a handshake as it is, one that is padded, and one short offer; in TLS 1.2
#: there is no short one, and one more that is padded.
COST = 3 * _ROUNDS

#: Groups with small key shares: 32 bytes for the first, beside 1216 of X25519MLKEM768.
SMALL_GROUPS = "X25519:P-256"

#: Groups whose key share has at most 133 bytes, as OpenSSL names them.
_SMALL = frozenset({"x25519", "x448", "secp256r1", "secp384r1", "secp521r1"})

#: What an extension takes at least (RFC 8446 section 4.2).
_LEAST = 4

#: More than any ClientHello needs, and less than an extension can hold.
_MOST = 60_000


async def hello_size(setup: MechanismSetup) -> None:
    """Without a session, as it is and as long as an offer; then a session in a short hello."""
    longest = longest_unresumed(setup)
    if longest is None:
        return
    plain = await _without_session(setup, HelloSize.PLAIN, setup.config)
    padding = longest - (plain.hello_size or longest)
    with_padding = replace(setup.config, padding=min(max(padding, _LEAST), _MOST))
    for number in range(_ROUNDS):
        if padding > 0:
            padded = await _without_session(setup, HelloSize.PADDED, with_padding)
            if padded.error is not None and padded.error.kind == "timeout":
                padding = 0  # each further one would wait for the whole timeout
        short = _short(setup.config, plain.group)
        sessions = [s for s in plain.sessions if s.mechanism == setup.mechanism]
        if sessions and short is not None:
            await setup.offer(HelloSize.SHORT, sessions[-1], config=short)
        if number + 1 < _ROUNDS:
            # An odd number of connections between two of a kind, or two nodes that take turns
            # would each meet their own.
            if short is None and padding > 0:
                await _without_session(setup, HelloSize.PADDED, with_padding)
            plain = await _without_session(setup, HelloSize.PLAIN, setup.config)


def longest_unresumed(setup: MechanismSetup) -> int | None:
    """The longest ClientHello of this mechanism and address that offered a session in vain."""
    sizes = [
        attempt.hello_size
        for attempt in setup.lab.journal
        if attempt.mechanism == setup.mechanism
        and attempt.address == setup.route.address
        and attempt.offered is not None
        and not attempt.resumed
        and attempt.hello_size is not None
        and not attempt.made_for(HelloSize, CrossName, *MATRIX)
    ]
    return max(sizes, default=None)


async def _without_session(
    setup: MechanismSetup, purpose: HelloSize, config: ClientConfig
) -> Trial:
    task = setup.task(purpose)
    if setup.target_setup.target.http:
        # The answer may name the node.
        task = setup.target_setup.with_answer(task)
    return await setup.lab.connect(setup.route, config, task)


def _short(config: ClientConfig, group: str | None) -> ClientConfig | None:
    """The same ClientConfig with a shorter ClientHello, that holds one small key share of the group
    which the server chose; None in TLS 1.2, which has no key shares."""
    groups = group if group in _SMALL else SMALL_GROUPS
    if config.maximum < ProtocolVersion.TLSv1_3 or config.groups == groups:
        return None
    return replace(config, groups=groups)
