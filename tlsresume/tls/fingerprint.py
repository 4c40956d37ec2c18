"""Tell client programs apart by their ClientHello.

A client's first hello and a later one, that offers a session, must give the same
fingerprint. So what resumption changes is left out, and what varies from one connection
to the next: GREASE values (RFC 8701) wherever they stand, the order of extensions, which
some browsers shuffle, and the padding. The server name and whether a name was sent are
left out, too, since one program connects to many names.

The form is our own: `t13-17-12-h2-1f0a…`: transport (t: TLS, q: QUIC, d: DTLS), the highest
version, the number of cipher suites and of extensions, the first ALPN protocol ("00":
none), and 12 hexadecimal digits of SHA-256 each over the suites and over the rest.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

from tlsresume.tls.buffer import WireError, read_whole
from tlsresume.tls.extensions import pull_uint16s
from tlsresume.tls.messages import ClientHello
from tlsresume.tls.registry import ExtensionType

#: Extensions that come and go with a session, with the connection's size, or with the
#: target's name.
_LEFT_OUT = frozenset(
    {
        ExtensionType.server_name,
        ExtensionType.application_layer_protocol_negotiation,
        ExtensionType.padding,
        ExtensionType.session_ticket,
        ExtensionType.pre_shared_key,
        ExtensionType.psk_key_exchange_modes,
        ExtensionType.early_data,
        ExtensionType.cookie,
    }
)

_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}
_DTLS_VERSIONS = {0xFEFC: "13", 0xFEFD: "12", 0xFEFF: "10"}


def is_grease(value: int) -> bool:
    """Whether a number of two bytes is one that RFC 8701 sets aside: 0x0A0A, 0x1A1A … 0xFAFA."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def fingerprint(hello: ClientHello, transport: Literal["tcp", "quic", "dtls"] = "tcp") -> str:
    """The fingerprint of the program that sent a ClientHello; the same with and without a
    session, at every name."""
    suites = sorted(suite for suite in hello.cipher_suites if not is_grease(suite))
    extensions = sorted(
        extension.type
        for extension in hello.extensions
        if not is_grease(extension.type) and extension.type not in _LEFT_OUT
    )
    offered = [v for v in hello.supported_versions if not is_grease(v)] or [hello.legacy_version]
    names = _DTLS_VERSIONS if transport == "dtls" else _VERSIONS
    # The numbers of DTLS count down.
    version = names.get(min(offered) if transport == "dtls" else max(offered), "00")
    groups = [group for group in hello.supported_groups if not is_grease(group)]
    schemes = [scheme for scheme in _signature_schemes(hello) if not is_grease(scheme)]
    rest = "_".join(
        ",".join(f"{number:04x}" for number in numbers) for numbers in (extensions, groups, schemes)
    )
    protocols = [name for name in hello.alpn if not _is_grease_name(name)]
    alpn = _printable(protocols[0]) if protocols else "00"
    return (
        f"{transport[0]}{version}-{len(suites)}-{len(extensions)}-{alpn}"
        f"-{_digest(','.join(f'{suite:04x}' for suite in suites))}-{_digest(rest)}"
    )


def _signature_schemes(hello: ClientHello) -> tuple[int, ...]:
    """Section 4.2.3 of RFC 8446, in the client's order; empty where malformed."""
    body = hello.extension(ExtensionType.signature_algorithms)
    if body is None:
        return ()
    try:
        return read_whole(body, pull_uint16s)
    except WireError:
        return ()


def _is_grease_name(name: bytes) -> bool:
    return len(name) == 2 and is_grease(int.from_bytes(name, "big"))


def _printable(name: bytes) -> str:
    """A protocol's name as a part of the fingerprint: letters, digits, dot and slash only."""
    text = "".join(chr(c) if (chr(c).isalnum() and c < 128) or c in b"./" else "_" for c in name)
    return text[:12].replace("/", ".") or "00"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
