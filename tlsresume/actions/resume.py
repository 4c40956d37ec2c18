"""Offer a saved session to its server, and tell what became of it.

What the session was made with is pinned, so that a "New" is the server's answer
and not our own doing: TLS version, cipher, SNI and ALPN. It is offered to no
other host name unless the caller says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from tlsresume.actions.reach import addresses_of, lab_for, unreachable
from tlsresume.actions.save import metadata_of
from tlsresume.diagnosis.reason import why_not_resumed
from tlsresume.diagnosis.summary import counted, error_result, letter, naming_of, row
from tlsresume.errors import FileError, PeerError, UsageError
from tlsresume.experiments.terms import Terms
from tlsresume.lab import Errand, Route
from tlsresume.network.lab import NetworkLab
from tlsresume.network.trace import Trace
from tlsresume.openssl.plan import Plan
from tlsresume.options import BOTH_VERSIONS, ResumeOptions
from tlsresume.results import Attempt, ErrorResult, ResumeResult, Series
from tlsresume.session.file import SessionFile, SessionMetadata, read_session_file
from tlsresume.session.session import Session
from tlsresume.session.ticket import KeyNaming
from tlsresume.target import Target, format_endpoint, parse_target
from tlsresume.version import USER_AGENT
from tlsresume.wire.handshake import ProtocolVersion

Renewed = tuple[Session, SessionMetadata]

#: Seconds to wait for a new ticket after a resumption, where none is needed.
_RENEWAL_WAIT = 1.0


def resume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """Offer a saved session. Returns what came of it, and the renewed session if one came.

    The target is the one in the file unless given. Raises SessionFileError for a file
    that is none, FileError where OpenSSL refuses the session itself, and UsageError,
    also for another host than the session's own without `any_host`.
    """
    if isinstance(session_file, str):
        session_file = read_session_file(session_file)
    named = parse_target(target) if isinstance(target, str) else target
    chosen = options or ResumeOptions()
    run = _Resumption(session_file, _target(session_file, named, chosen), chosen, trace)
    return asyncio.run(run.run())


def _target(file: SessionFile, named: Target | None, options: ResumeOptions) -> Target:
    metadata = file.metadata
    if named is None:
        if metadata.target is None:
            raise UsageError(
                f"{file.path} does not say which server it belongs to",
                hints=("name the server: tlsresume resume FILE HOST:PORT",),
            )
        named = replace(parse_target(metadata.target), server_name=metadata.sni)
        return _to_saved_address(named, metadata, options)
    made_for = {name.lower() for name in _names(file)}
    wanted = {name.lower() for name in (named.host, named.server_name) if name}
    if made_for and not made_for & wanted and not options.any_host:
        raise UsageError(
            f"the session in {file.path} was made for {min(made_for)},"
            f" not for {named.server_name or named.host}",
            hints=(
                "offering a session to another host name tells that host about it",
                "--any-host does it all the same",
            ),
        )
    if metadata.target is not None and parse_target(metadata.target).host == named.host:
        return _to_saved_address(named, metadata, options)
    return named


def _names(file: SessionFile) -> set[str]:
    names = {file.metadata.sni, file.session.fields.hostname}
    if file.metadata.target is not None:
        names.add(parse_target(file.metadata.target).host)
    return {name for name in names if name}


def _to_saved_address(target: Target, metadata: SessionMetadata, options: ResumeOptions) -> Target:
    if options.where != "saved" or target.connect is not None or metadata.address is None:
        return target
    if target.family != "any" and (":" in metadata.address) != (target.family == "ipv6"):
        return target
    return replace(target, connect=(metadata.address, metadata.port or target.port))


@dataclass(slots=True)
class _Resumption:
    file: SessionFile
    target: Target
    options: ResumeOptions
    trace: Trace | None

    async def run(self) -> tuple[ResumeResult, Renewed | None]:
        lab = lab_for(self.options.connect, self.trace)
        try:
            addresses, dns_ms = await addresses_of(self.target, lab.timeout)
        except PeerError as error:
            failure = ErrorResult("resolve", "resolve", error.message, error.hints, error.stack)
            return self._empty(error=failure), None
        if self.options.where != "each":
            addresses = addresses[:1]
        results: list[ResumeResult] = []
        renewed: Renewed | None = None
        for address in addresses:
            attempts = await self._offer(lab, address)
            result = self._result(lab, attempts, dns_ms)
            renewed = self._renewed(attempts, naming_of(lab.journal)) or renewed
            results.append(result)
        if len(results) == 1:
            return results[0], renewed
        telling = next((r for r in results if not r.session_reused), results[-1])
        return replace(telling, each_address=tuple(results)), renewed

    # ------------------------------------------------------------- one address

    async def _offer(self, lab: NetworkLab, address: str) -> list[Attempt]:
        route = Route(address, self.target.dial_to[1])
        plan, errand = self.plan(), self._errand()
        attempts = []
        for _ in range(self.options.tries):
            attempt = await lab.connect(route, plan, errand, self.file.session)
            attempts.append(attempt)
            if unreachable(attempt.error):
                break
        return attempts

    def plan(self) -> Plan:
        """The session's own version, cipher, SNI and ALPN, except where told otherwise."""
        connect = self.options.connect
        plan = Terms(self.target, connect, USER_AGENT).plan()
        fields = self.file.session.fields
        if fields.tls_version < ProtocolVersion.TLSv1_2:
            raise FileError(
                f"the session in {self.file.path} is {fields.tls_version.label},"
                " which is older than this tool speaks",
                path=self.file.path,
            )
        if self.options.early_data:
            plan = replace(plan, early_data=self.options.early_data)
        if not self.options.pin:
            return plan
        if connect.tls == BOTH_VERSIONS:
            plan = replace(plan, minimum=fields.tls_version, maximum=fields.tls_version)
        if fields.tls_version >= ProtocolVersion.TLSv1_3:
            if connect.ciphersuites is None:
                plan = replace(plan, ciphersuites=fields.cipher_name)
        elif connect.ciphers is None:
            plan = replace(plan, ciphers=fields.cipher_name)
        alpn = self.file.metadata.alpn or fields.alpn
        if connect.alpn is None and alpn:
            plan = replace(plan, alpn=(alpn,))
        if self.file.session.mechanism == "session-id":
            plan = replace(plan, tickets=False)
        return plan

    def _errand(self) -> Errand:
        terms = Terms(self.target, self.options.connect, USER_AGENT)
        wait = min(self.options.connect.ticket_wait, _RENEWAL_WAIT)
        mechanism = self.file.session.mechanism
        errand = terms.with_answer(terms.errand("resume", "resume", mechanism, wait=wait))
        return replace(errand, clean=self.options.clean_close)

    # ------------------------------------------------------------------ result

    def _empty(self, error: ErrorResult | None = None) -> ResumeResult:
        session = self.file.session
        return ResumeResult(
            target=self.target.name,
            file=self.file.path,
            mechanism=session.mechanism,
            session_version=session.fields.tls_version.label,
            server_name=self.target.server_name,
            pinned=self._pinned(),
            error=error,
            error_stack=error.stack if error else None,
        )

    def _pinned(self) -> tuple[str, ...]:
        if not self.options.pin:
            return ()
        plan, fields = self.plan(), self.file.session.fields
        pinned = []
        if plan.minimum == plan.maximum == fields.tls_version:
            pinned.append(fields.tls_version.label)
        if fields.cipher_name in (plan.ciphers, plan.ciphersuites):
            pinned.append(fields.cipher_name)
        if plan.server_name and plan.server_name == (self.file.metadata.sni or fields.hostname):
            pinned.append(f"SNI {plan.server_name}")
        if plan.alpn and plan.alpn[0] == (self.file.metadata.alpn or fields.alpn):
            pinned.append(f"ALPN {plan.alpn[0]}")
        return tuple(pinned)

    def _result(self, lab: NetworkLab, attempts: list[Attempt], dns_ms: float) -> ResumeResult:
        session = self.file.session
        telling = next((a for a in attempts if not a.reused), attempts[-1])
        naming = naming_of(lab.journal)
        failure = telling.error if not telling.handshake_done else None
        if failure is not None and failure.stack and failure.step == "session":
            raise FileError(
                failure.message,
                path=self.file.path,
                stack=failure.stack,
                hints=("save the session again: tlsresume save TARGET",),
            )
        key = naming.name_of(session.fields.ticket) if session.fields.ticket else None
        new = telling.tickets[-1].ticket if telling.tickets else None
        known = telling.server_hello_seen
        return replace(
            self._empty(error_result(failure) if failure else None),
            address=telling.address,
            port=telling.port,
            session_reused=telling.reused,
            set_session=telling.set_session,
            offered=telling.offered is not None,
            accepted=telling.accepted if telling.offered and known else None,
            certificate_message=telling.certificate_seen if known else None,
            disagreement=telling.disagreement,
            tls_version=telling.tls_version.label if telling.tls_version else None,
            cipher=telling.cipher,
            group=telling.group,
            alpn=telling.alpn,
            session_age_s=round(session.age(telling.time), 1),
            key_name=key or self._own_key(),
            new_key_name=naming.name_of(new) if new else None,
            new_tickets=len(telling.tickets),
            hello_retry=telling.hello_retry,
            early_data=telling.early_data,
            http_status=telling.http_status,
            reason=why_not_resumed(session, telling),
            notes=self._notes(telling),
            tries=Series.count("".join(letter(attempt) for attempt in attempts)),
            verification=telling.verification,
            timings=replace(telling.timings, dns=round(dns_ms, 3)),
            traffic=telling.traffic,
            attempts=tuple(row(a, naming) for a in counted(lab.journal)),
        )

    def _own_key(self) -> str | None:
        ticket = self.file.session.fields.ticket
        return KeyNaming.learn([ticket]).name_of(ticket) if ticket else None

    def _notes(self, attempt: Attempt) -> tuple[str, ...]:
        notes = []
        saved = self.file.metadata
        if self.options.where == "saved" and saved.address and attempt.address == saved.address:
            where = format_endpoint(attempt.address, attempt.port)
            notes.append(f"went to the saved address {where} (--resolve-now asks DNS)")
        if self.options.early_data and attempt.early_data == "not-sent":
            allowed = self.file.session.fields.max_early_data
            notes.append(
                f"early data was not sent: the session allows {allowed} bytes"
                if allowed < len(self.options.early_data)
                else "early data was not sent: the session was not offered"
            )
        if attempt.closed == "abrupt":
            notes.append("the connection was cut without close_notify, as asked")
        return tuple(notes)

    def _renewed(self, attempts: list[Attempt], naming: KeyNaming) -> Renewed | None:
        for attempt in reversed(attempts):
            sessions = [session for session in attempt.sessions if session.resumable]
            if sessions:
                metadata = metadata_of(self.target, attempt, sessions[-1], naming)
                if attempt.leaf_sha256 is None:
                    metadata = replace(metadata, leaf_sha256=self.file.metadata.leaf_sha256)
                return sessions[-1], metadata
        return None
