"""Handshake messages and alerts in words, one line each, as `-v` shows them.

Only what matters for resumption is said. The result is printable ASCII whatever
the peer sent: text of the peer goes through `printable`, all else is numbers and
registered names.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from tlsresume.tls.buffer import WireError
from tlsresume.tls.distinguished import name_text
from tlsresume.tls.entry import Entry, parse_entry
from tlsresume.tls.handshake import PARSERS
from tlsresume.tls.messages import (
    Alert,
    CertificateMessage,
    CertificateRequest12,
    CertificateRequest13,
    ClientHello,
    EncryptedExtensions,
    Message,
    NewSessionTicket12,
    NewSessionTicket13,
    ServerHello,
)
from tlsresume.tls.registry import (
    AlertLevel,
    ContentType,
    HandshakeType,
    NamedGroup,
    ProtocolVersion,
    PskKeyExchangeMode,
    cipher_name,
    name_of,
    version_of,
)
from tlsresume.tls.signatures import scheme_name
from tlsresume.units import count

#: Longest text of a peer that is shown whole.
TEXT_LIMIT = 100


def printable(text: str | bytes) -> str:
    """`text` as printable ASCII, the rest and backslashes escaped, cut at TEXT_LIMIT."""
    shown = text if isinstance(text, str) else text.decode("latin-1")
    escaped = "".join(
        c if " " <= c <= "~" and c != "\\" else c.encode("unicode_escape").decode("ascii")
        for c in shown[: TEXT_LIMIT + 1]
    )
    return escaped if len(escaped) <= TEXT_LIMIT else escaped[:TEXT_LIMIT] + "..."


def message_name(handshake_type: int | None) -> str:
    """The RFC's name of a message, "NewSessionTicket"; a number has none."""
    if handshake_type is None:
        return "empty handshake message"
    name = name_of(HandshakeType, handshake_type)
    if name.isdecimal():
        return f"handshake message {name}"
    return "".join(part.capitalize() for part in name.split("_"))


def describe(entry: Entry, version: ProtocolVersion | None = None) -> str:
    """One line for people: name, size, and the parts that matter for resumption.

    `version` is the negotiated one (`Transcript.version`); without it the newest
    layout that fits is taken.
    """
    versions = [version] if version else sorted(filter(None, PARSERS), reverse=True)
    problem = ""
    for candidate in versions:
        try:
            message = parse_entry(entry, candidate)
        except WireError as error:
            problem = problem or error.message
            continue
        if isinstance(message, Alert):
            return _describe_alert(message)
        name = name_and_size(entry)
        if isinstance(message, ServerHello) and message.is_hello_retry_request:
            name = f"HelloRetryRequest {entry.size} bytes"
        details = _describe_details(message)
        return f"{name}: {details}" if details else name
    return f"{name_and_size(entry)}: malformed: {problem}"


def name_and_size(entry: Entry) -> str:
    """An entry without its contents, as "ServerHello 90 bytes"."""
    if entry.content_type == ContentType.alert:
        return f"Alert of {entry.size} bytes"
    return f"{message_name(entry.handshake_type)} {entry.size} bytes"


def _describe_alert(alert: Alert) -> str:
    """An alert, as "Alert fatal handshake_failure (40)"."""
    return f"Alert {name_of(AlertLevel, alert.level)} {alert.name} ({alert.description})"


@singledispatch
def _describe_details(message: Message) -> str:
    """What to say about a message beside its name and size; "" for most."""
    del message
    return ""


