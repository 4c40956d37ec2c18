"""Open a connection and keep its session, with what the session itself does not say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tlsresume import checked
from tlsresume.errors import PeerError, UsageError
from tlsresume.evidence.certificates import describe_leaf, facts_of
from tlsresume.evidence.purposes import Save
from tlsresume.evidence.summary import error_result, version_of
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup, check_transport
from tlsresume.lab import Task
from tlsresume.network import loop
from tlsresume.network.loop import Stop, Stopped
from tlsresume.network.trace import Trace
from tlsresume.options import SaveOptions
from tlsresume.results.connection import Mechanism
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import SaveResult
from tlsresume.runs.reach import (
    STOPPED,
    chosen_target,
    connect_first,
    lab_for,
    out_of_time,
    within,
)
from tlsresume.runs.waiting import Status, telling
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.session import Session
from tlsresume.targets.target import Target
from tlsresume.tickets.key_names import KeyNaming
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.library import openssl_version
from tlsresume.version import USER_AGENT, __version__

Saved = tuple[SaveResult, list[tuple[Session, SessionMetadata]]]


def save(
    target: Target | str,
    options: SaveOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Callable[[str], None] | None = None,
    status: Status | None = None,
    stop: Stop | None = None,
) -> Saved:
    """Connect, wait for the session, close cleanly, and return it with its metadata.

    The list has one session per ticket, the newest last; it is empty where `saved` of
    the result is False. Raises UsageError, FileError or BindingError when the options
    cannot be carried out, and LocalError where this machine makes no connection; what is wrong
    with the target is in the result, and so is that `deadline` seconds were not enough, or that
    another thread called `stop()`. `progress` is called with a line when a wait begins or ends;
    `status` gets a line that tells what is waited for, each half second of a run that is not quick.
    """
    chosen = chosen_target(target)
    saving = asave(
        chosen, options, trace=trace, deadline=deadline, progress=progress, status=status
    )
    try:
        return loop.run(saving, stop)
    except Stopped:
        return SaveResult(target=chosen.name, error=STOPPED), []


async def asave(
    target: Target | str,
    options: SaveOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Callable[[str], None] | None = None,
    status: Status | None = None,
) -> Saved:
    """`save` for a running event loop. A task that is cancelled ends its connection at once."""
    chosen = chosen_target(target)
    settings = SaveOptions() if options is None else options
    checked.kind("options", settings, SaveOptions, "a SaveOptions")
    try:
        async with within(deadline):
            if progress is not None:
                progress(f"{chosen.name}: connecting, and waiting for a session")
            saved = await _save(chosen, settings, trace, status)
            if progress is not None:
                progress(f"{chosen.name}: {len(saved[1])} session(s) came")
            return saved
    except TimeoutError:
        return SaveResult(target=chosen.name, error=out_of_time(deadline)), []


async def _save(
    target: Target, options: SaveOptions, trace: Trace | None, status: Status | None
) -> Saved:
    check_transport(target, options.connect)
    target_setup = TargetSetup(target, options.connect, USER_AGENT)
    if options.mechanism is not None and options.mechanism not in target_setup.mechanisms:
        raise UsageError(
            f"{target.name} has no {options.mechanism} with these options",
            hints=(f"it can have {', '.join(target_setup.mechanisms)}",),
        )
    config, task = _config(target_setup, options.mechanism)
    lab = lab_for(options.connect, target, trace)
    try:
        async with telling(lab, status):
            attempt = await connect_first(lab, target, config, task)
    except PeerError as error:
        failure = ErrorResult("resolve", "resolve", error.message, error.hints, error.stack)
        return SaveResult(target=target.name, error=failure), []
    return _result(target, options, attempt)


def _config(target_setup: TargetSetup, mechanism: Mechanism | None) -> tuple[ClientConfig, Task]:
    task = target_setup.task(Save.FULL, mechanism or "psk")
    return (
        target_setup.config() if mechanism is None else target_setup.config_for(mechanism)
    ), task


def _result(target: Target, options: SaveOptions, attempt: Trial) -> Saved:
    sessions = [
        session
        for session in attempt.sessions
        if options.mechanism in (None, session.mechanism) and session.resumable
    ]
    naming = KeyNaming.learn([ticket.ticket for ticket in attempt.tickets])
    ticket = attempt.tickets[-1] if attempt.tickets else None
    reason, hints = (None, ()) if sessions else _why_nothing(options, attempt)
    kept = sessions[-1] if sessions else None
    result = SaveResult(
        target=target.name,
        address=attempt.address,
        port=attempt.port,
        saved=bool(sessions),
        reason=reason,
        hints=hints,
        tls_version=version_of(attempt),
        cipher=attempt.cipher,
        alpn=attempt.alpn,
        mechanism=kept.mechanism if kept else None,
        tickets=len(attempt.tickets),
        lifetime=ticket.lifetime if ticket else None,
        key_name=naming.name_of(ticket.ticket) if ticket else None,
        certificate=describe_leaf([attempt]),
        timings=attempt.timings,
        traffic=attempt.traffic,
        notes=target.notes,
        certificate_wanted=attempt.certificate_wanted,
        error=error_result(attempt.error) if attempt.error and not sessions else None,
        transport=attempt.transport,
    )
    return result, [
        (session, metadata_of(target, attempt, session, naming)) for session in sessions
    ]


def metadata_of(
    target: Target, attempt: Trial, session: Session, naming: KeyNaming
) -> SessionMetadata:
    """What a session file says beside the session, so that it can be offered again."""
    ticket = session.fields.ticket
    return SessionMetadata(
        target=target.spelling,
        address=attempt.address,
        port=attempt.port or None,
        starttls=target.starttls,
        sni=attempt.config.server_name,
        alpn=attempt.alpn,
        saved=datetime.fromtimestamp(attempt.time, UTC).isoformat(timespec="seconds"),
        leaf_sha256=attempt.leaf_sha256,
        mechanism=session.mechanism,
        ticket_key_name=naming.name_of(ticket) if ticket else None,
        tickets=len(attempt.tickets),
        tool=f"tlsresume {__version__}",
        openssl=openssl_version(),
        client_certificate_until=_client_certificate_end(attempt),
    )


def _client_certificate_end(attempt: Trial) -> str | None:
    """The end of the client certificate that the server asked for and got."""
    if attempt.own_certificate is None or not attempt.certificate_requested:
        return None
    end = facts_of(attempt.own_certificate).not_after
    return None if end is None else end.isoformat(timespec="seconds")


def _why_nothing(options: SaveOptions, attempt: Trial) -> tuple[str | None, tuple[str, ...]]:
    if not attempt.handshake_done:
        return None, ()
    version = attempt.tls_version
    if version is not None and version >= ProtocolVersion.TLSv1_3:
        return (
            f"no ticket within {options.connect.ticket_wait:g} s",
            (
                "some servers send tickets only after data: try --send TEXT, or https://HOST:PORT",
                "wait longer with --ticket-wait, or look at TLS 1.2 with --tls 1.2",
            ),
        )
    if options.mechanism == "ticket":
        return "the server issued no ticket", ("--mechanism session-id asks for a session ID",)
    if options.mechanism == "session-id":
        return "the server gave no session ID", ("--mechanism ticket asks for a ticket",)
    return "the server issued neither a ticket nor a session ID", ()
