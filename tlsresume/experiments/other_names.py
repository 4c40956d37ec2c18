"""Is a session accepted under another server name, or another protocol?

Only names that the user gives are used: a session shown to another host tells
that host about it.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purposes import CrossALPN, CrossName
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.value import Value

#: What one name costs: three connections, and four with a client certificate.
CONNECTIONS, WITH_CERTIFICATE = 3, 4

#: Seconds to wait for a ticket where none is needed.
_WAIT = 0.5


class _Names(Value, frozen=True):
    """Connections under the target's own name and another one, each with a request whose
    answer is read: with a body, since that tells two hosts apart."""

    setup: MechanismSetup
    other: str

    async def own(self, purpose: CrossName, config: ClientConfig) -> Session | None:
        """A full handshake under the target's name; its newest session."""
        attempt = await self._ask(purpose, config, None, other=False)
        return self._session(attempt)

    async def ask(
        self, purpose: CrossName, config: ClientConfig, session: Session | None
    ) -> Session | None:
        """A connection under the other name; its newest session."""
        there = replace(config, server_name=self.other, verify_name=self.other)
        return self._session(await self._ask(purpose, there, session, other=True))

    async def _ask(
        self, purpose: CrossName, config: ClientConfig, session: Session | None, *, other: bool
    ) -> Trial:
        setup, target_setup = self.setup, self.setup.target_setup
        if other:
            target_setup = replace(
                target_setup, target=replace(target_setup.target, server_name=self.other)
            )
        wait = _WAIT if other and session is not None else None
        task = target_setup.task(purpose, setup.mechanism, wait=wait)
        task = target_setup.with_answer(task, body=True)
        return await setup.lab.connect(setup.route, config, task, session)

    def _session(self, attempt: Trial) -> Session | None:
        own = [s for s in attempt.sessions if s.mechanism == self.setup.mechanism]
        return own[-1] if own else None


async def cross_name(setup: MechanismSetup, name: str) -> None:
    """Make a session under the target's name, offer it under `name`, and ask there without one.

    Where a client certificate was given, once without it and once with it; and the other
    name's own session, made with it, is offered without it.
    """
    names = _Names(setup, name)
    bare = replace(setup.config, certificate=None)
    session = await names.own(CrossName.FULL, bare)
    if session is not None:
        await names.ask(CrossName.OFFER, bare, session)
    await names.ask(CrossName.CONTROL, bare, None)
    if setup.config.certificate is None:
        return
    session = await names.own(CrossName.WITH_CERT_FULL, setup.config)
    if session is not None:
        await names.ask(CrossName.WITH_CERT_OFFER, setup.config, session)
    session = await names.ask(CrossName.WITH_CERT_CONTROL, setup.config, None)
    if session is not None:
        await names.ask(CrossName.CARRIED, bare, session)


async def cross_protocol(setup: MechanismSetup, protocol: str) -> None:
    """Make a session under the target's ALPN, offer it with `protocol`."""
    _, session = await setup.full(CrossALPN.FULL)
    if session is not None:
        config = replace(setup.config, alpn=(protocol,))
        await setup.offer(CrossALPN.OFFER, session, config=config)
