"""Offer a saved session to its server, and tell what became of it.

What the session was made with is pinned, so that a "New" is the server's answer
and not our own doing: TLS version, cipher, SNI and ALPN. It is offered to no
other host name unless the caller says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import Struct

from tlsresume import checked
from tlsresume.errors import PeerError, SessionFileError
from tlsresume.evidence.datagrams import quic_result
from tlsresume.evidence.early_data_summary import rejection
from tlsresume.evidence.early_outcome import TOO_EARLY, outcome
from tlsresume.evidence.purposes import EarlyReplay, Resume, Token
from tlsresume.evidence.states import letter
from tlsresume.evidence.summary import error_result, row, version_of
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup, check_transport
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.judge import judge
from tlsresume.findings.one_connection import why_not_resumed
from tlsresume.findings.resumed_answers import unusual
from tlsresume.findings.ticket_keys import Issued, issued_tickets, key_uses
from tlsresume.findings.view import Saved, View
from tlsresume.findings.with_and_without_session import controlled
from tlsresume.lab import Route, Task
from tlsresume.network import loop
from tlsresume.network.lab import NetworkLab
from tlsresume.network.loop import Stop, Stopped
from tlsresume.network.trace import Trace
from tlsresume.options import ResumeOptions
from tlsresume.results.early_data import EarlyReason
from tlsresume.results.measured import ErrorResult, Series
from tlsresume.results.report import ResumeResult
from tlsresume.runs.explain import Explanation
from tlsresume.runs.pinning import config_of, pinned, target_of
from tlsresume.runs.reach import (
    STOPPED,
    addresses_of,
    blaming_us,
    chosen_target,
    lab_for,
    out_of_time,
    unreachable,
    within,
)
from tlsresume.runs.save import metadata_of
from tlsresume.runs.usability import require_usable
from tlsresume.runs.waiting import Status, telling
from tlsresume.sessions.file import SessionFile, read_session_file
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.pem_blocks import UNREADABLE
from tlsresume.sessions.session import Session
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.target import Target
from tlsresume.tickets.key_names import KeyNaming
from tlsresume.transports.config import ClientConfig
from tlsresume.version import USER_AGENT

Renewed = tuple[Session, SessionMetadata]


#: Seconds to wait for a new ticket after a resumption, where none is needed.
_RENEWAL_WAIT = 1.0


def resume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Callable[[str], None] | None = None,
    status: Status | None = None,
    stop: Stop | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """Offer a saved session. Returns what came of it, and the renewed session if one came.

    The target is the one in the file unless given. After `deadline` seconds, when another thread
    calls `stop()`, or on an interrupt once the session was offered, what is known by then is the
    result. `progress` is called with a line when a wait begins; `status` gets a line that tells
    what is waited for, each half second of a run that is not quick. Raises SessionFileError
    for a file that is none, for a session that no connection of ours can offer, and where OpenSSL
    refuses the session itself; LocalError where this machine makes no connection; and UsageError,
    also for another host than the session's own without `any_host`.
    """
    running = _prepared(
        session_file, target, options, trace=trace, progress=progress, status=status
    )
    try:
        return loop.run(running.run(deadline), stop)
    except Stopped:
        if not running.attempts:
            return running.nothing(STOPPED), None
        return replace(running.known(), interrupted=True), None
    except KeyboardInterrupt:
        if not running.attempts:
            raise
        return replace(running.known(), interrupted=True), None


async def aresume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Callable[[str], None] | None = None,
    status: Status | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """`resume` for a running event loop. A task that is cancelled ends its connections at once."""
    running = _prepared(
        session_file, target, options, trace=trace, progress=progress, status=status
    )
    return await running.run(deadline)


def _prepared(
    session_file: SessionFile | str,
    target: Target | str | None,
    options: ResumeOptions | None,
    *,
    trace: Trace | None,
    progress: Callable[[str], None] | None,
    status: Status | None,
) -> _Resumption:
    if isinstance(session_file, str):
        session_file = read_session_file(session_file)
    require_usable(session_file)
    chosen = ResumeOptions() if options is None else options
    checked.kind("options", chosen, ResumeOptions, "a ResumeOptions")
    named = None if target is None else chosen_target(target)
    where = target_of(session_file, named, chosen)
    config = config_of(session_file, where, chosen)
    check_transport(where, replace(chosen.connect, alpn=config.alpn))
    lab = lab_for(chosen.connect, where, trace)
    note = progress or (lambda _line: None)
    return _Resumption(session_file, where, config, chosen, lab, note, status)


class _Resumption(Struct):
    file: SessionFile
    target: Target
    config: ClientConfig
    options: ResumeOptions
    lab: NetworkLab
    progress: Callable[[str], None]
    status: Status | None = None
    dns_ms: float = 0.0

    async def run(self, deadline: float | None) -> tuple[ResumeResult, Renewed | None]:
        """Offer, and explain; at the deadline what is known then."""
        try:
            async with within(deadline), telling(self.lab, self.status):
                return await self._run()
        except TimeoutError:
            if not self.attempts:
                return self.nothing(error=out_of_time(deadline)), None
            return self.known(), None

    @property
    def attempts(self) -> list[Trial]:
        """What was made of the tries until now, whatever came of them; of each the last."""
        last = {a.ask: a for a in self.lab.journal if a.made_for(Resume)}
        return list(last.values())

    def known(self) -> ResumeResult:
        """What is known of the last address that was tried."""
        attempts = [a for a in self.attempts if a.address == self.attempts[-1].address]
        view = self._explanation(self.lab, attempts[0].address).view()
        return self._result(self.lab, attempts, view, self.dns_ms)

    async def _run(self) -> tuple[ResumeResult, Renewed | None]:
        lab = self.lab
        try:
            addresses, dns_ms = await addresses_of(self.target, lab.timeout)
        except PeerError as error:
            failure = ErrorResult("resolve", "resolve", error.message, error.hints, error.stack)
            return self.nothing(error=failure), None
        self.dns_ms = dns_ms
        if self.options.where != "each":
            addresses = addresses[:1]
        tried: list[tuple[list[Trial], Explanation]] = []
        renewed: Renewed | None = None
        for address in addresses:
            explanation = self._explanation(lab, address)
            with blaming_us(lab):
                self.progress(f"{self.target.name}: offering the session to {address}")
                attempts = await self._offer(lab, address)
                if self.options.explain and _unexplained(attempts):
                    self.progress(f"{self.target.name}: asking why it was not resumed")
                    await explanation.run()
            renewed = self._renewed(attempts, lab.journal.naming) or renewed
            tried.append((attempts, explanation))
        # What one address says of the session bears on what another means.
        results = [
            self._result(lab, attempts, explanation.view(), dns_ms)
            for attempts, explanation in tried
        ]
        if len(results) == 1:
            return results[0], renewed
        telling = next((r for r in results if not r.session_reused), results[-1])
        return replace(telling, each_address=tuple(results)), renewed

    # ------------------------------------------------------------- one address

    async def _offer(self, lab: NetworkLab, address: str) -> list[Trial]:
        route = Route(address, self.target.dial_to[1], transport=self.target.transport)
        config, task = self.config, self._task()
        attempts = []
        for _ in range(self.options.tries):
            attempt = await lab.connect(route, config, task, self.file.session)
            if attempt.datagrams is not None and attempt.datagrams.token_offered:
                attempt = await self._without_token(lab, route, attempt, task)
            attempts.append(attempt)
            if unreachable(attempt.error):
                break
        early = next((a for a in attempts if _too_early(a)), None)
        if early is not None:
            await self._repeat(lab, early)
        return attempts

    async def _without_token(
        self, lab: NetworkLab, route: Route, attempt: Trial, task: Task
    ) -> Trial:
        """The same again without the token, where a connection that showed it broke: what that
        says is not said of the session."""
        if attempt.handshake_done:
            return attempt
        lab.journal.correct(attempt.made_instead_for(Token.SHOWN))
        config = replace(self.config, address_token=b"")
        return await lab.connect(route, config, task, self.file.session)

    async def _repeat(self, lab: NetworkLab, attempt: Trial) -> None:
        """Send what got 425 as early data once more, after a handshake (RFC 8470 section 5.2)."""
        task = Task(
            purpose=EarlyReplay.REPEATED,
            send=self.config.early_data,
            want_response=True,
        )
        config = replace(self.config, early_data=b"")
        session = attempt.sessions[-1] if attempt.sessions else None
        route = Route(attempt.address, attempt.port, transport=self.target.transport)
        await lab.connect(route, config, task, session)

    def _explanation(self, lab: NetworkLab, address: str) -> Explanation:
        metadata, session = self.file.metadata, self.file.session
        saved = Saved(
            session=session,
            server_name=metadata.sni or session.fields.hostname,
            alpn=metadata.alpn or session.fields.alpn,
            leaf_sha256=metadata.leaf_sha256,
            client_certificate_until=metadata.client_certificate_end,
        )
        setup = MechanismSetup(
            lab=lab,
            route=Route(address, self.target.dial_to[1], transport=self.target.transport),
            target_setup=self._target_setup,
            mechanism=session.mechanism,
            config=replace(self.config, early_data=b""),
            subject=session,
            own_name=saved.server_name,
            own_alpn=saved.alpn,
        )
        return Explanation(setup, saved=saved)

    @property
    def _target_setup(self) -> TargetSetup:
        return TargetSetup(self.target, self.options.connect, USER_AGENT)

    def _task(self) -> Task:
        target_setup = self._target_setup
        wait = min(self.options.connect.ticket_wait, _RENEWAL_WAIT)
        mechanism = self.file.session.mechanism
        task = target_setup.with_answer(target_setup.task(Resume.RESUME, mechanism, wait=wait))
        if self.config.early_data:
            # Where it is not taken, it is sent again after the handshake, as clients do.
            return replace(
                task,
                send=self.config.early_data,
                send_after=0.0,
                want_response=True,
                clean=self.options.clean_close,
            )
        if self.options.clean_close:
            return task
        # A server that is asked to close does so before we can cut the connection.
        send = task.send
        if isinstance(send, bytes):
            send = send.replace(b"Connection: close\r\n", b"")
        return replace(task, send=send, clean=False)

    # ------------------------------------------------------------------ result

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

    def _result(
        self, lab: NetworkLab, attempts: list[Trial], view: View, dns_ms: float
    ) -> ResumeResult:
        session = self.file.session
        telling = next((a for a in attempts if not a.reused), attempts[-1])
        naming = lab.journal.naming
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
            session_reused=telling.reused,
            set_session=telling.set_session,
            offered=telling.offered is not None,
            accepted=telling.accepted if telling.offered and known else None,
            certificate_message=telling.certificate_seen if known else None,
            disagreement=telling.disagreement,
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
            repeated_status=_repeated_status(lab.journal, telling.address),
            http_status=telling.http_status,
            quic=quic_result(attempts) if telling.transport == "quic" else None,
            reason=why_not_resumed(session, telling),
            notes=(*self._notes(telling), *first_try(telling, lab.journal)),
            tries=Series.count("".join(letter(attempt) for attempt in attempts)),
            verification=telling.verification,
            timings=replace(telling.timings, dns=round(dns_ms, 3)),
            traffic=telling.traffic,
            fails_with_session=_fails_with_session(view),
            attempts=tuple(
                row(a, naming) for a in lab.journal.counted if a.address == telling.address
            ),
            findings=judge([view]),
            ticket_keys=key_uses(
                [Issued(session), *issued_tickets(attempts)], self.options.ticket_keys, naming
            ),
        )

    def _own_key(self) -> str | None:
        ticket = self.file.session.fields.ticket
        return KeyNaming.learn([ticket]).name_of(ticket) if ticket else None

    def _notes(self, attempt: Trial) -> tuple[str, ...]:
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
        if _too_early(attempt):
            notes.append(self._too_early_words(attempt))
        if attempt.closed == "abrupt":
            notes.append("the connection was cut without close_notify, as asked")
        if attempt.config.certificate is not None and attempt.reused:
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

    def _too_early_words(self, attempt: Trial) -> str:
        repeated = _repeated_status(self.lab.journal, attempt.address)
        told = "it was not answered" if repeated is None else f"HTTP {repeated}"
        return (
            "early data got HTTP 425 (Too Early): the server, or what is behind it, wants this"
            f" request after the handshake; sent again there: {told}"
        )

    def _renewed(self, attempts: list[Trial], naming: KeyNaming) -> Renewed | None:
        for attempt in reversed(attempts):
            sessions = [session for session in attempt.sessions if session.resumable]
            if sessions:
                metadata = metadata_of(self.target, attempt, sessions[-1], naming)
                if attempt.leaf_sha256 is None:
                    metadata = replace(
                        metadata,
                        leaf_sha256=self.file.metadata.leaf_sha256,
                        client_certificate_until=self.file.metadata.client_certificate_until,
                    )
                return sessions[-1], metadata
        return None


def _too_early(attempt: Trial) -> bool:
    """Whether early data was taken, and its request sent away until the handshake is done."""
    return outcome(attempt) == "accepted" and attempt.http_status == TOO_EARLY


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


def _unexplained(attempts: list[Trial]) -> bool:
    """Whether something was not resumed, or refused after it was, and it is not the way to
    the server that failed."""
    return any(not unreachable(a.error) and (not a.reused or unusual(a)) for a in attempts)


def _fails_with_session(view: View) -> bool | None:
    """Whether handshakes without the session succeed; None: none was made to find out."""
    if not view.broken or not view.controls:
        return None
    return controlled(view)
