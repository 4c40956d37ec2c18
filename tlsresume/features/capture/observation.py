"""What the packets of a connection showed, as an Observation like that of any other source.

Without keys the packets show the hellos, and before TLS 1.3 the tickets; tickets of TLS 1.3 only
where a key log opens them; of no version the certificate's fate or a Finished. What became of an
offer is not always visible either (Encrypted ClientHello, missing packets), and then nothing is
said of it.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Allowed, EarlyDataSeen, Observation, Part
from tlsresume.features.capture.handshake import Facts
from tlsresume.features.capture.seen import Judged, address
from tlsresume.tls.registry import ProtocolVersion

#: Where it is visible what became of an offer, or that there was none.
_TOLD = ("accepted", "refused", "not-offered")


#: What packets can show at best, where a key log opens them.
AT_BEST = Part.OUTCOME | Part.TICKETS


def visible_in(judged: Judged) -> Part:
    """What the packets of a connection show of it."""
    facts = judged.connection.facts
    if facts.server_hello is None or judged.outcome not in _TOLD:
        return Part.NOTHING
    old = facts.version is not ProtocolVersion.TLSv1_3
    return AT_BEST if old or facts.opened else Part.OUTCOME


def observation_of(judged: Judged, client: str) -> Observation:
    """What a connection showed; `client` is its address as it may be shown."""
    connection, facts = judged.connection, judged.connection.facts
    visible = visible_in(judged)
    answer = facts.server_hello if Part.OUTCOME in visible else None
    old = facts.version is not ProtocolVersion.TLSv1_3
    return Observation(
        visible=visible,
        time=connection.start / 1e9,
        address=address(connection.server),
        port=int.from_bytes(connection.server[-2:], "big"),
        transport=connection.transport,
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
        tickets=tuple(facts.tickets) if Part.TICKETS in visible else None,
    )


def _early_data(facts: Facts) -> EarlyDataSeen:
    became = facts.early_data()
    return "not-sent" if became is None else "sent" if became == "offered" else became
