"""The report for people: a table of servers, what was found, and the line that decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.errors import ExitStatus
from tlsresume.evidence.observation import PartWord
from tlsresume.features.capture.report import (
    CaptureFinding,
    CaptureReport,
    Client,
    Interval,
    ServerReport,
    Software,
)
from tlsresume.formats.findings import SEVERITY_STYLE, put_finding
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, Tone, View, cells, pad
from tlsresume.formats.printable import printable
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.units import count, duration, short_key

#: Servers whose details are shown without being asked for.
_FEW = 2
#: Rows of a list without -v.
_ROWS, _SERVERS = 5, 12
_BARS = "▁▂▃▄▅▆▇█"
_SPARK = 16
_GOOD, _FAIR = 0.8, 0.4
_STYLES: dict[Tone, str] = {"none": FAINT, "good": GOOD, "fair": FAIR, "bad": BAD}
_LEAST_NAME = 20
_COUNTS = 56
#: What shows tickets of TLS 1.3 over TCP.
_OPENED_BY = " (--keylogfile shows them)"


def render(report: CaptureReport, view: View) -> str:
    """The report; details of each server with a verbose view, or where there are few."""
    page = Page(view)
    _head(page, report)
    shown = report.servers if view.verbose else report.servers[:_SERVERS]
    if shown:
        page.line()
        _table(page, shown)
        rest = report.servers_total - len(shown)
        if rest:
            page.line((f"and {count(rest, 'more server')}", FAINT))
    detailed = view.verbose or len(report.servers) <= _FEW
    told: set[str] = set()
    for server in report.servers:
        if detailed:
            _details(page, server)
        for found in server.findings:
            page.line()
            _finding(page, server, found, told=told, several=len(report.servers) > 1)
    if view.verbose and report.servers:
        page.line()
        page.prose(
            f"{count(len(report.not_visible), 'check')} of `tlsresume probe`, which makes connections"
            " of its own; the JSON lists them",
            first="not visible in packets: ",
            style=FAINT,
        )
    for note in report.notes:
        page.line()
        page.prose(note, first="note: ", style=FAIR)
    page.line()
    _last(page, report)
    return page.render()


def _head(page: Page, report: CaptureReport) -> None:
    packets = sum(file.packets for file in report.files)
    files = "" if len(report.files) == 1 else f" in {count(len(report.files), 'file')}"
    page.line(
        (f"{count(report.connections, 'TLS connection')}", STRONG),
        f", {count(report.handshakes, 'handshake')}, {count(packets, 'packet')}{files}",
    )
    if report.first is not None and report.last is not None:
        page.line((f"{short_time(report.first)} to {short_time(report.last)}", FAINT))


def short_time(time: str) -> str:
    """A time without its fraction."""
    return time.partition(".")[0] + "Z"


def percent(rate: float | None) -> str:
    """A rate for people; "-" where there is none. Only all is 100 %."""
    if rate is None:
        return "-"
    shown = round(rate * 100)
    return f"{99 if shown == 100 and rate < 1 else shown} %"


def sparkline(rates: Sequence[Interval], width: int = _SPARK) -> str:
    """The share of resumed handshakes over time, oldest first; a dot where there were none.

    Neighbours are put together where there are more intervals than room.
    """
    every = -(-len(rates) // width)
    line = ""
    for at in range(0, len(rates), max(1, every)):
        some = rates[at : at + every]
        handshakes = sum(each.handshakes for each in some)
        accepted = sum(each.accepted for each in some)
        level = accepted * len(_BARS) // handshakes if handshakes else 0
        line += _BARS[min(len(_BARS) - 1, level)] if handshakes else "."
    return line


def grade(rate: float | None) -> Tone:
    """How good a rate of acceptance is."""
    if rate is None:
        return "none"
    return "good" if rate >= _GOOD else "fair" if rate >= _FAIR else "bad"


def name_of(server: ServerReport) -> str:
    """The server, with its transport where that is not TCP."""
    return server.server + (" (QUIC)" if server.transport == "quic" else "")


def _table(page: Page, servers: Sequence[ServerReport]) -> None:
    widest = max(cells(printable(name_of(server))) for server in servers)
    room = max(_LEAST_NAME, page.view.width - _COUNTS - _SPARK)
    width = min(max(widest, 6), room)
    page.line((
        f"{'server':<{width}}  connections  offered  accepted  acceptance  resumed  over time",
        FAINT,
    ))  # fmt: skip
    for server in servers:
        name = printable(name_of(server))
        if cells(name) > width:
            page.line(name)
            name = ""
        page.line(
            pad(name, width),
            f"  {server.connections:>11}  {server.offered:>7}  {server.accepted:>8}  ",
            (f"{percent(server.acceptance_rate):>10}", _STYLES[grade(server.acceptance_rate)]),
            f"  {percent(server.resumption_rate):>7}  ",
            sparkline(server.rates, max(4, min(_SPARK, page.view.width - width - _COUNTS))),
        )


# --------------------------------------------------------------------- details


def _details(page: Page, server: ServerReport) -> None:
    page.line()
    page.line((name_of(server), STRONG))
    for lead, text in _facts(server):
        page.prose(text, first=pad(f"  {lead}", 14), style=FAINT)
    verbose = page.view.verbose
    clients = [f"{each.client}: {_counts(each)}" for each in server.clients]
    programs = [f"{each.software}: {_counts(each)}" for each in server.by_software]
    _rows(page, "clients, worst first", clients, server.clients_total, verbose=verbose)
    _rows(page, "client programs", programs, server.by_software_total, verbose=verbose)
    _rows(page, "ticket key names", _keys(server), server.key_names_total, verbose=verbose)
    _rows(page, "your ticket keys", _own_keys(server), len(server.ticket_keys), verbose=verbose)
    unseen = _not_visible(server) if verbose else []
    if unseen:
        page.line(("  not visible", FAINT))
    for line in unseen:
        page.prose(line, first="    ")
    if server.tickets_not_opened:
        page.line(f"    {count(server.tickets_not_opened, 'ticket')} opened by none of your keys")


def _facts(server: ServerReport) -> Iterator[tuple[str, str]]:
    if server.sni is not None and server.addresses:
        more = server.addresses_total - len(server.addresses[:3])
        yield "addresses", ", ".join(server.addresses[:3]) + (f" and {more} more" if more else "")
    versions = ", ".join(f"{name} {number}" for name, number in server.tls_versions.items())
    if versions:
        yield "versions", versions
    for row in server.mechanisms:
        unknown = f", {row.unknown} without a visible answer" if row.unknown else ""
        yield row.mechanism, f"{row.accepted} of {row.offered} offers accepted{unknown}"
    if server.ticket_lifetimes:
        lifetimes = ", ".join(
            duration(each) if each else "not said" for each in server.ticket_lifetimes
        )
        yield "lifetimes", lifetimes
    early = server.early_data
    if early.offered:
        yield (
            "early data",
            f"{early.offered} offered, {early.accepted} accepted, {early.rejected} rejected, as far as seen",
        )
    for lead, number, what in (
        ("ext. PSK", server.external_psk, "connection"),
        ("ECH", server.encrypted_hello, "connection"),
        ("unknown", server.unknown, "handshake"),
    ):
        if number:
            yield lead, count(number, what)


def _counts(each: Client | Software) -> str:
    offers = f"{each.accepted} of {each.offered} offers accepted" if each.offered else "no offer"
    return f"{count(each.connections, 'connection')}, {offers}"


def _keys(server: ServerReport) -> list[str]:
    names = [each.name for each in server.key_names]
    return [
        f"{short_key(each.name, names)}: {each.issued} issued, {each.accepted} of {each.offered}"
        f" offers accepted, {short_time(each.first)} to {short_time(each.last)}"
        for each in server.key_names
    ]


def _own_keys(server: ServerReport) -> list[str]:
    return [
        f"{each.file} key {each.key} ({each.role}): {each.issued} issued, {each.accepted} of"
        f" {each.offered} offers accepted"
        + (f", {each.wrong_mac} with another MAC" if each.wrong_mac else "")
        for each in server.ticket_keys
    ]


def _not_visible(server: ServerReport) -> list[str]:
    """The checks that were not asked, by what was not visible."""
    codes: dict[tuple[tuple[Mechanism, ...], tuple[PartWord, ...]], list[str]] = {}
    for each in server.not_visible:
        codes.setdefault((each.mechanisms, each.parts), []).append(each.code)
    return [
        f"{' and '.join(parts)} of {', '.join(mechanisms)}"
        f"{_OPENED_BY if server.transport == 'tcp' and 'psk' in mechanisms else ''}, for"
        f" {', '.join(names)}"
        for (mechanisms, parts), names in codes.items()
    ]


def _rows(page: Page, title: str, rows: Sequence[str], total: int, *, verbose: bool) -> None:
    if not rows:
        return
    page.line((f"  {title}", FAINT))
    shown = rows if verbose else rows[:_ROWS]
    for row in shown:
        page.prose(row, first="    ")
    if total > len(shown):
        page.line((f"    and {total - len(shown)} more", FAINT))


# -------------------------------------------------------------------- findings


def as_finding(server: ServerReport, found: CaptureFinding, *, clients: bool) -> Finding:
    """A finding as the other formats print them; with `clients` their addresses."""
    evidence = list(found.evidence)
    if clients and found.clients:
        evidence.append("clients: " + ", ".join(found.clients))
    if found.packets:
        evidence.append("see " + "; ".join(found.packets))
    return Finding(
        code=found.code,
        severity=found.severity,
        title=found.title,
        cause=found.cause,
        advice=found.advice,
        address=name_of(server),
        mechanism=found.mechanism,
        evidence=tuple(evidence),
        directives=found.directives,
        not_known=found.not_known,
    )


def _finding(
    page: Page, server: ServerReport, found: CaptureFinding, *, told: set[str], several: bool
) -> None:
    """A finding; what to do is told once, and with a verbose page each time."""
    whole = as_finding(server, found, clients=True)
    if page.view.verbose or found.code not in told:
        told.add(found.code)
        put_finding(page, whole, place=several)
        return
    page.prose(
        f"{found.code} on {whole.address} too",
        first=f"{found.severity} ",
        style=SEVERITY_STYLE[found.severity],
    )
    for number, line in enumerate(whole.evidence):
        page.prose(line, first="         " if number else "  seen:  ")


def _last(page: Page, report: CaptureReport) -> None:
    for server in report.servers:
        for demand in server.demands:
            if demand.outcome != "met" or page.view.verbose:
                styles = {"broken": BAD, "too-few": FAIR, "waived": FAINT, "met": GOOD}
                page.prose(
                    f"{name_of(server)}: {demand.demand}: {demand.message}",
                    first=f"{demand.outcome} ",
                    style=styles[demand.outcome],
                )
    status = ExitStatus(report.exit_status)
    lead, style = "OK", GOOD
    if status is not ExitStatus.OK:
        word = "FAIL" if status is ExitStatus.NOT_AS_ASKED else "UNKNOWN"
        zero = ", 0 by --exit-zero" if report.exit_zero else ""
        lead, style = f"{word} (exit {int(status)}{zero})", BAD
    page.prose(report.why, first=f"{lead}: ", style=style)


def live(report: CaptureReport, view: View, servers: int) -> str:
    """What is known so far, while packets still come: the head and the table."""
    page = Page(view)
    _head(page, report)
    if report.servers:
        page.line()
        _table(page, report.servers[:servers])
    page.line()
    page.line(("Ctrl-C ends it with the whole report.", FAINT))
    return page.render()
