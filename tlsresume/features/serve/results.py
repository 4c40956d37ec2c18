"""What `serve` reports: one shape for all its formats. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from tlsresume.features.serve.behaviours import State
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.value import Result
from tlsresume.server.observer import Ending

Verdict = Literal["resumes", "partly", "never-offers", "not-accepted", "untested"]
#: What an expectation came to. `not-judged`: nothing was expected, or the client does not
#: speak the server's TLS version.
Outcome = Literal["right", "wrong", "too-few", "not-judged"]


class OfferCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions of one mechanism were offered, and how many of them accepted."""

    offered: int
    accepted: int


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """The least and the greatest of some numbers of seconds."""

    least: float
    most: float


class DataConnections(msgspec.Struct, frozen=True, kw_only=True):
    """Of a client's connections, the data connections of FTP. Those that `could_offer` came when
    their control connection had a session. Servers may demand that it is offered: `own`; `other`
    sessions do not do."""

    connections: int
    could_offer: int
    own: int
    other: int
    accepted: int


class ClientResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one client did at one server.

    `client` is the fingerprint of its ClientHello, `label` what it calls itself. Connections
    that `could_offer` began after it had got a session that it can use. `offered` counts all
    connections that offered one; `unknown` those whose session is not of this run. `age` and
    `claimed_age` of offered sessions are in seconds. `retried`: after a HelloRetryRequest.
    """

    client: str
    label: str | None
    address: str
    connections: int
    could_offer: int
    offered: int
    accepted: int
    mechanisms: Mapping[Mechanism, OfferCount]
    verdict: Verdict
    outcome: Outcome
    why: str
    findings: tuple[Finding, ...] = ()
    handshaken: int = 0
    failed: int = 0
    unknown: int = 0
    versions: Mapping[str, int] = {}
    early_data: OfferCount
    age: Range | None = None
    claimed_age: Range | None = None
    most_uses: int = 0
    names: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    closed: Mapping[Ending, int] = {}
    tickets_waited_for: int = 0
    left_before_ticket: int = 0
    retried: int = 0
    data: DataConnections | None = None


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the command in one behaviour: the exit status of the first run that
    failed, or 0; None where its time was up. `output` are the last lines of that run."""

    exit: int | None
    timed_out: bool
    runs: int
    seconds: float
    output: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether each run ended with 0."""
        return self.exit == 0 and not self.timed_out

    def words(self) -> str:
        """How it ended, after "the command"."""
        if self.timed_out:
            return "did not end in time"
        return f"exits {self.exit}"


class ServerResult(msgspec.Struct, frozen=True, kw_only=True):
    """One behaviour: its server, its clients, and the command that was run against it.

    `others` counts connections that sent no ClientHello that could be read.
    """

    behaviour: str
    transport: Transport = "tcp"
    url: str
    connections: int
    expected: State | None
    outcome: Outcome
    clients: tuple[ClientResult, ...]
    command: CommandResult | None = None
    others: int = 0

    @property
    def title(self) -> str:
        """What people read: the behaviour, with the transport where it is not the usual one."""
        return title(self.behaviour, self.transport)


class NotServed(msgspec.Struct, frozen=True, kw_only=True):
    """A behaviour that a transport cannot have, and why, in words."""

    behaviour: str
    transport: Transport
    why: str

    def words(self) -> str:
        """The same as a sentence."""
        return f"{self.behaviour} is not served over {self.transport.upper()}: {self.why}"


def title(behaviour: str, transport: Transport) -> str:
    """A behaviour's name, with the transport where it is not the usual one."""
    return behaviour if transport == "tcp" else f"{behaviour}/{transport}"


class ServeReport(msgspec.Struct, Result, frozen=True, kw_only=True):
    """A run of `serve`. `exit_status` is that before `--exit-zero`, `why` the sentence for it."""

    verdict: Verdict
    exit_status: int
    exit_zero: bool
    why: str
    servers: tuple[ServerResult, ...]
    not_served: tuple[NotServed, ...] = ()
    hints: tuple[str, ...] = ()
    forgotten_clients: int = 0
    forgotten_sessions: int = 0

    @property
    def ok(self) -> bool:
        """Whether clients did as was expected."""
        return self.exit_status == 0
