"""Parts of the HTML report: the address matrix, a finding, the list of attempts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import product

from tlsresume.diagnosis.certificates import faults
from tlsresume.formats.attempts import offer_words
from tlsresume.formats.findings import effect_words
from tlsresume.formats.printable import printable
from tlsresume.formats.units import count, duration, milliseconds, short_key, utc
from tlsresume.results import (
    MECHANISMS,
    AddressResult,
    Crossing,
    Finding,
    Mechanism,
    MechanismResult,
    Series,
    Severity,
    State,
)
from tlsresume.results.places import TRANSPORT_WORDS, named_place
from tlsresume.target import format_endpoint

STATE_CLASS: dict[State, str] = {
    "resumed": "good",
    "partly": "fair",
    "not-resumed": "bad",
    "not-issued": "fair",
    "untested": "none",
}
SEVERITY_CLASS: dict[Severity, str] = {"error": "bad", "warning": "fair", "info": "none"}
_NAMES: dict[Mechanism, str] = {
    "psk": "TLS 1.3 psk",
    "ticket": "TLS 1.2 ticket",
    "session-id": "TLS 1.2 session ID",
}


def _text(text: object) -> str:
    return escape(printable(str(text)), quote=True)


def _line(text: str, style: str = "cell small") -> str:
    return f'<span class="{style}">{_text(text)}</span>'


def matrix(addresses: Sequence[AddressResult]) -> Iterator[str]:
    """A row per address, a column per mechanism."""
    seen = {row.mechanism for address in addresses for row in address.mechanisms}
    columns = [mechanism for mechanism in MECHANISMS if mechanism in seen]
    heads = "".join(f"<th>{_NAMES[mechanism]}</th>" for mechanism in columns)
    yield f'<div class="scroll"><table><thead><tr><th>Address</th>{heads}<th>Certificate</th></tr></thead><tbody>'
    for address in addresses:
        rows = {row.mechanism: row for row in address.mechanisms}
        where = named_place(format_endpoint(address.address, address.port), address.transport)
        yield f'<tr><td><code class="whole">{_text(where)}</code></td>'
        if address.error is not None and not rows:
            error = f'<span class="badge bad">error</span> {_text(address.error.message)}'
            yield f'<td colspan="{len(columns) + 1}">{error}</td></tr>'
            continue
        for mechanism in columns:
            yield f"<td>{_cell(rows.get(mechanism))}</td>"
        yield f"<td>{_certificate(address)}</td></tr>"
    yield "</tbody></table></div>"


def _cell(row: MechanismResult | None) -> str:
    if row is None:
        return '<span class="soft small">not spoken</span>'
    style = STATE_CLASS[row.state] if row.judged else "none"
    lines = [f'<span class="badge {style}">{_text(row.state)}</span>']
    if row.fixed.order or row.chained.order:
        lines.append(_line(f"same session {_series(row.fixed)}"))
        lines.append(_line(f"fresh ones {_series(row.chained)}"))
    if row.reason:
        lines.append(_line(row.reason))
    lines += [_line(note, "cell small soft") for note in _notes(row)]
    return "".join(lines)


def _series(series: Series) -> str:
    if not series.order and not series.offered:
        return "-"
    mixed = f" {series.order[:24]}" if len(set(series.order)) > 1 else ""
    return f"{series.accepted}/{series.offered}{mixed}"


def _notes(row: MechanismResult) -> list[str]:
    notes = [] if row.judged else ["not judged"]
    tickets = row.tickets
    if tickets is not None and tickets.count:
        life = f", {duration(tickets.lifetime)}" if tickets.lifetime else ""
        notes.append(count(tickets.count, "ticket") + life)
        names = [key.key_name for key in tickets.key_names]
        notes += [
            f"key {short_key(key.key_name, names)} ({count(key.connections, 'connection')})"
            for key in tickets.key_names[:6]
        ]
        if tickets.stateful:
            notes.append("stateful")
        if tickets.max_early_data:
            notes.append(f"early data {tickets.max_early_data} bytes")
    return notes


def _certificate(address: AddressResult) -> str:
    found = address.certificate
    if found is None:
        return ""
    wrong = faults(found)
    good = not wrong
    badge = (
        '<span class="badge good">verified</span>'
        if good
        else '<span class="badge fair">not verified</span>'
    )
    why = "" if good else _line(wrong)
    return (
        badge
        + why
        + _line(found.subject or "(no subject)")
        + _line(f"until {utc(found.not_after)}")
    )


def finding(found: Finding) -> Iterator[str]:
    """A finding with its evidence."""
    where = ", ".join(part for part in (found.place, found.mechanism) if part)
    excuse = effect_words(found)
    style = "none" if excuse else SEVERITY_CLASS[found.severity]
    yield f'<div class="card {"info" if excuse else found.severity}">'
    yield (
        f'<p><span class="badge {style}">{found.severity}</span>'
        f" <strong>{_text(found.title)}</strong>"
        f' <code class="soft">{_text(found.code)}</code>{_text(f" ({where})" if where else "")}</p>'
    )
    if excuse:
        yield f'<p class="soft">{_text(excuse)}</p>'
    if found.cause:
        yield f"<p>{_text(found.cause)}</p>"
    if found.advice:
        yield f"<p><strong>Do:</strong> {_text(found.advice)}</p>"
    for label, lines in (
        ("Directives", found.directives),
        ("Seen", found.evidence),
        ("On the wire", found.details),
        ("Not known", found.not_known),
        ("Also possible", found.candidates),
    ):
        if lines:
            items = "".join(f"<li>{_text(line)}</li>" for line in lines)
            yield f'<p class="soft small">{label}</p><ul class="small">{items}</ul>'
    yield "</div>"


def attempts(address: AddressResult) -> Iterator[str]:
    """Every attempt on an address, folded."""
    if not address.attempts:
        return
    where = named_place(format_endpoint(address.address, address.port), address.transport)
    number = count(len(address.attempts), "attempt")
    yield f"<details><summary>{_text(f'{number} on {where}')}</summary>"
    yield (
        '<div class="scroll"><table><thead><tr><th class="number">#</th><th>Time (UTC)</th>'
        '<th class="number">Our port</th><th>Mechanism</th><th>Series</th><th>Session</th>'
        '<th>Key</th><th>Node</th><th class="number">Handshake</th><th>Error</th></tr></thead><tbody>'
    )
    for row in address.attempts:
        cells = (
            utc(row.time), row.local_port, row.mechanism, row.series, offer_words(row),
            short_key(row.key_name) if row.key_name else None, row.node,
            None if row.handshake_ms is None else milliseconds(row.handshake_ms), row.error,
        )  # fmt: skip
        inner = "".join(f"<td>{'' if cell is None else _text(cell)}</td>" for cell in cells)
        yield f'<tr><td class="number">{row.n}</td>{inner}</tr>'
    yield "</tbody></table></div></details>"


def crossings(found: Sequence[Crossing]) -> Iterator[str]:
    """Where sessions were issued, down, and where they were accepted, across."""
    for mechanism, transport in product(MECHANISMS, TRANSPORT_WORDS):
        for by in ("address", "node"):
            own = [
                each
                for each in found
                if (each.mechanism, each.by, each.transport) == (mechanism, by, transport)
            ]
            if own:
                over = "" if transport == "tcp" else f", {TRANSPORT_WORDS[transport]}"
                yield f"<h3>{_NAMES[mechanism]}{over}: issued by one {by} (rows), offered to another</h3>"
                yield from _crossing_table(own)


def _crossing_table(found: Sequence[Crossing]) -> Iterator[str]:
    rows = list(dict.fromkeys(each.issuing for each in found))
    columns = list(dict.fromkeys(each.accepting for each in found))
    cells = {(each.issuing, each.accepting): each for each in found}
    heads = "".join(f"<th><code>{_text(column)}</code></th>" for column in columns)
    yield f'<div class="scroll"><table><thead><tr><th></th>{heads}</tr></thead><tbody>'
    for row in rows:
        inner = "".join(f"<td>{_crossing(cells.get((row, column)))}</td>" for column in columns)
        yield f"<tr><th><code>{_text(row)}</code></th>{inner}</tr>"
    yield "</tbody></table></div>"


def _crossing(found: Crossing | None) -> str:
    if found is None or not found.offered:
        return '<span class="soft">-</span>'
    every, none = found.accepted == found.offered, not found.accepted
    style = "good" if every else "bad" if none else "fair"
    return f'<span class="badge {style}">{found.accepted}/{found.offered}</span>'
