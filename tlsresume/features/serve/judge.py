"""Verdicts on clients, what expectations come to, and the exit status with its reason.

A client is judged from its second connection on, since the first has nothing to offer; the
worst judged client decides about a server, and the worst server about the run.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tlsresume.errors import ExitStatus
from tlsresume.features.serve.behaviours import Row, State
from tlsresume.features.serve.results import Outcome, ServerResult, Verdict
from tlsresume.features.serve.tally import Tally
from tlsresume.units import count

#: Of several clients or servers the first of these that occurred stands for all.
_WORST_FIRST: tuple[Outcome, ...] = ("wrong", "right", "too-few", "not-judged")
#: Of several verdicts the first of these that occurred stands for all.
_VERDICTS: tuple[Verdict, ...] = ("never-offers", "not-accepted", "partly", "resumes")


class Judgement(msgspec.Struct, frozen=True):
    """What an expectation came to, and why, in words."""

    outcome: Outcome
    why: str


def verdict_of(tally: Tally) -> Verdict:
    """What a client does, by its connections that could have offered a session."""
    chances = tally.could + tally.incapable
    if not chances:
        return "resumes" if tally.accepted else "untested"
    if not tally.could_offered:
        return "never-offers"
    if not tally.could_accepted:
        return "not-accepted"
    return "resumes" if tally.could_accepted == chances else "partly"


def judge(tally: Tally, state: State | None, *, asks_elsewhere: bool) -> Judgement:
    """Hold a client's connections to one server against what is expected of them.

    `asks_elsewhere`: it sends requests to other servers, or is not known not to.
    """
    if state is None:
        return Judgement("not-judged", "nothing was expected")
    if tally.unspoken_version and not tally.handshaken:
        return Judgement("not-judged", "the client does not speak this server's TLS version")
    match state:
        case "resumed":
            return _of_chances(tally, tally.could_accepted, "resume did")
        case "offered":
            return _of_chances(tally, tally.could_offered, "offer a session did")
        case "not-resumed":
            return _not_resumed(tally)
        case "connected":
            return _connected(tally)
        case "refused":
            return _refused(tally, asks_elsewhere=asks_elsewhere)


def _of_chances(tally: Tally, good: int, did: str) -> Judgement:
    chances = tally.could + tally.incapable
    if chances:
        return Judgement(
            "right" if good == chances else "wrong",
            f"{good} of {chances} that could {did}",
        )
    if tally.failed:
        return Judgement("wrong", f"{count(tally.failed, 'handshake')} failed")
    return Judgement("too-few", _too_few(tally))


def _not_resumed(tally: Tally) -> Judgement:
    if tally.accepted:
        return Judgement("wrong", f"{count(tally.accepted, 'connection')} resumed")
    if not tally.later_handshaken:
        return Judgement("too-few", _too_few(tally))
    return Judgement("right", f"none of {count(tally.connections, 'connection')} resumed")


def _connected(tally: Tally) -> Judgement:
    if tally.failed:
        return Judgement(
            "wrong", f"{tally.failed} of {count(tally.connections, 'handshake')} failed"
        )
    if not tally.later_handshaken:
        return Judgement("too-few", _too_few(tally))
    return Judgement("right", f"{count(tally.handshaken, 'connection')} made")


def _refused(tally: Tally, *, asks_elsewhere: bool) -> Judgement:
    # What asks nothing here, and asks elsewhere, verified after the handshake and left.
    later = tally.later_handshaken - (tally.later_silent if asks_elsewhere else 0)
    if later or tally.strict_arrived:
        number = count(max(later, tally.strict_arrived), "connection")
        return Judgement("wrong", f"{number} made, though nobody vouches for the certificate")
    refused = tally.connections - tally.handshaken + (tally.silent if asks_elsewhere else 0)
    if refused:
        return Judgement("right", f"the client refused {count(refused, 'connection')}")
    return Judgement("too-few", _too_few(tally))


def _too_few(tally: Tally) -> str:
    made = count(tally.connections, "connection")
    if tally.connections > 1:
        return f"{made}, of which none began after the client had got a session it can use here"
    return f"{made}: the first has nothing to offer"


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The one outcome that stands for several; too few to tell where there is none."""
    return next((each for each in _WORST_FIRST if each in outcomes), "too-few")


