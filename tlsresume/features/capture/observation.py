"""What the packets of a connection showed, as an Observation like that of any other source.

Without keys the packets show the hellos, and before TLS 1.3 the tickets; of TLS 1.3 no ticket, of
neither the certificate's fate or a Finished. What became of an offer is not always visible either
(Encrypted ClientHello, missing packets), and then nothing is said of it.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Allowed, EarlyDataSeen, Observation, Part, Ticket
from tlsresume.features.capture.handshake import Facts
from tlsresume.features.capture.seen import Judged, address
from tlsresume.wire.handshake import ProtocolVersion

#: Where it is visible what became of an offer, or that there was none.
_TOLD = ("accepted", "refused", "not-offered")


def observation_of(judged: Judged, client: str) -> Observation:
    """What a connection showed; `client` is its address as it may be shown."""
    connection, facts = judged.connection, judged.connection.facts
    answer = facts.server_hello if judged.outcome in _TOLD else None
    old = answer is not None and facts.version is not ProtocolVersion.TLSv1_3
    visible = Part.NOTHING if answer is None else Part.OUTCOME
    tickets = tuple(Ticket(each.ticket, each.lifetime, 0.0) for each in facts.tickets)
    return Observation(
        visible=visible | Part.TICKETS if old else visible,
        time=connection.start / 1e9,
        address=address(connection.server),
        port=int.from_bytes(connection.server[-2:], "big"),
        transport="quic" if connection.transport == "quic" else "tcp",
        client=client,
        allowed=None if facts.hello is None or facts.encrypted_hello else Allowed.by(facts.hello),
        offered=None if answer is None else judged.offered,
        handle=None if answer is None else judged.identity,
        accepted=None if answer is None else judged.outcome == "accepted",
        server_hello_seen=None if answer is None else True,
        hello_retry=None if answer is None else facts.retried,
        tls_version=None if answer is None else facts.version,
        suite=None if answer is None else answer.cipher_suite,
        server_session_id=None if answer is None else answer.session_id,
        extended_master_secret=answer.extended_master_secret if answer and old else None,
        early_data=None if answer is None else _early_data(facts),
        tickets=tickets if old else None,
    )


def _early_data(facts: Facts) -> EarlyDataSeen:
    became = facts.early_data()
    return "not-sent" if became is None else "sent" if became == "offered" else became
