"""How a QUIC connection ended, in words: alerts, QUIC's errors, and what aioquic cannot do.

A server that needs what aioquic has not (HelloRetryRequest, ML-KEM) is not said to fail:
the kind of such a failure is "unsupported".
"""

from __future__ import annotations

from tlsresume.tls.registry import AlertDescription, NamedGroup, name_of
from tlsresume.tls.transcript import Transcript
from tlsresume.transports.failures import Broken
from tlsresume.transports.quic.binding import Terminated

#: QUIC errors (RFC 9000 section 20.1) whose names help a reader.
_ERROR_NAMES: dict[int, str] = {
    0x1: "INTERNAL_ERROR",
    0x2: "CONNECTION_REFUSED",
    0x3: "FLOW_CONTROL_ERROR",
    0x4: "STREAM_LIMIT_ERROR",
    0x5: "STREAM_STATE_ERROR",
    0x7: "FRAME_ENCODING_ERROR",
    0x8: "TRANSPORT_PARAMETER_ERROR",
    0xA: "PROTOCOL_VIOLATION",
    0xB: "INVALID_TOKEN",
    0xE: "KEY_UPDATE_ERROR",
    0xF: "AEAD_LIMIT_REACHED",
    0x10: "NO_VIABLE_PATH",
    0x11: "VERSION_NEGOTIATION_ERROR",
}

#: What may help against an alert (RFC 8446 section 6.2).
_ALERT_HINTS: dict[int, tuple[str, ...]] = {
    AlertDescription.no_application_protocol: (
        "the server refuses the offered protocols: --alpn PROTO",
    ),
    AlertDescription.certificate_required: (
        "the server demands a client certificate: --cert FILE --key FILE",
    ),
}


def explain(end: Terminated, transcript: Transcript, peer_versions: tuple[int, ...]) -> Broken:
    """What a connection's end says. `peer_versions` are those of a Version Negotiation packet."""
    alert = end.alert
    if peer_versions and not transcript.server_hello:
        versions = ", ".join(f"0x{version:08x}" for version in peer_versions[:8])
        return Broken("not-tls", f"the server speaks no QUIC version of ours, but {versions}")
    retry = transcript.hello_retry_request
    if retry is not None and not end.by_peer:
        group = retry.selected_group
        asked = "" if group is None else f" (group {name_of(NamedGroup, group)})"
        return Broken(
            "unsupported",
            f"the server answers with HelloRetryRequest{asked}, which aioquic cannot follow",
        )
    if alert == AlertDescription.handshake_failure and end.by_peer and not transcript.server_hello:
        return Broken(
            "unsupported",
            f"the server sent alert {alert} {_alert_name(alert)}: it accepts nothing of what aioquic"
            f" can offer ({_offered(transcript)})",
            None,
            alert,
        )
    said = f": {end.reason}" if end.reason else ""
    if alert is not None:
        if end.by_peer:
            return Broken(
                "alert",
                f"the server sent alert {alert} {_alert_name(alert)}",
                None,
                alert,
                _ALERT_HINTS.get(alert, ()),
            )
        return Broken("openssl", f"aioquic refused the handshake: {_alert_name(alert)}{said}")
    name = _ERROR_NAMES.get(end.code, f"error 0x{end.code:x}")
    if end.by_peer:
        return Broken("closed", f"the server ended the connection with {name}{said}")
    return Broken("openssl", f"aioquic ended the connection with {name}{said}")


def _offered(transcript: Transcript) -> str:
    """The groups of our ClientHello; a server may want others, such as ML-KEM or P-521."""
    hello = transcript.client_hello
    groups = hello.supported_groups if hello is not None else ()
    return "groups " + ", ".join(name_of(NamedGroup, group) for group in groups)


def _alert_name(number: int) -> str:
    return name_of(AlertDescription, number)
