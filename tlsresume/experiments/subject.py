"""What an experiment works with: a Lab, a route, and one mechanism's config and session.

Each experiment takes fresh sessions of its own, since a fatal alert deletes a
session on a stateful server and would poison the next experiment.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purpose import Purpose
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.lab import Lab, Route, Task
from tlsresume.results.connection import Mechanism
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.value import Value

#: More tickets than any server sends at once.
_EVERY = 100


class MechanismSetup(Value, frozen=True, kw_only=True):
    """One mechanism on one address. `subject` is the session in question, if it comes from
    a file; `own_name` and `own_alpn` what it was made with."""

    lab: Lab
    route: Route
    target_setup: TargetSetup
    mechanism: Mechanism
    config: ClientConfig
    subject: Session | None = None
    own_name: str | None = None
    own_alpn: str | None = None

    def task(self, purpose: Purpose) -> Task:
        """Tickets waited for, and data sent where tickets come only after it."""
        return self.target_setup.task(purpose, self.mechanism)

    async def full(
        self,
        purpose: Purpose,
        *,
        config: ClientConfig | None = None,
        clean: bool = True,
        every_ticket: bool = False,
    ) -> tuple[Trial, Session | None]:
        """A handshake without a session, and the newest session it brought.

        `every_ticket`: of several TLS 1.3 tickets the last one is waited for.
        """
        task = replace(self.task(purpose), clean=clean)
        if every_ticket and task.want_tickets:
            task = replace(task, want_tickets=_EVERY)
        attempt = await self.lab.connect(self.route, config or self.config, task)
        own = [s for s in attempt.sessions if s.mechanism == self.mechanism]
        return attempt, own[-1] if own else None

    async def offer(
        self,
        purpose: Purpose,
        session: Session,
        *,
        config: ClientConfig | None = None,
        local_port: int | None = None,
    ) -> Trial:
        """A handshake that offers a session. It waits for no ticket if it resumed."""
        task = replace(self.task(purpose), send=b"", ticket_wait=0.5)
        route = self.route if local_port is None else replace(self.route, local_port=local_port)
        return await self.lab.connect(route, config or self.config, task, session)
