"""Offer a saved session to its server, and tell what became of it.

What the session was made with is pinned, so that a "New" is the server's answer
and not our own doing: TLS version, cipher, SNI and ALPN. It is offered to no
other host name unless the caller says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec import Struct

from tlsresume import checked
from tlsresume.errors import PeerError
from tlsresume.evidence.purposes import EarlyReplay, Resume, Token
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup, check_transport
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.resumed_answers import unusual
from tlsresume.findings.view import Saved
from tlsresume.lab import Route, Task
from tlsresume.network import loop
from tlsresume.network.lab import NetworkLab
from tlsresume.network.loop import Stop, Stopped
from tlsresume.network.trace import Trace
from tlsresume.options import ResumeOptions
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import ResumeResult
from tlsresume.runs.explain import Explanation
from tlsresume.runs.pinning import config_of, target_of
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
from tlsresume.runs.resume_result import Offered, too_early
from tlsresume.runs.save import metadata_of
from tlsresume.runs.usability import require_usable
from tlsresume.runs.waiting import Status, telling
from tlsresume.sessions.file import SessionFile, read_session_file
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.session import Session
from tlsresume.targets.target import Target
from tlsresume.tickets.key_names import KeyNaming
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
            return running.offered.nothing(STOPPED), None
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
    offered = Offered(session_file, where, config, chosen)
    return _Resumption(offered, lab, note, status)


class _Resumption(Struct):
    """A saved session being offered, to one address or to each."""

    offered: Offered
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
                return self.offered.nothing(error=out_of_time(deadline)), None
            return self.known(), None

    @property
    def attempts(self) -> list[Trial]:
        """What was made of the tries until now, whatever came of them; of each the last."""
        last = {a.ask: a for a in self.lab.journal if a.made_for(Resume)}
        return list(last.values())

    def known(self) -> ResumeResult:
        """What is known of the last address that was tried."""
        attempts = [a for a in self.attempts if a.address == self.attempts[-1].address]
        view = self._explanation(attempts[0].address).view()
        return self.offered.result(self.lab.journal, attempts, view, self.dns_ms)

    async def _run(self) -> tuple[ResumeResult, Renewed | None]:
        try:
            addresses, dns_ms = await addresses_of(self.offered.target, self.lab.timeout)
        except PeerError as error:
            failure = ErrorResult("resolve", "resolve", error.message, error.hints, error.stack)
            return self.offered.nothing(error=failure), None
        self.dns_ms = dns_ms
        if self.offered.options.where != "each":
            addresses = addresses[:1]
        tried: list[tuple[list[Trial], Explanation]] = []
        renewed: Renewed | None = None
        for address in addresses:
            explanation = self._explanation(address)
            with blaming_us(self.lab):
                self.progress(f"{self.offered.target.name}: offering the session to {address}")
                attempts = await self._offer(address)
                if self.offered.options.explain and _unexplained(attempts):
                    self.progress(f"{self.offered.target.name}: asking why it was not resumed")
                    await explanation.run()
            renewed = self._renewed(attempts, self.lab.journal.naming) or renewed
            tried.append((attempts, explanation))
        # What one address says of the session bears on what another means.
        results = [
            self.offered.result(self.lab.journal, attempts, explanation.view(), dns_ms)
            for attempts, explanation in tried
        ]
        if len(results) == 1:
            return results[0], renewed
        telling = next((r for r in results if not r.session_reused), results[-1])
        return replace(telling, each_address=tuple(results)), renewed

    # ------------------------------------------------------------- one address

    async def _offer(self, address: str) -> list[Trial]:
        route = self._route(address)
        config, task = self.offered.config, self._task()
        attempts = []
        for _ in range(self.offered.options.tries):
            attempt = await self.lab.connect(route, config, task, self.offered.file.session)
            if attempt.datagrams is not None and attempt.datagrams.token_offered:
                attempt = await self._without_token(route, attempt, task)
            attempts.append(attempt)
            if unreachable(attempt.error):
                break
        early = next((a for a in attempts if too_early(a)), None)
        if early is not None:
            await self._repeat(early)
        return attempts

    def _route(self, address: str) -> Route:
        target = self.offered.target
        return Route(address, target.dial_to[1], transport=target.transport)

    async def _without_token(self, route: Route, attempt: Trial, task: Task) -> Trial:
        """The same again without the token, where a connection that showed it broke: what that
        says is not said of the session."""
        if attempt.handshake_done:
            return attempt
        self.lab.journal.correct(attempt.made_instead_for(Token.SHOWN))
        config = replace(self.offered.config, address_token=b"")
        return await self.lab.connect(route, config, task, self.offered.file.session)

    async def _repeat(self, attempt: Trial) -> None:
        """Send what got 425 as early data once more, after a handshake (RFC 8470 section 5.2)."""
        task = Task(
            purpose=EarlyReplay.REPEATED,
            send=self.offered.config.early_data,
            want_response=True,
        )
        config = replace(self.offered.config, early_data=b"")
        session = attempt.sessions[-1] if attempt.sessions else None
        route = Route(attempt.address, attempt.port, transport=self.offered.target.transport)
        await self.lab.connect(route, config, task, session)

    def _explanation(self, address: str) -> Explanation:
        metadata, session = self.offered.file.metadata, self.offered.file.session
        saved = Saved(
            session=session,
            server_name=metadata.sni or session.fields.hostname,
            alpn=metadata.alpn or session.fields.alpn,
            leaf_sha256=metadata.leaf_sha256,
            client_certificate_until=metadata.client_certificate_end,
        )
        setup = MechanismSetup(
            lab=self.lab,
            route=self._route(address),
            target_setup=self._target_setup,
            mechanism=session.mechanism,
            config=replace(self.offered.config, early_data=b""),
            subject=session,
            own_name=saved.server_name,
            own_alpn=saved.alpn,
        )
        return Explanation(setup, saved=saved)

    @property
    def _target_setup(self) -> TargetSetup:
        return TargetSetup(self.offered.target, self.offered.options.connect, USER_AGENT)

    def _task(self) -> Task:
        target_setup = self._target_setup
        wait = min(self.offered.options.connect.ticket_wait, _RENEWAL_WAIT)
        mechanism = self.offered.file.session.mechanism
        task = target_setup.with_answer(target_setup.task(Resume.RESUME, mechanism, wait=wait))
        if self.offered.config.early_data:
            # Where it is not taken, it is sent again after the handshake, as clients do.
            return replace(
                task,
                send=self.offered.config.early_data,
                send_after=0.0,
                want_response=True,
                clean=self.offered.options.clean_close,
            )
        if self.offered.options.clean_close:
            return task
        # A server that is asked to close does so before we can cut the connection.
        send = task.send
        if isinstance(send, bytes):
            send = send.replace(b"Connection: close\r\n", b"")
        return replace(task, send=send, clean=False)

    def _renewed(self, attempts: list[Trial], naming: KeyNaming) -> Renewed | None:
        for attempt in reversed(attempts):
            sessions = [session for session in attempt.sessions if session.resumable]
            if sessions:
                metadata = metadata_of(self.offered.target, attempt, sessions[-1], naming)
                if attempt.leaf_sha256 is None:
                    metadata = replace(
                        metadata,
                        leaf_sha256=self.offered.file.metadata.leaf_sha256,
                        client_certificate_until=self.offered.file.metadata.client_certificate_until,
                    )
                return sessions[-1], metadata
        return None


def _unexplained(attempts: list[Trial]) -> bool:
    """Whether something was not resumed, or refused after it was, and it is not the way to
    the server that failed."""
    return any(not unreachable(a.error) and (not a.resumed or unusual(a)) for a in attempts)
