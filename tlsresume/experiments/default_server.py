"""What does the server do for clients that name no server?

nginx takes its session settings from the default server of the address and port, which
answers those clients. Its own sessions are offered to it, and no others.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purposes import DefaultServer
from tlsresume.experiments.subject import MechanismSetup

COST = 2


async def default_server(setting: MechanismSetup) -> None:
    """A handshake without SNI, and its own session offered without SNI."""
    if setting.plan.server_name is None:
        return
    plan = replace(setting.plan, server_name=None)
    _, session = await setting.full(DefaultServer.FULL, plan=plan)
    if session is not None:
        await setting.offer(DefaultServer.OFFER, session, plan=plan)
