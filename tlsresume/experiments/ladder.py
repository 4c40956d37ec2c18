"""The experiments by name, cheap to dear: one question each, and what it costs.

Those that are not `harmless` (they show an unusual client to the server's log,
or take long) run only when the user names them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from tlsresume.evidence.purposes import (
    Ciphers,
    Close,
    Control,
    Elicit,
    NoEMS,
    OwnName,
    Retry,
    SameTicket,
    SourcePort,
    Unpinned,
    Versions,
)
from tlsresume.experiment_names import ExperimentName
from tlsresume.experiments import default_server, hello_size, honoured_later
from tlsresume.experiments.answers import PAIRS, compare_answers
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.protocols.schemes import Transport
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.value import Value

Run = Callable[[MechanismSetup], Coroutine[Any, Any, None]]

_PAIRS = 5

#: Offers more of the first session that is refused at once: nodes that take turns would each
#: refuse what the one before them made, until its turn comes again.
_AGAIN = 3
_CLOSES = 3
#: Seconds for a server to notice a cut, before the session is offered; a busy one needs some.
_NOTICED = 0.2

#: TLS 1.3 suites by the hash of their key schedule (RFC 8446 section B.4).
_SUITES_BY_HASH = {
    "sha256": "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
    "sha384": "TLS_AES_256_GCM_SHA384",
}


_ONE_QUIC = "QUIC has TLS 1.3 only"
_ONE_DTLS = "DTLS is tested in version 1.2 only"
_NO_CUT = "a connection over UDP cannot be cut"

#: Experiments that a transport, or the library for it, cannot make, and why.
_UNABLE: dict[Transport, dict[str, str]] = {
    "tcp": {},
    "quic": {
        "unpinned": _ONE_QUIC,
        "versions": _ONE_QUIC,
        "no-ems": "extended master secret is of TLS 1.2, and QUIC has TLS 1.3",
        "ciphers": "aioquic offers a session with its own cipher suite only",
        "hello-size": "aioquic cannot choose the length of its ClientHello",
        "close": _NO_CUT,
    },
    "dtls": {
        "unpinned": _ONE_DTLS,
        "versions": _ONE_DTLS,
        "hello-size": "a ClientHello of DTLS is cut into datagrams, whatever its length",
        "close": _NO_CUT,
    },
}


class Experiment(Value, frozen=True):
    """A question to a server, and at most how many connections it takes to ask it."""

    name: ExperimentName
    question: str
    cost: int
    run: Run
    harmless: bool = True

    def unable(self, transport: Transport) -> str | None:
        """Why it cannot be made over a transport; None where it can."""
        return _UNABLE[transport].get(self.name)


async def _control(setup: MechanismSetup) -> None:
    """Without a session, with the one that this brought, and without again."""
    attempt, session = await setup.full(Control.FULL)
    if session is not None and setup.subject is None and attempt.handshake_done:
        await _offer_again(setup, session)
    await setup.full(Control.FULL)


async def _offer_again(setup: MechanismSetup, session: Session) -> None:
    """Not where silence answered before: it costs the whole timeout, and has been waited out."""
    if not any(a.error and a.error.kind == "timeout" for a in setup.lab.journal):
        await setup.offer(Control.OFFER, session)


async def _retry(setup: MechanismSetup) -> None:
    left = _AGAIN
    for _ in range(_PAIRS):
        _, session = await setup.full(Retry.FULL)
        if session is None:
            return
        last = await setup.offer(Retry.AT_ONCE, session)
        while left and last.offered and last.handshake_done and not last.resumed:
            left -= 1
            last = await setup.offer(Retry.AGAIN, session)


async def _same_ticket(setup: MechanismSetup) -> None:
    _, session = await setup.full(SameTicket.FULL)
    if session is not None:
        await setup.offer(SameTicket.FIRST, session)
        await setup.offer(SameTicket.SECOND, session)


async def _close(setup: MechanismSetup) -> None:
    for _ in range(_CLOSES):
        for clean, full, after in (
            (True, Close.FULL_CLEAN, Close.AFTER_CLEAN),
            (False, Close.FULL_ABRUPT, Close.AFTER_ABRUPT),
        ):
            # What OpenSSL forgets with a cut connection is the session of its last ticket.
            _, session = await setup.full(full, clean=clean, every_ticket=True)
            if not clean:
                await setup.lab.wait(_NOTICED)
            if session is not None:
                await setup.offer(after, session)


async def _elicit(setup: MechanismSetup) -> None:
    task = setup.target_setup.with_answer(setup.task(Elicit.FULL))
    task = replace(task, ticket_wait=2 * setup.target_setup.options.ticket_wait)
    await setup.lab.connect(setup.route, setup.config, task)


async def _unpinned(setup: MechanismSetup) -> None:
    await setup.full(Unpinned.FULL, config=_ordinary(setup))


def _ordinary(setup: MechanismSetup) -> ClientConfig:
    config = setup.config
    return replace(
        config,
        minimum=ProtocolVersion.TLSv1_2,
        maximum=ProtocolVersion.TLSv1_3,
        ciphers=setup.target_setup.options.ciphers,
        ciphersuites=setup.target_setup.options.ciphersuites,
    )


async def _no_ems(setup: MechanismSetup) -> None:
    config = replace(setup.config, extended_master_secret=False)
    session: Session | None = setup.subject
    if session is None:
        _, session = await setup.full(NoEMS.FULL, config=config)
    if session is not None:
        await setup.offer(NoEMS.OFFER, session, config=config)


async def _own_name(setup: MechanismSetup) -> None:
    if setup.subject is None:
        return
    config = replace(setup.config, server_name=setup.own_name)
    if setup.own_alpn:
        config = replace(config, alpn=(setup.own_alpn,))
    await setup.offer(OwnName.OFFER, setup.subject, config=config)


async def _versions(setup: MechanismSetup) -> None:
    _, session = await setup.full(Versions.FULL)
    if session is not None:
        await setup.offer(Versions.PINNED, session)
        _, session = await setup.full(Versions.FULL)
    if session is not None:
        await setup.offer(Versions.BOTH, session, config=_ordinary(setup))


async def _ciphers(setup: MechanismSetup) -> None:
    """Offer a TLS 1.3 session beside a suite of another hash that is listed first."""
    _, session = await setup.full(Ciphers.FULL)
    if session is None:
        return
    fields = session.fields
    own = replace(setup.config, ciphersuites=fields.cipher_name)
    if setup.mechanism != "psk":
        await setup.offer(Ciphers.OWN, session, config=replace(
            setup.config, ciphers=fields.cipher_name))  # fmt: skip
        return
    await setup.offer(Ciphers.OWN, session, config=own)
    other = "sha256" if fields.cipher_hash == "sha384" else "sha384"
    _, session = await setup.full(Ciphers.FULL)
    if session is not None:
        suites = f"{_SUITES_BY_HASH[other]}:{fields.cipher_name}"
        await setup.offer(
            Ciphers.OTHER_HASH, session, config=replace(setup.config, ciphersuites=suites)
        )


async def _source_port(setup: MechanismSetup) -> None:
    """Does a balancer that hashes our source port send us to the same node again?"""
    first, session = await setup.full(SourcePort.FULL)
    if session is None or first.local_port is None:
        return
    for _ in range(_CLOSES):
        await setup.offer(SourcePort.SAME, session, local_port=first.local_port)
        await setup.offer(SourcePort.NEW, session)


EXPERIMENTS: dict[ExperimentName, Experiment] = {
    experiment.name: experiment
    for experiment in (
        Experiment("control", "does it work without a session?", 3, _control),
        Experiment("unpinned", "does it work with other versions and ciphers?", 1, _unpinned),
        Experiment("own-name", "does the session resume under its own name?", 1, _own_name),
        Experiment("elicit", "do tickets come after data, or late?", 1, _elicit),
        Experiment("no-ems", "does extended master secret matter?", 2, _no_ems),
        Experiment("same-ticket", "is one ticket accepted twice?", 3, _same_ticket),
        Experiment("retry", "is a fresh session accepted at once?", 2 * _PAIRS + _AGAIN, _retry),
        Experiment("answers", "is a request answered alike?", 2 * PAIRS, compare_answers),
        Experiment("later", "is a session accepted later that is refused at once?",
                   honoured_later.COST, honoured_later.later),
        Experiment("hello-size", "does the length of the ClientHello decide who answers?",
                   hello_size.COST, hello_size.hello_size),
        Experiment("default-server", "what becomes of clients that send no server name?",
                   default_server.COST, default_server.default_server),
        Experiment("close", "does a cut connection lose its session?", 4 * _CLOSES, _close, False),
        Experiment("versions", "what if both TLS versions are offered?", 4, _versions, False),
        Experiment("ciphers", "what if another cipher is preferred?", 4, _ciphers, False),
        Experiment(
            "source-port", "does our source port choose the node?", 1 + 2 * _CLOSES,
            _source_port, False,
        ),
    )
}  # fmt: skip
