"""The same behaviours over QUIC: a row of the table as settings of our QUIC server."""

from __future__ import annotations

from collections.abc import Callable

from tlsresume.features.serve.authority import Identities
from tlsresume.features.serve.behaviours import Row
from tlsresume.server.observer import Observer
from tlsresume.server.quic import QUICService

#: What tickets are good for by default, as over TCP: two hours.
_DEFAULT_LIFETIME = 7200


def quic_service(
    row: Row,
    identities: Identities,
    observe: Callable[[int, str], Observer],
    *,
    keep_alive: bool,
) -> QUICService:
    """What serves a behaviour over QUIC; `row.no_quic` is None. Tickets are names of what the
    server remembers, since that is what aioquic can do."""
    behaviour = row.behaviour
    first, later = identities.of(untrusted=row.untrusted)
    return QUICService(
        certificate_pem=first.certificate_pem,
        key_pem=first.key_pem,
        later=(later.certificate_pem, later.key_pem) if later is not None else None,
        change_after=behaviour.change_certificate_after,
        issues=behaviour.tickets or behaviour.stateful,
        honours=behaviour.honoured,
        single_use=behaviour.single_use,
        lifetime=behaviour.lifetime or _DEFAULT_LIFETIME,
        early_data=behaviour.early_data > 0,
        takes_early_data=behaviour.early_data > 0,
        late_tickets=behaviour.tickets_after_data,
        rotate_after=behaviour.rotate_after,
        closes=not keep_alive,
        observe=observe,
    )