@_describe_details.register
def _(hello: ClientHello) -> str:
    versions = hello.supported_versions or (hello.legacy_version,)
    parts = ["versions " + " ".join(_short_version(version) for version in versions)]
    if hello.server_name is not None:
        parts.append(f"server_name {printable(hello.server_name)}")
    if hello.alpn:
        parts.append(f"alpn {_texts(hello.alpn)}")
    if hello.session_id:
        parts.append(f"session_id {_blob(hello.session_id)}")
    if hello.session_ticket is not None:
        ticket = _blob(hello.session_ticket) if hello.session_ticket else "empty"
        parts.append(f"session_ticket {ticket}")
    if hello.psk_identities:
        identities = count(len(hello.psk_identities), "identity", "identities")
        first = _blob(hello.psk_identities[0].identity)
        parts.append(f"pre_shared_key {identities}, {first}")
    if hello.psk_modes:
        modes = " ".join(name_of(PskKeyExchangeMode, mode) for mode in hello.psk_modes)
        parts.append(f"psk_key_exchange_modes {modes}")
    if hello.offers_extended_master_secret:
        parts.append("extended_master_secret")
    if hello.early_data:
        parts.append("early_data")
    return "; ".join(parts)


@_describe_details.register
def _(hello: ServerHello) -> str:
    parts = [_long_version(hello.version), f"suite 0x{hello.cipher_suite:04x}"]
    name = cipher_name(hello.cipher_suite)
    if name is not None:
        parts[1] += f" {name}"
    if hello.selected_group is not None:
        parts.append(f"group {name_of(NamedGroup, hello.selected_group)}")
    if hello.session_id:
        parts.append(f"session_id {_blob(hello.session_id)}")
    if hello.session_ticket_promised:
        parts.append("session_ticket")
    if hello.extended_master_secret:
        parts.append("extended_master_secret")
    if hello.alpn is not None:
        parts.append(f"alpn {printable(hello.alpn)}")
    if hello.selected_identity is not None:
        parts.append(f"pre_shared_key identity {hello.selected_identity}")
    return ", ".join(parts)


@_describe_details.register
def _(message: EncryptedExtensions) -> str:
    parts = []
    if message.server_name_acknowledged:
        parts.append("server_name")
    if message.alpn is not None:
        parts.append(f"alpn {printable(message.alpn)}")
    if message.early_data_accepted:
        parts.append("early_data")
    return ", ".join(parts)


@_describe_details.register
def _(message: NewSessionTicket12) -> str:
    return f"lifetime {message.lifetime_hint} s, ticket {_blob(message.ticket)}"


@_describe_details.register
def _(message: NewSessionTicket13) -> str:
    parts = [
        f"lifetime {message.lifetime} s",
        f"ticket {_blob(message.ticket)}",
        f"nonce {count(len(message.nonce), 'byte')}",
    ]
    if message.max_early_data is not None:
        parts.append(f"early_data up to {message.max_early_data} bytes")
    return ", ".join(parts)


@_describe_details.register
def _(message: CertificateMessage) -> str:
    return count(len(message.certificates), "certificate")


@_describe_details.register(CertificateRequest12)
@_describe_details.register(CertificateRequest13)
def _(message: CertificateRequest12 | CertificateRequest13) -> str:
    return certificate_request_words(message)


#: Names of authorities, and of signature schemes, that one line shows.
_NAMES_SHOWN, _SCHEMES_SHOWN = 3, 4


def certificate_request_words(message: CertificateRequest12 | CertificateRequest13) -> str:
    """Which certificates a server wants: accepted authorities, and signature schemes."""
    number = len(message.authorities)
    names = [printable(name_text(each)) for each in message.authorities[:_NAMES_SHOWN]]
    authorities = count(number, "authority", "authorities")
    if names:
        authorities += f" ({'; '.join(names)}{'; ...' if number > _NAMES_SHOWN else ''})"
    schemes = [scheme_name(number) for number in message.signature_algorithms]
    shown = ", ".join(schemes[:_SCHEMES_SHOWN])
    more = f" and {len(schemes) - _SCHEMES_SHOWN} more" if len(schemes) > _SCHEMES_SHOWN else ""
    return f"{authorities}; signatures {shown}{more}" if schemes else authorities


def _blob(data: bytes) -> str:
    length = count(len(data), "byte")
    return f"{length}, starts {data[:4].hex()}" if data else length


def _texts(names: Iterable[bytes]) -> str:
    return printable(b" ".join(names))


def _short_version(number: int) -> str:
    return _long_version(number).removeprefix("TLSv")


def _long_version(number: int) -> str:
    version = version_of(number)
    return f"0x{number:04x}" if version is None else version.label
