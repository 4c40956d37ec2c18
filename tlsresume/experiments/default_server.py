"""What does the server do for clients that name no server?

nginx takes its session settings from the default server of the address and port, which
answers those clients. Its own sessions are offered to it, and no others.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purposes import DefaultServer
from tlsresume.experiments.subject import MechanismSetup

COST = 2


async def default_server(setup: MechanismSetup) -> None:
    """A handshake without SNI, and its own session offered without SNI."""
    if setup.config.server_name is None:
        return
    config = replace(setup.config, server_name=None)
    _, session = await setup.full(DefaultServer.FULL, config=config)
    if session is not None:
        await setup.offer(DefaultServer.OFFER, session, config=config)
