"""A row of the table: how a server is configured, and so what is true of it.

`truth` has a state for each mechanism that the server can be asked for; a mechanism of
a TLS version that it does not speak is missing. `source` says where the truth comes
from, in our words; what a manual leaves open was seen with s_client, and `test_oracle`
looks again in each run, for every server of one node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tests.servers.oracle import State

Verdict = Literal["resumes", "partly", "does-not-resume", "untested"]
BOTH = ("TLSv1.2", "TLSv1.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTruth:
    """What is known of a mechanism's tickets; None: not known, not compared.

    `key` names the file of Material whose key made them, "" says that the key's name
    cannot be seen, because the ticket is a name in the server's cache.
    """

    lifetime: int | None = None
    count: int | None = None
    key: str | None = None
    stateful: bool | None = None
    max_early_data: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One server in one configuration, and the right answer."""

    name: str
    server: str
    lines: tuple[str, ...] = ()
    truth: dict[str, State | tuple[State, ...]]
    verdict: Verdict
    source: str
    tls_versions: tuple[str, ...] = BOTH
    tickets: dict[str, TicketTruth] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    never_findings: tuple[str, ...] = ()
    ticket_used_once: bool = False
    #: TLS 1.3 in s_client, each connection with the last ticket of the one before.
    chain: tuple[str, ...] = ("Reused", "Reused", "Reused")

    @property
    def exit_status(self) -> int:
        """0 as asked, 3 the answer is not what was asked, 4 could not be judged."""
        return {"resumes": 0, "partly": 3, "does-not-resume": 3, "untested": 4}[self.verdict]

    @property
    def one_node(self) -> bool:
        return not self.server.endswith("-pool")


ALL_RESUMED: dict[str, State | tuple[State, ...]] = {
    "psk": "resumed",
    "ticket": "resumed",
    "session-id": "resumed",
}
#: In a pool of two, where nothing is shared, luck decides between these.
HALF: tuple[State, ...] = ("partly", "not-resumed")


def tickets(
    lifetime: int | None, *, count: int | None = 2, key: str | None = None, early: int = 0
) -> dict[str, TicketTruth]:
    """Stateless tickets of both versions; TLS 1.2 has one and knows no early data."""
    return {
        "psk": TicketTruth(
            lifetime=lifetime, count=count, key=key, stateful=False, max_early_data=early
        ),
        "ticket": TicketTruth(lifetime=lifetime, count=1, key=key, stateful=False),
    }


STATEFUL_PSK = {"psk": TicketTruth(stateful=True, key="")}
