"""The same target over QUIC, for what tests or watches both (`--quic`)."""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import UsageError
from tlsresume.options import ConnectOptions
from tlsresume.targets.target import Target
from tlsresume.tls.registry import ProtocolVersion


def over_quic(target: Target, connect: ConnectOptions) -> tuple[Target, ConnectOptions]:
    """A target of HTTPS as one of HTTP/3 on the same port, and how to connect to it. Raises
    UsageError where QUIC cannot lead to it, or speaks something else there."""
    if target.transport != "tcp":
        raise UsageError(f"{target.name}: --quic is for targets of TCP: this one has no other")
    reason = None
    if target.unix:
        reason = "a unix socket has no UDP port"
    elif target.starttls is not None:
        reason = "QUIC has no STARTTLS; --quic tests HTTP/3 beside HTTPS"
    elif target.proxy is not None or target.proxy_header is not None:
        reason = "QUIC goes over UDP, through no proxy and with no PROXY header"
    elif target.scheme not in ("https", ""):
        reason = f"--quic tests HTTP/3 beside HTTPS, and this is {target.scheme}"
    if reason is not None:
        raise UsageError(
            f"{target.name}: {reason}", hints=("doq://HOST and quic://HOST:PORT go elsewhere",)
        )
    if ProtocolVersion.TLSv1_3 not in connect.tls:
        raise UsageError(f"{target.name}: QUIC has TLS 1.3 only, and --tls forbids it")
    ours = replace(connect, alpn=None, ciphers=None, send=b"" if connect.send == b"" else None)
    return replace(target, scheme="h3"), ours
