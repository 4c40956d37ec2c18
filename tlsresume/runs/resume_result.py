"""What became of a saved session, as a result: from the connections that offered it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import Struct

from tlsresume.errors import SessionFileError
from tlsresume.evidence.datagrams import quic_result
from tlsresume.evidence.early_data_summary import rejection
from tlsresume.evidence.early_outcome import TOO_EARLY, outcome
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.states import disagreement, letter
from tlsresume.evidence.summary import error_result, row, version_of
from tlsresume.evidence.trial import Trial
from tlsresume.findings.judge import judge
from tlsresume.findings.one_connection import why_not_resumed
from tlsresume.findings.ticket_keys import Issued, issued_tickets, key_uses
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import controlled
from tlsresume.options import ResumeOptions
from tlsresume.results.early_data import EarlyReason
from tlsresume.results.measured import ErrorResult, Series
from tlsresume.results.report import ResumeResult
from tlsresume.runs.pinning import pinned
from tlsresume.sessions.file import SessionFile
from tlsresume.sessions.pem_blocks import UNREADABLE
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.target import Target
from tlsresume.tickets.key_names import KeyNaming
from tlsresume.transports.config import ClientConfig


class Offered(Struct):
    """A saved session, where it is offered, and how: what each result of it says."""

    file: SessionFile
    target: Target
    config: ClientConfig
    options: ResumeOptions

    def nothing(self, error: ErrorResult | None = None) -> ResumeResult:
        """The result where no connection came about."""
        session = self.file.session
        return ResumeResult(
            target=self.target.name,
            file=self.file.path,
            mechanism=session.mechanism,
            session_version=session.fields.protocol,
            server_name=self.target.server_name,
            pinned=pinned(self.file, self.config) if self.options.pin else (),
            error=error,
            error_stack=error.stack if error else None,
            transport=self.target.transport,
        )

    def result(
        self, journal: Evidence, attempts: list[Trial], view: View, dns_ms: float
    ) -> ResumeResult:
        """What became of it at one address: `attempts` are the tries, `view` what explains them."""
        session = self.file.session
        telling = next((a for a in attempts if not a.resumed), attempts[-1])
        naming = journal.naming
        failure = telling.error if not telling.handshake_done else None
        if failure is not None and failure.stack and failure.step == "session":
            raise SessionFileError(
                f"{self.file.path}: {failure.stack.call} failed",
                path=self.file.path,
                stack=failure.stack,
                hints=UNREADABLE,
            )
        key = naming.name_of(session.fields.ticket) if session.fields.ticket else None
        new = telling.tickets[-1].ticket if telling.tickets else None
        known = telling.server_hello_seen
        return replace(
            self.nothing(error_result(failure) if failure else None),
            address=telling.address,
            port=telling.port,
            session_reused=telling.resumed,
            set_session=telling.set_session,
            offered=telling.offered is not None,
            accepted=telling.accepted if telling.offered and known else None,
            certificate_message=telling.certificate_seen if known else None,
            disagreement=disagreement(telling),
            tls_version=version_of(telling),
            cipher=telling.cipher,
            group=telling.group,
            alpn=telling.alpn,
            session_age_s=round(session.age(telling.time), 1),
            key_name=key or self._own_key(),
            new_key_name=naming.name_of(new) if new else None,
            new_tickets=len(telling.tickets),
            hello_retry=telling.hello_retry,
            early_data=telling.early_data,
            early_data_reason=self._early_reason(telling, attempts),
            repeated_status=_repeated_status(journal, telling.address),
            http_status=telling.http_status,
            quic=quic_result(attempts) if telling.transport == "quic" else None,
            reason=why_not_resumed(session, telling),
            notes=(*self._notes(telling, journal), *first_try(telling, journal)),
            tries=Series.count("".join(letter(attempt) for attempt in attempts)),
            verification=telling.verification,
            timings=replace(telling.timings, dns=round(dns_ms, 3)),
            traffic=telling.traffic,
            fails_with_session=_fails_with_session(view),
            attempts=tuple(row(a, naming) for a in journal.counted if a.address == telling.address),
            findings=judge([view]),
            ticket_keys=key_uses(
                [Issued(session), *issued_tickets(attempts)], self.options.ticket_keys, naming
            ),
        )

    def _own_key(self) -> str | None:
        ticket = self.file.session.fields.ticket
        return KeyNaming.learn([ticket]).name_of(ticket) if ticket else None

    def _notes(self, attempt: Trial, journal: Evidence) -> tuple[str, ...]:
        notes = [*self.target.notes]
        saved = self.file.metadata
        if saved.address and self.target.connect == (saved.address, saved.port):
            where = format_endpoint(attempt.address, attempt.port)
            notes.append(f"went to the saved address {where} (--resolve-now asks DNS)")
        if self.options.early_data and attempt.early_data == "not-sent":
            allowed = self.file.session.fields.max_early_data
            notes.append(
                f"early data was not sent: the session allows {allowed} bytes"
                if allowed < len(self.options.early_data)
                else "early data was not sent: the session was not offered"
            )
        if too_early(attempt):
            notes.append(_too_early_words(_repeated_status(journal, attempt.address)))
        if attempt.closed == "abrupt":
            notes.append("the connection was cut without close_notify, as asked")
        if attempt.config.certificate is not None and attempt.resumed:
            asked = "asked for it again" if attempt.certificate_requested else "did not ask for it"
            notes.append(f"the client certificate: the server {asked}; the session stands for it")
        return tuple(notes)

    def _early_reason(self, telling: Trial, attempts: Sequence[Trial]) -> EarlyReason | None:
        """Why early data was rejected: by what is seen on the connection, and by what was sent
        before with the same ticket."""
        reason = rejection(telling)
        if reason in (None, "hello-retry"):
            return reason
        if any(outcome(a) == "accepted" and a.time < telling.time for a in attempts):
            return "replay-refused"
        in_future = self.file.session.age(telling.time) < 0
        return "stale" if in_future and reason == "server-choice" else reason


def too_early(attempt: Trial) -> bool:
    """Whether early data was taken, and its request sent away until the handshake is done."""
    return outcome(attempt) == "accepted" and attempt.http_status == TOO_EARLY


def _too_early_words(repeated: int | None) -> str:
    told = "it was not answered" if repeated is None else f"HTTP {repeated}"
    return (
        "early data got HTTP 425 (Too Early): the server, or what is behind it, wants this"
        f" request after the handshake; sent again there: {told}"
    )


def _repeated_status(journal: Sequence[Trial], address: str) -> int | None:
    """The HTTP status that the repeated request got."""
    repeated = [a for a in journal if a.made_for(EarlyReplay.REPEATED) and a.address == address]
    return repeated[-1].http_status if repeated else None


def first_try(attempt: Trial, journal: Sequence[Trial]) -> tuple[str, ...]:
    """A note where an attempt that offered nothing was made because one before it had
    offered the session, and broke."""
    if attempt.offered is not None:
        return ()
    return tuple(
        f"#{first.n} did offer the session: {first.error.message}; #{attempt.n} is the same, once more"
        for first in journal
        if first.ask == attempt.ask and first.offered is not None and first.error is not None
    )[-1:]


def _fails_with_session(view: View) -> bool | None:
    """Whether handshakes without the session succeed; None: none was made to find out."""
    if not view.broken or not view.controls:
        return None
    return controlled(view)
