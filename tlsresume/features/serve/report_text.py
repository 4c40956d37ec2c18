"""The report of `serve` for people: a line for each client and behaviour, findings, and the
verdict in the last line; and the line for each connection as it ends.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tlsresume.errors import ExitStatus
from tlsresume.features.serve.judge import first_few
from tlsresume.features.serve.ledger import Seen
from tlsresume.features.serve.results import (
    ClientResult,
    Outcome,
    ServeReport,
    ServerResult,
    Verdict,
)
from tlsresume.formats.findings import SEVERITY_STYLE, put_finding
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, UNSURE, Page, View, pad
from tlsresume.results.judged import Finding
from tlsresume.units import count

_VERDICT_STYLE: dict[Verdict, str] = {
    "resumes": GOOD,
    "partly": FAIR,
    "never-offers": BAD,
    "not-accepted": FAIR,
    "untested": UNSURE,
}
#: Before each line: as expected, not as expected, too few connections to tell, not judged.
_OUTCOME: dict[Outcome, tuple[str, str]] = {
    "right": ("ok  ", GOOD),
    "wrong": ("NOT ", BAD),
    "too-few": ("?   ", UNSURE),
    "not-judged": ("    ", FAINT),
}
#: The columns after the client, and their heads.
_HEADS = " conn could offer accept  verdict"
_NUMBERS, _VERDICT = 26, 12
_LEAST_NAME, _MOST_NAME = 12, 40


def render_serve(report: ServeReport, view: View) -> str:
    """The whole report."""
    page = Page(view)
    wide = max(9, *(len(server.title) for server in report.servers)) + 1
    room = view.width - 4 - wide - _NUMBERS - _VERDICT
    names = [client.label or client.client for each in report.servers for client in each.clients]
    name_width = max(_LEAST_NAME, min(_MOST_NAME, room, max(map(len, names), default=0)))
    page.line((f"    {pad('behaviour', wide)}{pad('client', name_width)}{_HEADS}", FAINT))
    came_over_quic = {
        each.behaviour for each in report.servers if each.transport != "tcp" and each.clients
    }
    for server in report.servers:
        nobody = not server.clients and not server.others and server.transport == "tcp"
        if not (nobody and server.behaviour in came_over_quic):
            _put_server(page, server, wide, name_width)
    for left_out in report.not_served:
        page.line((f"    {left_out.words()}", FAINT))
    for each in folded(report):
        if page.view.verbose or each.finding.severity != "info":
            page.line()
            _put_folded(page, each, several=len(report.servers) > 1)
    _put_kept_short(page, report)
    page.line()
    for hint in report.hints:
        page.prose(hint, first="hint: ", style=STRONG)
    _put_last(page, report)
    return page.render()


def _put_server(page: Page, server: ServerResult, width: int, name_width: int) -> None:
    if not server.clients:
        words = "no client" if not server.others else f"no TLS in {server.others} connections"
        mark, style = _OUTCOME[server.outcome]
        page.line((mark, style), pad(server.title, width), (words, UNSURE))
    for number, client in enumerate(server.clients):
        name = (client.label or client.client)[:name_width]
        mark, style = _OUTCOME[client.outcome]
        page.line(
            (mark, style),
            pad("" if number else server.title, width),
            pad(name, name_width),
            f"{client.connections:>5}{client.could_offer:>6}{client.offered:>6}"
            f"{client.accepted:>7}  ",
            (client.verdict, _VERDICT_STYLE[client.verdict]),
        )
        if page.view.verbose:
            for line in details(client):
                page.prose(line, first=" " * 6, text_style=FAINT)
    command = server.command
    if command is not None and not command.succeeded and server.expected != "refused":
        page.prose(f"the command {command.words()}", first=" " * 6, text_style=BAD)
        for line in command.output[-3:]:
            page.line(" " * 6, (f"| {line}", FAINT))


def details(client: ClientResult) -> list[str]:
    """What else is known of a client, a line for each kind."""
    lines = [f"{client.client} from {client.address}: {client.why}"]
    used = [
        f"{name} {each.accepted}/{each.offered}"
        for name, each in client.mechanisms.items()
        if each.offered
    ]
    if used:
        lines.append(f"accepted of offered: {', '.join(used)}")
    if client.unknown:
        lines.append(f"{count(client.unknown, 'session')} from before this run")
    versions = ", ".join(f"{name} {number}" for name, number in client.versions.items())
    if versions:
        lines.append(f"handshakes: {versions}")
    if client.age is not None:
        text = f"age of what was offered: {client.age.least:.1f} to {client.age.most:.1f} s"
        if client.claimed_age is not None:
            claimed = client.claimed_age
            text += f", as claimed {claimed.least:.1f} to {claimed.most:.1f} s"
        lines.append(f"{text}; used {count(client.most_uses, 'time')} at most")
    if client.names or client.ports:
        lines.append(
            f"offered under {', '.join(client.names) or 'no name'}, from"
            f" {count(len(client.ports), 'port')}"
        )
    if client.data is not None:
        lines.append(
            f"of {count(client.data.connections, 'data connection')}, {client.data.own} offered the"
            f" control connection's session; {client.data.accepted} resumed"
        )
    if client.early_data.offered:
        early = client.early_data
        lines.append(f"early data: accepted {early.accepted} of {early.offered}")
    closed = ", ".join(f"{how} {number}" for how, number in client.closed.items())
    if closed:
        lines.append(f"closed by: {closed}")
    if client.tickets_waited_for or client.left_before_ticket:
        lines.append(
            f"was there when the TLS 1.3 ticket left: {client.tickets_waited_for} of"
            f" {client.tickets_waited_for + client.left_before_ticket}"
        )
    return lines


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about one client, and the behaviours in which it was made."""

    finding: Finding
    client: str
    behaviours: tuple[str, ...]


