"""What our server saw of a handshake, as an Observation like that of any other source.

A server sees all messages in clear, and each session that is offered to it; it does not see what
its client makes of a certificate.
"""

from __future__ import annotations

import hashlib

from tlsresume.evidence.observation import Allowed, EarlyDataSeen, Observation, Part
from tlsresume.features.serve.ended import Facts
from tlsresume.protocols.schemes import Transport
from tlsresume.server.observer import Served
from tlsresume.tls.messages import ClientHello
from tlsresume.tls.registry import ProtocolVersion, version_of


def observation_of(
    facts: Facts,
    served: Served,
    *,
    time: float,
    address: str,
    port: int,
    transport: Transport,
    client: str,
) -> Observation:
    """What a connection showed that has ended. `time` is when it began, in seconds since 1970."""
    hello, answer = facts.hello, facts.answer
    version = None if answer is None else version_of(answer.version)
    newest = version is ProtocolVersion.TLSv1_3
    return Observation(
        visible=Part.OUTCOME | Part.TICKETS | Part.CERTIFICATE | Part.ENDING,
        time=time,
        address=address,
        port=port,
        transport=transport,
        client=client,
        allowed=None if hello is None else Allowed.by(hello),
        offered=None if facts.offer is None else facts.offer.mechanism,
        handle=None if hello is None or facts.offer is None else _handle(hello),
        accepted=_accepted(facts, newest=newest),
        resumed=served.reused if served.handshaken else None,
        handshake_done=served.handshaken,
        server_hello_seen=answer is not None,
        hello_retry=facts.hellos > 1,
        tls_version=version,
        suite=None if answer is None else answer.cipher_suite,
        server_session_id=None if answer is None else answer.session_id,
        extended_master_secret=None if answer is None or newest else answer.extended_master_secret,
        early_data=_early_data(hello, served),
        alerts=tuple(facts.alerts),
        tickets=tuple(facts.tickets),
        # Who asked for something went on after the ticket, so the alert was about what came later.
        malformed_ticket=facts.refused_ticket and not served.requests,
        certificate_seen=facts.leaf is not None,
        certificate_requested=facts.asked_certificate,
        leaf=facts.leaf,
        leaf_sha256=None if facts.leaf is None else hashlib.sha256(facts.leaf).hexdigest(),
    )


def _handle(hello: ClientHello) -> bytes:
    """The first session that a ClientHello shows."""
    psks = hello.psk_identities
    return psks[0].identity if psks else hello.session_ticket or hello.session_id


def _accepted(facts: Facts, *, newest: bool) -> bool | None:
    """Whether the ServerHello takes a session: by its pre_shared_key, or before TLS 1.3 by the
    session ID, where no certificate follows (RFC 5077 section 3.4)."""
    if facts.answer is None or facts.hello is None:
        return None
    if newest:
        return facts.answer.selected_identity is not None
    echoed = bool(facts.hello.session_id) and facts.hello.session_id == facts.answer.session_id
    return echoed and facts.leaf is None


def _early_data(hello: ClientHello | None, served: Served) -> EarlyDataSeen | None:
    if hello is None:
        return None
    if not hello.early_data:
        return "not-sent"
    return "accepted" if served.early_data else "rejected"
