"""Recorded evidence for tests of rules: attempts as a Lab journals them, and Views of them.

A `Story` is told in the order of time, a second between two connections. Sessions are
the vectors of real OpenSSL clients with other tickets, IDs and times; a ticket of key
"a" begins with the name that letter stands for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Self

from tests.helpers.canned_lab import START, mint
from tests.helpers.purposes import purpose_of
from tests.helpers.sessions import SESSION_PEER
from tests.helpers.trials import changed, trial
from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.observation import Ticket
from tlsresume.evidence.trial import EarlyAsk, Trial
from tlsresume.findings.view import NotRun, Saved, View, make_view
from tlsresume.results.connection import (
    AlertSeen,
    Failure,
    FailureKind,
    Mechanism,
    Timings,
    Traffic,
    Verification,
)
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import AlertDescription, ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.openssl.reasons import reason_of

ADDRESS = "192.0.2.10"
PORT = 443
SNI = "example.test"

TLS12, TLS13 = ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3

#: The leaf that the vectors were made with, and another one.
LEAF = hashlib.sha256(SESSION_PEER).hexdigest()
OTHER_LEAF = "0e" * 32

#: RFC 8446 section B.4: suites by number.
AES_128, AES_256 = 0x1301, 0x1302
SUITES = {AES_128: "TLS_AES_128_GCM_SHA256", AES_256: "TLS_AES_256_GCM_SHA384"}

STATEFUL = "stateful"


def config_of(mechanism: Mechanism, **parts: Any) -> ClientConfig:
    """The plan under which a server can use only this mechanism."""
    version = TLS13 if mechanism == "psk" else TLS12
    chosen: dict[str, Any] = {
        "minimum": version,
        "maximum": version,
        "server_name": SNI,
        "tickets": mechanism != "session-id",
    }
    return ClientConfig(**(chosen | parts))


def alert(number: AlertDescription, sender: str = "server") -> AlertSeen:
    return AlertSeen(sender, 2, number, number.name)  # type: ignore[arg-type]


#: Reasons of OpenSSL's library 20 (SSL) by their words.
SSL_REASONS = {
    "inconsistent extms": 104,
    "unsupported protocol": 258,
    "decryption failed or bad record mac": 281,
}


def stack(reason: str) -> ErrorStack:
    """OpenSSL's error queue with one entry."""
    code = 20 << 23 | SSL_REASONS[reason]
    return ErrorStack("SSL_do_handshake", "-1", (ErrorEntry("SSL routines", reason, code),))


