"""The answers of the commands, as every format prints them and JSON carries them."""

from __future__ import annotations

from typing import Literal

from tlsresume.error_queue import ErrorStack
from tlsresume.protocols.schemes import Transport
from tlsresume.results.configuration import OptionValue
from tlsresume.results.connection import (
    Mechanism,
    Timings,
    Traffic,
    Verification,
)
from tlsresume.results.early_data import EarlyReason
from tlsresume.results.judged import (
    Change,
    Check,
    Crossing,
    Finding,
    KeyUse,
    LifetimeResult,
    Violation,
)
from tlsresume.results.measured import (
    AddressResult,
    AttemptRow,
    Certificate,
    ErrorResult,
    QUICResult,
    Series,
    Skipped,
    Verdict,
)
from tlsresume.results.value import Result
from tlsresume.value import Value


class TargetResult(Result, Value, frozen=True, kw_only=True):
    """The answer for one target. `starttls` is the prelude, `notes` how it was reached.

    `started` and `finished` are UTC, ISO 8601; None where the probe did not begin or end.
    `quick`: each mechanism's session was offered once only. `options` are those that its line of
    a target list gave this target alone. `fingerprint` is equal where a target would be probed
    alike; `--continue` goes by it. `exit_status` is what this target calls for, and `why` says so;
    None and empty where that was not decided.
    """

    target: str
    verdict: Verdict
    error: ErrorResult | None = None
    connections: int = 0
    duration_ms: float = 0.0
    starttls: str | None = None
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    addresses: tuple[AddressResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    lifetimes: tuple[LifetimeResult, ...] = ()
    incomplete: bool = False
    interrupted: bool = False
    checks: tuple[Check, ...] = ()
    changes: tuple[Change, ...] = ()
    ticket_keys: tuple[KeyUse, ...] = ()
    started: str | None = None
    finished: str | None = None
    quick: bool = False
    options: dict[str, OptionValue] | None = None
    fingerprint: str | None = None
    exit_status: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether the target is as asked; where nothing was asked, whether it resumes."""
        if self.exit_status is None:
            return self.verdict == "resumes" and self.error is None
        return self.exit_status == 0


class SaveResult(Result, Value, frozen=True, kw_only=True):
    """What `save` got: the facts about the sessions, never the sessions themselves.

    `saved` is False where no resumable session came; `reason` then says why, in words.
    `tickets` counts what the server sent; `session_mechanism` is what was kept. `options` are as
    in a Report.
    """

    target: str
    address: str | None = None
    port: int | None = None
    saved: bool = False
    reason: str | None = None
    hints: tuple[str, ...] = ()
    tls_version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    mechanism: Mechanism | None = None
    tickets: int = 0
    lifetime: int | None = None
    key_name: str | None = None
    certificate: Certificate | None = None
    timings: Timings = Timings()
    traffic: Traffic = Traffic()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    certificate_wanted: str | None = None
    error: ErrorResult | None = None
    transport: Transport = "tcp"
    options: dict[str, OptionValue] | None = None

    @property
    def ok(self) -> bool:
        """Whether a session came that can be resumed."""
        return self.saved and self.error is None


class ResumeResult(Result, Value, frozen=True, kw_only=True):
    """What came of offering one saved session to one address.

    `session_reused` is SSL_session_reused(3) of the last try; `offered`, `accepted` and
    `certificate_message` are what the wire says; `disagreement` says where they differ.
    `reason` tells in one sentence why the session was not resumed. `set_session` is what
    SSL_set_session(3) returned. `fails_with_session` is True when the same handshake
    without the session was seen to succeed. `pinned` and `notes` are lines for people.
    `interrupted`: the user ended it, and this is what was known by then.
    `early_data_reason` says why early data was rejected. `repeated_status` is the HTTP status
    of a request that got 425 (Too Early) in early data and was sent again after a handshake.
    `exit_status`, `exit_zero`, `why`, `options` and `brief` are as in a Report.
    """

    target: str
    file: str | None = None
    address: str | None = None
    port: int | None = None
    session_reused: bool | None = None
    set_session: int | None = None
    offered: bool | None = None
    accepted: bool | None = None
    certificate_message: bool | None = None
    disagreement: str | None = None
    tls_version: str | None = None
    session_version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    server_name: str | None = None
    mechanism: Mechanism | None = None
    session_age_s: float | None = None
    key_name: str | None = None
    new_key_name: str | None = None
    new_tickets: int = 0
    hello_retry: bool = False
    early_data: Literal["not-sent", "accepted", "rejected"] = "not-sent"
    early_data_reason: EarlyReason | None = None
    http_status: int | None = None
    repeated_status: int | None = None
    reason: str | None = None
    pinned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tries: Series = Series(offered=0, accepted=0)
    fails_with_session: bool | None = None
    verification: Verification | None = None
    timings: Timings = Timings()
    traffic: Traffic = Traffic()
    updated_file: str | None = None
    attempts: tuple[AttemptRow, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: ErrorResult | None = None
    error_stack: ErrorStack | None = None
    ticket_keys: tuple[KeyUse, ...] = ()
    each_address: tuple[ResumeResult, ...] = ()
    interrupted: bool = False
    exit_status: int | None = None
    exit_zero: bool = False
    why: str = ""
    brief: bool = False
    transport: Transport = "tcp"
    quic: QUICResult | None = None
    options: dict[str, OptionValue] | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer is what was asked: that the session is resumed, every time."""
        if self.exit_status is None:
            return bool(self.session_reused) and self.error is None and self.disagreement is None
        return self.exit_status == 0


class Tool(Value, frozen=True, kw_only=True):
    """What made a report."""

    name: str
    version: str
    openssl: str
    pyopenssl: str


SCHEMA = 1


class Report(Result, Value, frozen=True, kw_only=True):
    """What a run of `probe` found; the one shape that every format prints.

    `policy` and `baseline` name what it was held against, None where nothing was asked.
    `findings` are those that several targets show together; `missing` are targets of the
    baseline that this run left out. `exit_status` is what the run calls for and `why` says so
    in a sentence; with `exit_zero` the process ends with 0 where that is 3, 4 or 6. They are
    decided in `policy.exit_status`; None and empty where that was not done. `options` are those
    of the command line that held, wherever they came from; what is not set is left out, times are
    in seconds, and passwords are hidden. `brief`: the attempts of its addresses were left out
    (`--brief`).
    """

    tool: Tool
    targets: tuple[TargetResult, ...] = ()
    violations: tuple[Violation, ...] = ()
    policy: str | None = None
    baseline: str | None = None
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    exit_status: int | None = None
    exit_zero: bool = False
    why: str = ""
    options: dict[str, OptionValue] | None = None
    brief: bool = False
    schema: int = SCHEMA

    @property
    def ok(self) -> bool:
        """Whether every target is as asked."""
        if self.exit_status is None:
            return all(target.ok for target in self.targets)
        return self.exit_status == 0
