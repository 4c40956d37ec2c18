"""What was made of the numbers: findings, checks, changes, matrices, key uses."""

from __future__ import annotations

from typing import Literal

from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import (
    Mechanism,
)
from tlsresume.results.measured import (
    Severity,
)
from tlsresume.results.places import named_place
from tlsresume.value import Value

#: What an error does: users are hurt (connections fail, or are slower than they need be), or
#: security is lost.
Harm = Literal["users", "security"]

#: How a finding bears on the exit status.
FindingEffect = Literal[
    "fails",  # it is a reason for exit status 3
    "none",  # less grave than what --fail-on names
    "as-demanded",  # an error, but it says no more than what a demand asks for
    "ignored",  # --ignore names its code
    "waived",  # the policy has a waiver for it
    "known",  # the baseline has it, and it is no graver now
]


class Finding(Value, frozen=True, kw_only=True):
    """A judgement on evidence. `code` is stable; `evidence` says in words for people what
    shows it, `details` are the messages and fields on the wire behind that.

    `mechanisms` and `addresses` are all that it speaks of; `address` and `mechanism` are set
    where it is only one. `transport` is the one that all of them have. `harm` says what an error
    with this code does; `effect` how it bears on the exit status, None where that was not
    judged yet. `software`: what was recognised, and `directives` are then for that only; empty
    where they are for whatever it may be.
    """

    code: str
    severity: Severity
    title: str
    cause: str
    advice: str
    address: str | None = None
    mechanism: Mechanism | None = None
    evidence: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    addresses: tuple[str, ...] = ()
    harm: Harm = "users"
    effect: FindingEffect | None = None
    software: tuple[str, ...] = ()
    transport: Transport = "tcp"

    @property
    def place(self) -> str | None:
        """Its address in words, with the transport where that is not TCP."""
        return None if self.address is None else named_place(self.address, self.transport)

    @property
    def every_address(self) -> tuple[str, ...]:
        """The addresses that it speaks of, also in a report that names the only one alone."""
        return self.addresses or (() if self.address is None else (self.address,))

    @property
    def every_mechanism(self) -> tuple[Mechanism, ...]:
        """The mechanisms that it speaks of, in the same way."""
        return self.mechanisms or (() if self.mechanism is None else (self.mechanism,))

    @property
    def fails(self) -> bool:
        """Whether it is a reason for exit status 3; an error is, unless it was judged not to be."""
        return self.effect == "fails" or (self.effect is None and self.severity == "error")

    @property
    def excused(self) -> bool:
        """Whether it would have failed the run, but for a demand, a waiver, or a baseline."""
        return self.effect not in (None, "fails", "none")


class Violation(Value, frozen=True, kw_only=True):
    """A demand that was broken."""

    demand: str
    target: str
    message: str
    severity: Severity = "error"


CheckKind = Literal["verdict", "expectation", "limit", "threshold", "finding", "waiver"]
CheckOutcome = Literal[
    "met",
    "broken",
    "waived",  # broken, and the policy has a waiver for it
    "ignored",  # a finding that --ignore names
    "known",  # no worse than in the baseline
    "unreachable",  # no connection, so no answer
    "untestable",  # reached, but there is no answer
    "not-checked",  # nothing was demanded, or there was nothing to hold to it
]


class Check(Value, frozen=True, kw_only=True):
    """One demand held against one place of a target, and what came of it.

    `demand` is what was asked, as it would be typed (`psk=resumed`), `key` the same without its
    value (`psk`); `source` the standard it rests on, if any. `limit` is a threshold's range. Only a broken check
    of severity `error` fails a run.
    """

    demand: str
    kind: CheckKind
    outcome: CheckOutcome
    message: str
    address: str | None = None
    mechanism: Mechanism | None = None
    severity: Severity = "error"
    source: str | None = None
    limit: str | None = None
    transport: Transport = "tcp"
    key: str = ""

    @property
    def place(self) -> str | None:
        """Its address in words, with the transport where that is not TCP."""
        return None if self.address is None else named_place(self.address, self.transport)


class Change(Value, frozen=True, kw_only=True):
    """Something that is not as it was in an earlier report. `worse` is our judgement."""

    what: str
    before: str
    after: str
    worse: bool
    address: str | None = None
    mechanism: Mechanism | None = None
    transport: Transport = "tcp"

    @property
    def place(self) -> str | None:
        """Its address in words, with the transport where that is not TCP."""
        return None if self.address is None else named_place(self.address, self.transport)

    @property
    def title(self) -> str:
        """What is not as it was, and where: `192.0.2.1 psk state`."""
        return " ".join(part for part in (self.place, self.mechanism, self.what) if part)


class Crossing(Value, frozen=True, kw_only=True):
    """How often sessions issued at one place were accepted at another.

    `by` says what the places are: addresses, or nodes named by a response header.
    """

    by: Literal["address", "node"]
    mechanism: Mechanism
    issuing: str
    accepting: str
    offered: int
    accepted: int
    transport: Transport = "tcp"


class LifetimeResult(Value, frozen=True, kw_only=True):
    """How long sessions were honoured, in seconds: the oldest that was taken, the youngest
    that was refused, and what the server promised (0 or None: nothing).

    `raised_hint` says that copies with a raised lifetime hint were offered, past the promise;
    `alert_at_s` is the youngest age at which the handshake failed instead.
    """

    address: str
    mechanism: Mechanism
    promised_s: int | None
    honoured_s: float | None
    refused_s: float | None
    raised_hint: bool = False
    alert_at_s: float | None = None
    transport: Transport = "tcp"

    @property
    def place(self) -> str:
        """Its address in words, with the transport where that is not TCP."""
        return named_place(self.address, self.transport)


class SealedSession(Value, frozen=True, kw_only=True):
    """The server's session inside a ticket that a given key opened, without its secrets.

    `created` is UTC, ISO 8601, `timeout` seconds; `client_certificate` is a SHA-256,
    `session_id_context` hexadecimal; `extended_master_secret` is None in TLS 1.3.
    """

    tls_version: str
    cipher: str
    created: str | None
    timeout: int
    client_certificate: str | None = None
    client_subject: str | None = None
    server_name: str | None = None
    alpn: str | None = None
    session_id_context: str = ""
    extended_master_secret: bool | None = None
    max_early_data: int = 0


class KeyUse(Value, frozen=True, kw_only=True):
    """Which of the given key files made the tickets of one key name on one address.

    `key` is the key's place in `file`, from 1, of `keys`; `role` what the server does with
    a key in that place. None for `file`: none of the given keys made them. `same_secret`
    says whether the session inside is ours; `session` is None where it is not OpenSSL's.
    """

    address: str | None = None
    port: int | None = None
    key_name: str | None = None
    tickets: int = 0
    mechanisms: tuple[Mechanism, ...] = ()
    file: str | None = None
    key: int | None = None
    keys: int = 0
    role: Literal["current", "next", "older", "only"] = "only"
    order: str | None = None
    layout: str | None = None
    mac: Literal["matches", "does-not-match"] | None = None
    same_secret: bool | None = None
    session: SealedSession | None = None
    note: str | None = None
    transport: Transport = "tcp"

    @property
    def place(self) -> str | None:
        """Its address in words, with the transport where that is not TCP."""
        return None if self.address is None else named_place(self.address, self.transport)
