"""Is a QUIC server's token for address validation accepted, without a session beside it?

A token (NEW_TOKEN) is apart from the session: each is tried alone first, so that what goes
wrong with one is not blamed on the other. Servers were seen that end each connection on
which their own token is shown.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.evidence.purposes import TOKEN_TRIES, Token
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.lab import Lab, Route


async def show_token(lab: Lab, route: Route, target_setup: TargetSetup, full: Trial) -> bool:
    """Show the token that a full handshake brought, and no session; whether later connections
    may show theirs. Raises BudgetSpent."""
    token = full.sessions[-1].token if full.sessions else b""
    if not token:
        return False
    task = replace(target_setup.task(Token.ALONE, "psk"), send=b"", ticket_wait=0.5)
    config = replace(target_setup.config_for("psk"), address_token=token)
    for _ in range(TOKEN_TRIES):
        attempt = await lab.connect(route, config, task)
        if attempt.handshake_done:
            return True
    return False
