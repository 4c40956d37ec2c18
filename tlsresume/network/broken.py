"""From a connection that broke to a Failure: at which step, in words, and what may help."""

from __future__ import annotations

from tlsresume.network.channel import Channel
from tlsresume.results.connection import Failure, FailureKind, Step
from tlsresume.tls.registry import AlertDescription
from tlsresume.transports.failures import Broken, FailureReason
from tlsresume.transports.interface import Connection

#: What helps against an alert of the server (RFC 8446 section 6).
_ALERT_HINTS: dict[int, str] = {
    AlertDescription.certificate_required: (
        "the server demands a client certificate: --cert FILE --key FILE"
    ),
    AlertDescription.unrecognized_name: (
        "the server does not know this name: --servername NAME or --no-sni"
    ),
    AlertDescription.no_application_protocol: (
        "the server refuses the offered protocols: --alpn PROTO"
    ),
    AlertDescription.handshake_failure: (
        "no common cipher or group, or a client certificate is demanded"
    ),
}

#: What helps against a reason of the library, and against a certificate that was refused.
_WEAK = "the server's keys are weaker than OpenSSL allows: --ciphers DEFAULT@SECLEVEL=0"
_REFUSED = "give --cafile, or leave out --verify to test resumption anyway"

_IN_CLEAR = (
    "if this port starts in clear (PostgreSQL, LDAP...), name its protocol: --starttls PROTO"
)


def failure_of(
    connection: Connection, broken: Broken, where: str, *, after_starttls: bool, stream: bool
) -> Failure | None:
    """What a connection that broke is, and None where the peer has only ended it after all was
    said."""
    step: Step = broken.step or connection.step
    if broken.kind == "closed" and step == "data":
        return None
    # What is not TLS after STARTTLS was sent in clear behind its answer.
    kind: FailureKind = broken.kind
    if kind in ("not-tls", "rate-limit") and after_starttls:
        kind = "injection"
    named = connection.config.server_name is not None
    hints = broken.hints or hints_for(broken, named=named)
    if step != "data" and (not hints or broken.alert == AlertDescription.handshake_failure):
        hints = _certificate_hint(connection) or hints
    silent = stream and broken.kind == "closed" and not connection.received
    if silent and not after_starttls and connection.set_session is None:
        hints = (_IN_CLEAR,)
    return Failure.at(
        where, step, kind, broken.message, hints, stack=broken.stack, reason=broken.reason
    )


def _certificate_hint(connection: Connection) -> tuple[str, ...]:
    """What may help where the server had asked for a client certificate."""
    if connection.transcript.certificate_request is None:
        return ()
    if connection.config.certificate is None:
        return ("the server asked for a client certificate: --cert FILE --key FILE",)
    return ("the server may not accept this client certificate",)


def hints_for(broken: Broken, *, named: bool) -> tuple[str, ...]:
    """What helps against a failure; `named` says that a server name was sent."""
    if broken.alert == AlertDescription.unrecognized_name and not named:
        return ("the server answers only to a name, and none was sent: --servername NAME",)
    weak = (_WEAK,) if broken.reason is FailureReason.WEAK_KEY else ()
    alert = _ALERT_HINTS.get(broken.alert) if broken.alert is not None else None
    refused = (_REFUSED,) if broken.kind == "verify" else ()
    return (*weak, *((alert,) if alert else ()), *refused)


def no_handshake(
    connection: Connection,
    channel: Channel,
    protocol: str,
    seconds: float,
    *,
    after_starttls: bool,
) -> Failure:
    """No handshake in time: silence, a slow peer, or over UDP an answer that is not of the
    protocol."""
    where, received = channel.where, connection.received
    if channel.stream:
        hints = () if after_starttls else (_IN_CLEAR,)
    elif received and not connection.understood:
        said = f"what {where} answers is not {protocol} ({received} bytes came)"
        return Failure("handshake", "not-tls", said)
    elif not received:
        return Failure(
            "handshake",
            "timeout",
            f"no answer from {where} to {protocol} within {seconds:g} s",
            (f"no {protocol} server there, or UDP is blocked on the way",),
        )
    if received:
        slow = "slow peer" if channel.stream else "slow or lossy path"
        hints = (f"raise --timeout for a {slow}",)
    return Failure(
        "handshake",
        "timeout",
        f"no {protocol} handshake with {where} within {seconds:g} s ({received} bytes came)",
        hints,
    )