def folded(report: ServeReport) -> list[Folded]:
    """The findings of a report; those that a client has in several behaviours once, with what
    was seen in the first. The gravest first."""
    found: dict[tuple[str, str], Folded] = {}
    for server in report.servers:
        for client in server.clients:
            for finding in client.findings:
                key = (client.client, finding.code)
                before = found.get(key)
                found[key] = Folded(
                    finding=finding if before is None else before.finding,
                    client=client.label or client.client,
                    behaviours=(*(before.behaviours if before else ()), server.title),
                )
    order = list(SEVERITY_STYLE)
    return sorted(found.values(), key=lambda each: order.index(each.finding.severity))


def _put_folded(page: Page, each: Folded, *, several: bool) -> None:
    where = f"{each.client}, in {first_few(each.behaviours)}" if several else each.client
    put_finding(page, replace(each.finding, address=where))


def _put_kept_short(page: Page, report: ServeReport) -> None:
    """What bears on nothing, in a line."""
    if page.view.verbose:
        return
    codes = {each.finding.code for each in folded(report) if each.finding.severity == "info"}
    if codes:
        page.line()
        page.prose(f"{', '.join(sorted(codes))} (-v shows more)", first="info ", style=STRONG)


def _put_last(page: Page, report: ServeReport) -> None:
    status = ExitStatus(report.exit_status)
    if report.why == "nothing was expected":
        page.line(("verdict: ", STRONG), (report.verdict, _VERDICT_STYLE[report.verdict]))
    elif status is ExitStatus.OK:
        page.line(("OK: ", GOOD), report.why)
    elif status is ExitStatus.INCONCLUSIVE:
        page.line((f"UNKNOWN (exit {int(status)}): ", UNSURE), report.why)
    else:
        page.line((f"FAIL (exit {int(status)}): ", BAD), report.why)


def seen_line(seen: Seen) -> str:
    """One connection that ended, in a line."""
    name = seen.label or seen.client
    if not seen.handshaken:
        how = f"handshake failed: {seen.error}" if seen.error else "left during the handshake"
    elif seen.offered is None:
        how = f"{seen.version}, full handshake, offered nothing"
    else:
        age = "" if seen.age is None else f" of {seen.age:.1f} s"
        became = "resumed" if seen.accepted else "not accepted"
        how = f"{seen.version}, {seen.offered}{age}: {became}"
    return f"{seen.place} #{seen.number} {name}: {how}"