@dataclass
class Story:
    """What happened with one mechanism on one address, and what it looks like as a View."""

    mechanism: Mechanism
    config: ClientConfig = field(init=False)
    journal: list[Trial] = field(default_factory=list)
    skipped: list[NotRun] = field(default_factory=list)
    saved: Saved | None = None
    judged: bool = True
    address: str = ADDRESS
    _handles: int = 0

    def __post_init__(self) -> None:
        self.config = config_of(self.mechanism)

    # ------------------------------------------------------------------ sessions

    @property
    def now(self) -> float:
        return START + len(self.journal)

    def session(self, key: str = "a", *, age: float = 0.0, **changes: Any) -> Session:
        """A session made `age` seconds ago, its ticket under a key, or stateful."""
        self._handles += 1
        unique = hashlib.sha256(f"{key}{self._handles}".encode()).digest()
        handle = unique
        if self.mechanism != "session-id" and key != STATEFUL:
            name = hashlib.sha256(unique if key == "" else key.encode()).digest()[:16]
            handle = name + unique * 5
        return mint(self.mechanism, handle, self.now - age, **changes)

    def keep(self, session: Session, **said: Any) -> Self:
        """From now on the story is about this session, of a file."""
        self.saved = Saved(session=session, **({"server_name": SNI, "leaf_sha256": LEAF} | said))
        return self

    # -------------------------------------------------------------------- events

    def _tell(self, experiment: str, series: str, **seen: Any) -> Trial:
        n = len(self.journal) + 1
        defaults: dict[str, Any] = {
            "n": n,
            "ask": n,
            "time": self.now,
            "address": self.address,
            "port": PORT,
            "purpose": purpose_of(experiment, series),
            "mechanism": self.mechanism,
            "config": self.config,
            "timings": Timings(connect=1.0, handshake=2.0, total=1005.0),
        }
        attempt = trial(**(defaults | seen))
        self.journal.append(attempt)
        return attempt

    def _done(self, **seen: Any) -> dict[str, Any]:
        defaults: dict[str, Any] = {
            "handshake_done": True,
            "server_hello_seen": True,
            "certificate_seen": True,
            "resumed": False,
            "accepted": False,
            "tls_version": self.config.maximum,
            "leaf_sha256": LEAF,
            "suite": AES_256,
            "cipher": SUITES[AES_256],
            "extended_master_secret": None if self.mechanism == "psk" else True,
            "closed": "clean",
        }
        return defaults | seen

    def _brings(self, key: str | None, lifetime: int) -> dict[str, Any]:
        if key is None:
            return {}
        session = self.session(key)
        ticket = session.fields.ticket
        tickets = (Ticket(ticket, lifetime, 3.0),) if ticket else ()
        return {"tickets": tickets, "sessions": (session,)}

    def full(
        self,
        experiment: str = "discover",
        series: str = "full",
        *,
        key: str | None = "a",
        lifetime: int = 7200,
        **seen: Any,
    ) -> Self:
        """A handshake without a session; `key` None: it brought nothing to resume with."""
        self._tell(experiment, series, **(self._brings(key, lifetime) | self._done(**seen)))
        return self

    def resumed(
        self,
        session: Session | None = None,
        experiment: str = "tries",
        series: str = "fixed",
        *,
        key: str | None = None,
        **seen: Any,
    ) -> Self:
        """An offer that was accepted; `key`: it brought a new ticket."""
        session = session or self._latest()
        defaults: dict[str, Any] = {
            "state": session,
            "offered": self.mechanism,
            "accepted": True,
            "resumed": True,
            "certificate_seen": False,
            "leaf_sha256": None,
            "verification": Verification(0, "ok", stored=True),
        }
        self._tell(experiment, series, **(self._brings(key, 7200) | self._done(**defaults)) | seen)
        return self

    def declined(
        self,
        session: Session | None = None,
        experiment: str = "tries",
        series: str = "fixed",
        *,
        key: str | None = "a",
        **seen: Any,
    ) -> Self:
        """An offer that was answered with a full handshake, and a ticket under `key`."""
        session = session or self._latest()
        offer = {"state": session, "offered": self.mechanism}
        self._tell(experiment, series, **(self._brings(key, 7200) | self._done(**offer) | seen))
        return self

    def withheld(self, session: Session | None = None, **seen: Any) -> Self:
        """A session that OpenSSL was given and did not offer."""
        return self.declined(session, **({"offered": None, "accepted": None} | seen))

    def broken(
        self,
        session: Session | None = None,
        experiment: str = "tries",
        series: str = "fixed",
        *,
        alerts: tuple[AlertSeen, ...] = (),
        kind: FailureKind | None = None,
        reason: str = "",
        **seen: Any,
    ) -> Self:
        """An offer on which the handshake failed: by an alert, without a word, or our own doing."""
        session = session or self._latest()
        kind = kind or ("alert" if alerts else "openssl")
        words = f"the server sent alert {alerts[0].name}" if alerts else reason or kind
        queue = stack(reason) if reason else None
        defaults: dict[str, Any] = {
            "state": session,
            "offered": self.mechanism,
            "alerts": alerts,
            "error": Failure(
                "handshake", kind, words, stack=queue, reason=reason_of(queue) if queue else None
            ),
        }
        self._tell(experiment, series, **(defaults | seen))
        return self

    def broke_at_first(self, kind: FailureKind = "closed", *, beside: bool = False) -> Self:
        """The last connection was made for the second time: the first, alone or beside
        another of ours, broke without an answer."""
        good = self.journal.pop()
        time = good.time - (0.5 if beside else -0.1)
        self.journal += (
            trial(
                n=good.n,
                ask=good.ask,
                time=time,
                address=good.address,
                port=good.port,
                purpose=good.purpose,
                mechanism=good.mechanism,
                config=good.config,
                state=good.state,
                offered=good.offered,
                timings=Timings(connect=1.0, total=3.0),
                error=Failure("handshake", kind, f"the server {kind} the connection"),
            ),
            changed(good, n=good.n + 1, time=good.time + 0.4, retried=True),
        )
        return self

    def _latest(self) -> Session:
        if self.saved is not None:
            return self.saved.session
        issued = [s for a in self.journal for s in a.sessions]
        return issued[-1] if issued else self.session()

    def failed(
        self,
        experiment: str = "control",
        *,
        kind: FailureKind = "reset",
        series: str = "full",
        **seen: Any,
    ) -> Self:
        """A handshake without a session that ended before any answer."""
        self._tell(experiment, series, error=Failure("handshake", kind, kind), **seen)
        return self

    def early(self, series: str, request_id: str, outcome: str = "accepted", **seen: Any) -> Self:
        """A connection of the experiment early-data, and what became of its early data: as in
        `EarlyOutcome`, `copy` for a plain socket, or `not-sent` where it had none."""
        ask = EarlyAsk(request_id, seen.pop("method", "GET"), seen.pop("after", None))
        defaults: dict[str, Any] = {"mechanism": None, "early": ask, "asked": True,
                                    "traffic": Traffic(900, 600, 2)}  # fmt: skip
        offer = {"state": self._latest(), "offered": "psk"}
        if outcome == "copy":
            defaults |= offer | {"presented": True, "asked": False, "accepted": True,
                                 "server_hello_seen": True}  # fmt: skip
        elif outcome == "failed":
            failure = Failure("handshake", "reset", "reset by the peer")
            defaults |= offer | {"early_data": "rejected", "error": failure}
        else:
            resumed = outcome in ("accepted", "rejected")
            early = {"accepted": "accepted", "not-sent": "not-sent"}.get(outcome, "rejected")
            done = {"resumed": resumed, "accepted": resumed, "early_data": early,
                    "response": b"HTTP/1.1 200 OK\r\n\r\n"}  # fmt: skip
            defaults |= offer | self._done(**done)
        self._tell("early-data", series, **(defaults | seen))
        return self

    # ----------------------------------------------------------------- pieces

    def control(self, **seen: Any) -> Self:
        """Two handshakes without the session, after it failed."""
        return self.full("control", **seen).full("control", **seen)

    def answers(self, full: bytes, resumed: bytes, **seen: Any) -> Self:
        """The experiment answers: three full and three resumed connections, and what came."""
        for _ in range(3):
            self.full("answers", response=full, asked=True, answer_ms=5.0)
            wait = 5.0 if resumed or seen else 3000.0
            details: dict[str, Any] = {"response": resumed, "asked": True, "answer_ms": wait}
            details |= seen
            self.resumed(self.journal[-1].sessions[-1], "answers", "offer", **details)
        return self

    def crossed(
        self,
        name: str,
        *,
        own: bytes,
        offer: bytes,
        control: bytes | None,
        suffix: str = "",
        **control_seen: Any,
    ) -> Self:
        """The experiment cross-name: answers under the own name, to the offer under another,
        and to the control there (None: it broke). `suffix`: of the series' names."""
        other = replace(self.config, server_name=name, verify_name=name)
        self.full("cross-name", f"full{suffix}", response=own)
        session = self.journal[-1].sessions[-1]
        self.resumed(session, "cross-name", f"offer{suffix}", config=other, response=offer)
        if control is None:
            failure = Failure("handshake", "timeout", "no answer")
            seen: dict[str, Any] = {"error": failure} | control_seen
            self._tell("cross-name", f"control{suffix}", config=other, **seen)
            return self
        details: dict[str, Any] = {"config": other, "response": control} | control_seen
        return self.full("cross-name", f"control{suffix}", **details)

    def retry(self, *answers: str, key: str = "a", then: str | None = None) -> Self:
        """Fresh sessions at once: a letter per pair, R reused or N new."""
        for answer in "".join(answers) or "RRRRR":
            self.full("retry", key=key)
            tell = self.resumed if answer == "R" else self.declined
            tell(None if self.saved is None else self.journal[-1].sessions[-1], "retry",
                 "at-once", key=then or key)  # fmt: skip
        return self

    def later(self, *answers: str, key: str = "a") -> Self:
        """Fresh sessions refused at once, and offered after a pause: a letter each, R or N."""
        kept = []
        for _ in "".join(answers):
            self.full("later", key=key)
            kept.append(self.journal[-1].sessions[-1])
            self.declined(kept[-1], "later", "at-once", key=key)
        for session, answer in zip(kept, "".join(answers), strict=True):
            tell = self.resumed if answer == "R" else self.declined
            tell(session, "later", "later", key=key)
        return self

    def by_length(
        self, padded: dict[str, Any] | None = None, short: dict[str, Any] | None = None
    ) -> Self:
        """The experiment `hello-size`, twice: 300 bytes without a session, 600 padded, and a
        session in 400 that resumes; `padded` and `short` is what else was seen, None: broken."""
        for _ in range(2):
            self.full("hello-size", "plain", hello_size=300)
            if padded is None:
                self.failed("hello-size", series="padded", hello_size=600)
            else:
                self.full("hello-size", "padded", hello_size=600, **padded)
            if short is not None and self.mechanism == "psk":
                self.resumed(self._latest(), "hello-size", "short", hello_size=400, **short)
        return self

    # -------------------------------------------------------------------- view

    @property
    def evidence(self) -> Evidence:
        """What was told so far."""
        return Evidence(self.journal)

    def view(self, **parts: Any) -> View:
        view = make_view(
            self.evidence,
            self.address,
            PORT,
            self.mechanism,
            judged=self.judged,
            saved=self.saved,
            skipped=self.skipped,
        )
        return replace(view, **parts)
