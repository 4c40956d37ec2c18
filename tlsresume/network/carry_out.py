"""A Task, carried out on a link: the handshake, tickets waited for, data sent, its answer read."""

from __future__ import annotations

from time import monotonic as now

from tlsresume.errors import HandshakeError, LocalError
from tlsresume.lab import Milestones, OpenConnection, Task
from tlsresume.network.dial import failure_from
from tlsresume.network.link import NetworkLink
from tlsresume.results.connection import Failure
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig

#: Seconds that a ticket may come after the answer to our data.
_AFTER_RESPONSE = 0.5

#: Seconds without a ticket, after data or without any to send, that are called quiet.
_QUIET = 0.3

#: Seconds that an answer to our data may take, and the most of the timeout that this may
#: be: a server that serves one connection at a time keeps the others waiting meanwhile.
_RESPONSE_WAIT = 3.0
_RESPONSE_SHARE = 1 / 3


async def carry_out(
    link: NetworkLink,
    config: ClientConfig,
    task: Task,
    session: Session | None,
    milestones: Milestones | None,
    *,
    doing: OpenConnection,
) -> bool:
    """Whether the handshake was done, so that the link is to be closed as the task says. Why it
    was not is in `link.failure`. `doing` is told what is waited for."""
    timeout, doing.stage = doing.limit, "handshake"
    try:
        await link.start_tls(config, session, flight=task.flight, hold_finished=task.hold_finished)
    except HandshakeError:
        await link.close()
        return False
    except LocalError as error:
        link.failure = Failure("handshake", "local", error.message, error.hints)
        return False
    except MemoryError as error:
        link.failure = failure_from(error, "handshake", link.where)
        return False
    if milestones is not None:
        milestones.reach(milestones.handshake)
    began = now()
    doing.stage, doing.since, doing.limit = "ticket", began, task.ticket_wait
    wanted = task.want_tickets if link.speaks_tls13 else 0
    in_silence = bool(wanted and task.send and task.send_after)
    if in_silence:
        await link.tickets(wanted, _silence(task, link))
    early = link.early_data_accepted
    asked = bool(task.send) and (not in_silence or task.want_response or not link.got_tickets)
    if asked and not early:
        await link.ask(task.send)
    end = began + task.ticket_wait
    patience = min(_RESPONSE_WAIT, timeout * _RESPONSE_SHARE)
    if (asked or early) and task.want_response and await link.response(patience):
        # What a server sends with its answer is here now, or about to come.
        end = min(end, now() + _AFTER_RESPONSE)
    if wanted and not link.got_tickets:
        await link.tickets(wanted, min(_QUIET, max(0.0, end - now())))
    if wanted and not link.got_tickets and link.failure is None:
        if milestones is not None:
            milestones.reach(milestones.quiet)
        await link.tickets(wanted, max(0.0, end - now()))
    return True


def _silence(task: Task, link: NetworkLink) -> float:
    """Seconds to wait before data is sent: a ticket of the server's own accord needs the way
    there and back, for which the handshake took at least as long."""
    there_and_back = 2 * (link.handshake_ms or 0.0) / 1000
    return min(max(task.send_after, min(there_and_back, task.ticket_wait / 2)), task.ticket_wait)
