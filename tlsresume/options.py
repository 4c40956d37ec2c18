"""What a caller may ask for, apart from the target: one frozen value per command.

Units are seconds and bytes. The command line fills these from its options; a
library caller makes them directly. Defaults here are the documented ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tlsresume.openssl.plan import ClientCertificate, Trust
from tlsresume.results import Mechanism
from tlsresume.session.keyfile import TicketKeyFile
from tlsresume.wire.handshake import ProtocolVersion

BOTH_VERSIONS = (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """How to connect; the same for probe, save and resume.

    `tls` is the set of versions allowed. `alpn` None means the scheme's own (http/1.1
    for https), () none. `send` is the data that elicits tickets: None means the
    scheme's own (a HEAD request for https), b"" nothing.
    """

    tls: tuple[ProtocolVersion, ...] = BOTH_VERSIONS
    ciphers: str | None = None
    ciphersuites: str | None = None
    groups: str | None = None
    alpn: tuple[str, ...] | None = None
    trust: Trust = Trust()
    verify: bool = False
    certificate: ClientCertificate | None = None
    timeout: float = 10.0
    ticket_wait: float = 3.0
    send: bytes | None = None
    keylogfile: str | None = None


@dataclass(frozen=True, slots=True)
class FTPLogin:
    """Who asks an FTP server for listings; the password is a secret. RFC 1635: anonymous."""

    user: str = "anonymous"
    password: str = field(default="tlsresume@tlsresume.invalid", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """What `probe` does.

    Only when asked for: `experiments` by name, `cross_names` and `cross_protocols` (SNI and
    ALPN to offer sessions under), `ages` in seconds, `find_lifetime` (the greatest age).
    `ticket_keys` are the operator's key files (`session.keyfile.read_key_files`). `retries`
    repeats what failed before a connection came about. `demanded` are mechanisms on which
    findings have their full weight although an ordinary client would not use them.
    """

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    tries: int = 5
    concurrency: int = 4
    budget: int = 200
    max_addresses: int = 8
    explain: bool = True
    node_header: str | None = None
    ftp: FTPLogin = FTPLogin()
    experiments: tuple[str, ...] = ()
    cross_names: tuple[str, ...] = ()
    cross_protocols: tuple[str, ...] = ()
    ages: tuple[float, ...] = ()
    find_lifetime: float | None = None
    ticket_keys: tuple[TicketKeyFile, ...] = ()
    retries: int = 0
    demanded: tuple[Mechanism, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveOptions:
    """What `save` does. `mechanism` None takes what an ordinary client would get."""

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    mechanism: Mechanism | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions:
    """What `resume` does with a saved session.

    The saved TLS version, cipher, SNI and ALPN are pinned unless `connect` names others
    (its `tls`, `ciphers`, `ciphersuites`, `alpn`). `where` is `saved` (the address in the
    file), `now` (ask DNS again) or `each` (every address). `clean_close` False cuts the
    connection instead of closing it.
    """

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    pin: bool = True
    where: Literal["saved", "now", "each"] = "saved"
    any_host: bool = False
    tries: int = 1
    early_data: bytes = b""
    explain: bool = True
    clean_close: bool = True
    ticket_keys: tuple[TicketKeyFile, ...] = ()
    tickets: bool = True
    extended_master_secret: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What `watch` does: a sample of `tries` full handshakes per address and version, `every`
    so many seconds, for `duration` seconds (None: until it is stopped), or `once`."""

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    every: float = 600.0
    duration: float | None = None
    once: bool = False
    tries: int = 3
    max_addresses: int = 8
