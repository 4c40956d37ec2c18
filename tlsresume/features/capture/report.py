"""The report of `capture`: values that every format prints; its shape is that of the JSON.

Rates are None where nothing is known. Lists hold the heaviest entries; beside each stand how
many there were (`…_total`, an estimate where some were dropped while counting) and how many of
them are not listed (`…_dropped`). Times are RFC 3339, in UTC.
"""

from __future__ import annotations

from typing import Literal

from tlsresume.evidence.observation import PartWord
from tlsresume.features.capture.engine import Transport
from tlsresume.results.connection import Mechanism
from tlsresume.results.measured import Severity
from tlsresume.results.value import Result
from tlsresume.value import Value


class Interval(Value, frozen=True, kw_only=True):
    """Handshakes and resumed ones of one stretch of time, `interval_seconds` long."""

    start: str
    handshakes: int
    accepted: int


class Software(Value, frozen=True, kw_only=True):
    """A client program by the fingerprint of its ClientHello (see `software`), and what it did.

    `full` handshakes are those known not to be resumed, `came_back` those without an offer
    after a connection that could have given a session.
    """

    software: str
    connections: int
    offered: int
    accepted: int
    full: int
    came_back: int


class Client(Value, frozen=True, kw_only=True):
    """A client's address, or what stands for it with `--anonymise`."""

    client: str
    connections: int
    offered: int
    accepted: int
    full: int
    came_back: int


class KeyName(Value, frozen=True, kw_only=True):
    """Tickets under one key name (hex); `first` and `last` time that one was seen."""

    name: str
    issued: int
    offered: int
    accepted: int
    first: str
    last: str


class TicketKey(Value, frozen=True, kw_only=True):
    """Tickets that one key of `--ticket-keys` made; `wrong_mac` of them do not have its MAC."""

    file: str
    key: int
    role: str
    name: str
    issued: int
    offered: int
    accepted: int
    wrong_mac: int


class MechanismRow(Value, frozen=True, kw_only=True):
    """Offers of one mechanism. `offered` is `accepted` and `refused`; `unknown` are offers whose
    answer is not visible."""

    mechanism: Mechanism
    offered: int
    accepted: int
    refused: int
    unknown: int


class EarlyData(Value, frozen=True, kw_only=True):
    """Connections that offered early data; `rejected` and `accepted` where that is visible."""

    offered: int
    accepted: int
    rejected: int


class CaptureFinding(Value, frozen=True, kw_only=True):
    """A judgement on counts. `packets` are Wireshark's frame numbers, behind the file's name
    where there are several files; `evidence` names no client, `clients` do."""

    code: str
    severity: Severity
    title: str
    cause: str
    advice: str
    mechanism: Mechanism | None = None
    evidence: tuple[str, ...] = ()
    packets: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()


class NotVisible(Value, frozen=True, kw_only=True):
    """A check that was not asked, and the parts of the evidence that packets do not show of these
    mechanisms."""

    code: str
    mechanisms: tuple[Mechanism, ...]
    parts: tuple[PartWord, ...]


class Demand(Value, frozen=True, kw_only=True):
    """A demand on one server, and what came of it; `key` is the demand without its value."""

    demand: str
    outcome: Literal["met", "broken", "waived", "too-few"]
    message: str
    key: str = ""


class ServerReport(Value, frozen=True, kw_only=True):
    """One server over one transport: its name (SNI), else its address and port.

    `resumption_rate` is accepted / (handshakes - unknown), `acceptance_rate` accepted /
    offered. `unknown` handshakes are those whose outcome the packets do not show;
    `offers_unknown` are offers without a visible answer, which are not in `offered`.
    `ticket_lifetimes` are those of tickets that were seen being issued, in seconds.
    `not_visible` are checks of tickets that could not be asked: those of TLS 1.3 need a key log.
    """

    server: str
    sni: str | None
    transport: Transport
    addresses: tuple[str, ...]
    addresses_total: int
    addresses_dropped: int
    connections: int
    handshakes: int
    tls_versions: dict[str, int]
    offered: int
    accepted: int
    refused: int
    unknown: int
    offers_unknown: int
    resumption_rate: float | None
    acceptance_rate: float | None
    interval_seconds: int
    rates: tuple[Interval, ...]
    by_software: tuple[Software, ...]
    by_software_total: int
    by_software_dropped: int
    mechanisms: tuple[MechanismRow, ...]
    key_names: tuple[KeyName, ...]
    key_names_total: int
    key_names_dropped: int
    ticket_keys: tuple[TicketKey, ...]
    tickets_not_opened: int
    ticket_lifetimes: tuple[int, ...]
    early_data: EarlyData
    external_psk: int
    encrypted_hello: int
    clients: tuple[Client, ...]
    clients_total: int
    clients_dropped: int
    findings: tuple[CaptureFinding, ...]
    demands: tuple[Demand, ...] = ()
    not_visible: tuple[NotVisible, ...] = ()


class FileReport(Value, frozen=True, kw_only=True):
    """One file: `damage` says why it was read no further, None: to its end."""

    file: str
    packets: int
    damage: str | None


class CaptureReport(Value, Result, frozen=True, kw_only=True):
    """What captures show of TLS session resumption.

    `connections` are TLS connections, `handshakes` those whose ServerHello was seen.
    `not_visible` are the checks of `probe` that packets can never answer, of whatever server.
    `exit_status` is that before `--exit-zero`, and `why` the sentence that explains it.
    """

    exit_status: int
    exit_zero: bool
    why: str
    connections: int
    handshakes: int
    first: str | None
    last: str | None
    files: tuple[FileReport, ...]
    notes: tuple[str, ...]
    servers_total: int
    servers_dropped: int
    servers: tuple[ServerReport, ...]
    not_visible: tuple[NotVisible, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the servers are as was demanded."""
        return self.exit_status == 0
