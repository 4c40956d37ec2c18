"""What `watch` sees, and what it makes of that: values only, in plain types.

Samples are what the history keeps; a WatchReport is what every format prints. Points in
time are seconds since 1970 in samples, and UTC in ISO 8601 in a report.
"""

from __future__ import annotations

from typing import Literal

from tlsresume.results.configuration import OptionValue
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.value import Result
from tlsresume.value import Value

Outcome = Literal["resumed", "declined", "not-offered", "failed", "expired"]
Place = tuple[str, int]


class Sighting(Value, frozen=True, kw_only=True):
    """A key name (hex; None: not visible) that an address issued tickets under, on how many
    connections; `lifetime` in seconds."""

    address: str
    port: int
    mechanism: Mechanism
    key_name: str | None
    connections: int
    lifetime: int
    stateful: bool = False


class Offer(Value, frozen=True, kw_only=True):
    """What became of a session from an earlier sample; `age` in seconds. `new_key` is the
    name of the key that the address issues under now."""

    address: str
    port: int
    mechanism: Mechanism
    age: float
    old_key: str | None
    new_key: str | None
    outcome: Outcome

    @property
    def crosses(self) -> bool:
        """Whether a rotation lies between the session and the offer."""
        return None not in (self.old_key, self.new_key) and self.old_key != self.new_key


class Sample(Value, frozen=True, kw_only=True):
    """One look at one target. `time` is in seconds since 1970; `error` says why it failed."""

    time: float
    target: str
    sightings: tuple[Sighting, ...] = ()
    offers: tuple[Offer, ...] = ()
    connections: int = 0
    error: str | None = None


class Span(Value, frozen=True, kw_only=True):
    """A time in which a key was seen in sample after sample; UTC, ISO 8601."""

    first: str
    last: str


class KeyLife(Value, frozen=True, kw_only=True):
    """One key name on one address. `current`: the last sample saw it."""

    address: str
    port: int
    key_name: str | None
    first: str
    last: str
    seconds: float
    samples: int
    connections: int
    current: bool
    stateful: bool = False
    mechanisms: tuple[Mechanism, ...] = ()
    spans: tuple[Span, ...] = ()


class Rotation(Value, frozen=True, kw_only=True):
    """A new key on an address that had another: seen between `after` and `by`. `overlap`
    are the seconds in which both were seen."""

    address: str
    port: int
    old_key: str
    new_key: str
    after: str
    by: str
    overlap: float


class Across(Value, frozen=True, kw_only=True):
    """Sessions from before a rotation, offered after it, on one address."""

    address: str
    port: int
    old_key: str
    new_key: str
    offered: int
    resumed: int


class OutOfStep(Value, frozen=True, kw_only=True):
    """A time in which nodes issued under different keys, one of them newer. `until` is
    None while it lasts. `behind` are the addresses with the older key."""

    since: str
    until: str | None
    newest: str
    behind: tuple[str, ...]


class WatchedTarget(Value, frozen=True, kw_only=True):
    """What is known of one target over time."""

    target: str
    samples: int
    failed: int
    connections: int
    first: str | None = None
    last: str | None = None
    error: str | None = None
    keys: tuple[KeyLife, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    across: tuple[Across, ...] = ()
    out_of_step: tuple[OutOfStep, ...] = ()
    findings: tuple[Finding, ...] = ()


class WatchReport(Result, Value, frozen=True, kw_only=True):
    """What `watch` knows: one shape for all its formats. `options` are as in a Report."""

    history: str
    targets: tuple[WatchedTarget, ...] = ()
    max_key_age: float | None = None
    options: dict[str, OptionValue] | None = None

    @property
    def ok(self) -> bool:
        """Whether no key is older than was allowed, and any target could be reached."""
        return not self.too_old and self.reached

    @property
    def too_old(self) -> bool:
        """Whether a key is older than was allowed."""
        findings = (finding for target in self.targets for finding in target.findings)
        return any(finding.code == "ticket-key-too-old" for finding in findings)

    @property
    def reached(self) -> bool:
        """Whether any target could be reached in its last sample, if there are targets."""
        return not self.targets or any(target.error is None for target in self.targets)
