"""Where a saved session may go, and what is pinned when it goes there.

A session goes to the target it was made for, at the saved address, and with its own
TLS version, cipher, SNI and ALPN, so that a "New" is the server's answer and not our
own doing. Every deviation is an explicit option.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import UsageError
from tlsresume.experiments.connections import TargetSetup, http_host
from tlsresume.options import BOTH_VERSIONS, ResumeOptions
from tlsresume.protocols.table import SCHEME_OF_PORT
from tlsresume.request_line import HTTPRequest, parse_http1
from tlsresume.results.places import TRANSPORT_WORDS, version_label
from tlsresume.sessions.file import SessionFile
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.targets.endpoints import is_address
from tlsresume.targets.target import Target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.library import can_offer
from tlsresume.version import USER_AGENT


def target_of(file: SessionFile, named: Target | None, options: ResumeOptions) -> Target:
    """The target of a saved session: the one named, else the file's. Raises UsageError."""
    transport = file.session.transport
    if named is not None and named.transport != transport:
        named = _over(named, file)
    target = _target_of(file, named, options)
    if target.transport != transport:
        raise _other_transport(file, target)
    if options.early_data and transport == "dtls":
        raise UsageError(f"{target.name}: DTLS 1.2 has no early data")
    return target


def _over(named: Target, file: SessionFile) -> Target:
    """A target of which only host and port were named, over the session's own transport."""
    transport = file.session.transport
    plain = named.scheme in ("", SCHEME_OF_PORT.get(named.port)) and named.transport == "tcp"
    if not plain or named.unix or named.proxy is not None or named.proxy_header is not None:
        raise _other_transport(file, named)
    alpn = file.metadata.alpn or file.session.fields.alpn or ""
    scheme = {"h3": "h3", "doq": "doq"}.get(alpn, transport)
    return replace(named, scheme=scheme, starttls=None, by_port=False)


def _other_transport(file: SessionFile, target: Target) -> UsageError:
    own, theirs = TRANSPORT_WORDS[file.session.transport], TRANSPORT_WORDS[target.transport]
    return UsageError(
        f"the session in {file.path} is of {own}, and {target.name} is reached over {theirs}"
    )


def _target_of(file: SessionFile, named: Target | None, options: ResumeOptions) -> Target:
    metadata = file.metadata
    if named is None:
        if file.saved is None:
            raise UsageError(
                f"{file.path} does not say which server it belongs to",
                hints=("name the server: tlsresume resume FILE HOST:PORT",),
            )
        return _to_saved_address(file.saved.required, metadata, options)
    saved = file.saved.required if file.saved is not None else None
    same = saved is not None and saved.name == named.name
    if same and not (named.name_said or named.server_name != named.own_name):
        # The same target is named, and nothing is said of its SNI.
        named = replace(named, server_name=metadata.sni)
    made_for = {name.lower() for name in _names(file)}
    others = [name for name in _told(named) if name.lower() not in made_for]
    if made_for and others and not options.any_host:
        raise UsageError(
            f"the session in {file.path} was made for {min(made_for)}, not for {others[0]}",
            hints=(
                "offering a session to another host name tells that host about it",
                "--any-host does it all the same",
            ),
        )
    if named.by_port and saved is not None:
        # The file knows better than the port's number.
        named = replace(named, starttls=metadata.starttls, by_port=False)
    return _to_saved_address(named, metadata, options) if same else named


def _told(target: Target) -> list[str]:
    """The names that learn of a session offered there: SNI, and the host unless it is only
    an address for that SNI."""
    if target.server_name is None:
        return [target.host]
    here = [] if is_address(target.host) or target.unix else [target.host]
    return list(dict.fromkeys([target.server_name, *here]))


def _names(file: SessionFile) -> set[str]:
    names = {file.metadata.sni, file.session.fields.hostname}
    if file.saved is not None:
        names.add(file.saved.required.host)
    return {name for name in names if name}


def _to_saved_address(target: Target, metadata: SessionMetadata, options: ResumeOptions) -> Target:
    if options.where != "saved" or target.connect is not None or metadata.address is None:
        return target
    if target.unix or target.addresses or target.proxy is not None:
        return target
    if target.family != "any" and (":" in metadata.address) != (target.family == "ipv6"):
        return target
    return replace(target, connect=(metadata.address, metadata.port or target.port))


def _early_request(target: Target, alpn: tuple[str, ...], data: bytes) -> bytes | HTTPRequest:
    """What goes out as early data: over HTTP/3 the request that is written for HTTP/1. Raises
    UsageError."""
    if not data or target.transport != "quic" or not (alpn and alpn[0].startswith("h3")):
        return data
    try:
        return parse_http1(data, http_host(target), USER_AGENT)
    except ValueError as error:
        raise UsageError(
            f"{target.name}: early data over HTTP/3: {error}",
            hints=("write a request such as --early-data 'GET /status'",),
        ) from None


def config_of(file: SessionFile, target: Target, options: ResumeOptions) -> ClientConfig:
    """The session's own version, cipher, SNI and ALPN, except where told otherwise. Raises
    UsageError."""
    config = _config_of(file, target, options)
    return replace(config, early_data=_early_request(target, config.alpn, options.early_data))


def _config_of(file: SessionFile, target: Target, options: ResumeOptions) -> ClientConfig:
    connect, fields = options.connect, file.session.fields
    config = replace(
        TargetSetup(target, connect, USER_AGENT).config(tickets=options.tickets),
        # Not a matter of pinning: the server answers with it wherever it takes the session.
        max_fragment_length=fields.max_fragment_length,
        extended_master_secret=options.extended_master_secret,
    )
    if not options.pin:
        return config
    if connect.tls == BOTH_VERSIONS:
        config = replace(config, minimum=fields.tls_version, maximum=fields.tls_version)
    config = _with_saved_cipher(config, file, options)
    alpn = file.metadata.alpn or fields.alpn
    if connect.alpn is None and alpn:
        config = replace(config, alpn=(alpn,))
    if file.session.mechanism == "session-id":
        config = replace(config, tickets=False)
    return config


def _with_saved_cipher(
    config: ClientConfig, file: SessionFile, options: ResumeOptions
) -> ClientConfig:
    connect, fields = options.connect, file.session.fields
    with_cipher = config
    if fields.tls_version >= ProtocolVersion.TLSv1_3:
        if connect.ciphersuites is None:
            with_cipher = replace(config, ciphersuites=fields.cipher_name)
    elif connect.ciphers is None:
        with_cipher = replace(config, ciphers=fields.cipher_name)
    # Where OpenSSL does not know the session's cipher, let it say so of the session itself.
    return with_cipher if can_offer(with_cipher) else config


def pinned(file: SessionFile, config: ClientConfig) -> tuple[str, ...]:
    """What of a ClientConfig is the session's own, in words."""
    fields = file.session.fields
    words = []
    if config.minimum == config.maximum == fields.tls_version:
        words.append(version_label(fields.tls_version.label, file.session.transport))
    if fields.cipher_name in (config.ciphers, config.ciphersuites):
        words.append(fields.cipher_name)
    if config.max_fragment_length:
        words.append(f"max_fragment_length {config.max_fragment_length}")
    if config.server_name and config.server_name == (file.metadata.sni or fields.hostname):
        words.append(f"SNI {config.server_name}")
    if config.alpn and config.alpn[0] == (file.metadata.alpn or fields.alpn):
        words.append(f"ALPN {config.alpn[0]}")
    return tuple(words)