def overall_verdict(servers: Sequence[tuple[Row, ServerResult]]) -> Verdict:
    """The verdict of a run: the worst one where resumption is possible, else of all."""
    possible = [server for row, server in servers if row.right == "resumed"]
    for chosen in (possible, [server for _, server in servers]):
        found = {client.verdict for server in chosen for client in server.clients}
        for verdict in _VERDICTS:
            if verdict in found:
                return verdict
    return "untested"


class Decision(msgspec.Struct, frozen=True):
    """The exit status, the sentence that explains it, and what could be done."""

    status: ExitStatus
    why: str
    hints: tuple[str, ...] = ()


TWO_CONNECTIONS = (
    "make two connections one after the other: the second can offer what the first got"
)
SPEAK_HTTP3 = "the client came over TCP only: make it begin with HTTP/3, as curl --http3-only does"
MORE_TIME = "the time was up before the command had its turn everywhere: give --for more"


def decide(servers: Sequence[ServerResult], *, ran: bool) -> Decision:
    """The exit status of a run; `ran`: a command was run."""
    if not ran and all(server.expected is None for server in servers):
        return Decision(ExitStatus.OK, "nothing was expected")
    return (
        _not_measured(servers, ran=ran)
        or _not_as_expected(servers)
        or _not_known(servers, ran=ran)
        or Decision(ExitStatus.OK, "every judged client did as expected")
    )


def _not_measured(servers: Sequence[ServerResult], *, ran: bool) -> Decision | None:
    """The command fails where all should be well, or nobody came."""
    for server in servers:
        command = server.command
        if server.behaviour == "default" and command is not None and not command.succeeded:
            return Decision(ExitStatus.UNREACHABLE, f"the command {command.words()} in default")
    if any(server.connections for server in servers):
        return None
    hints = ("give the client {url}, and let it trust {cafile}",) if ran else ()
    return Decision(ExitStatus.UNREACHABLE, "no client connected", hints)


def _not_as_expected(servers: Sequence[ServerResult]) -> Decision | None:
    """A client did what it should not."""
    pairs = [(server, client) for server in servers for client in server.clients]
    for server, client in pairs:
        if client.outcome == "wrong":
            return Decision(
                ExitStatus.NOT_AS_ASKED,
                f"in {server.title}, {server.expected} expected: {client.why}",
            )
    for server, client in pairs:
        for finding in client.findings:
            if finding.severity == "error":
                return Decision(ExitStatus.NOT_AS_ASKED, f"in {server.title}: {finding.code}")
    return None


def _not_known(servers: Sequence[ServerResult], *, ran: bool) -> Decision | None:
    """Too little came to judge it."""
    few = [server for server in servers if server.outcome == "too-few"]
    if few:
        return Decision(
            ExitStatus.INCONCLUSIVE,
            f"too few connections to tell in {first_few([each.title for each in few])}",
            _what_is_missing(few, servers, ran=ran),
        )
    if not any(server.outcome == "right" for server in servers):
        return Decision(ExitStatus.INCONCLUSIVE, "no client could be judged")
    return None


def _what_is_missing(
    few: Sequence[ServerResult], servers: Sequence[ServerResult], *, ran: bool
) -> tuple[str, ...]:
    """What would make these servers tell more."""
    had_its_turn = {server.behaviour for server in servers if server.command is not None}
    came = {server.behaviour for server in servers if server.connections}
    missing = set()
    for server in few:
        if ran and server.behaviour not in had_its_turn:
            missing.add(MORE_TIME)
        elif server.transport == "quic" and not server.connections and server.behaviour in came:
            missing.add(SPEAK_HTTP3)
        else:
            missing.add(TWO_CONNECTIONS)
    return tuple(each for each in (TWO_CONNECTIONS, SPEAK_HTTP3, MORE_TIME) if each in missing)


def first_few(names: Sequence[str]) -> str:
    """Names in a sentence; of many the first three, and how many more."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
