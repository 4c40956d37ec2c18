"""CSV: a row for each mechanism on each address, written as each target is done.

The columns are fixed; later versions only add some at the end. An address that could not be
tested has one row without a mechanism, and so has a target of which no address was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsresume.formats.alone import each_alone
from tlsresume.formats.csv_cells import csv_row
from tlsresume.formats.page import View
from tlsresume.results.judged import Finding
from tlsresume.results.measured import AddressResult, MechanismResult
from tlsresume.results.report import Report, TargetResult
from tlsresume.value import Value

_GRAVITY = {"error": 0, "warning": 1, "info": 2}


class _Place(Value, frozen=True):
    """What a row speaks of; `report` is of its one target."""

    report: Report
    target: TargetResult
    address: AddressResult | None
    row: MechanismResult | None


class Column(Value, frozen=True):
    """A column: what it says, for the documentation, and its value."""

    about: str
    value: Callable[[_Place], object]


def _transport(place: _Place) -> object:
    return None if place.address is None else place.address.transport


def _state(place: _Place) -> object:
    if place.row is not None:
        return place.row.state
    return "untested"


def _key_names(place: _Place) -> object:
    tickets = None if place.row is None else place.row.tickets
    if tickets is None:
        return None
    return " ".join(key.key_name for key in tickets.key_names) or tickets.key_name


def _why(place: _Place) -> object:
    if place.row is None and place.address is not None and place.address.error is not None:
        return place.address.error.message
    return place.report.why


def _codes(place: _Place) -> str:
    own = [finding for finding in place.target.findings if _speaks_of(finding, place)]
    own.sort(key=lambda finding: _GRAVITY.get(finding.severity, 0))
    return " ".join(dict.fromkeys(finding.code for finding in own))


def _speaks_of(finding: Finding, place: _Place) -> bool:
    """Whether a finding is about the address, its transport and the mechanism of a row."""
    address, row = place.address, place.row
    here = (
        address is None
        or not finding.every_address
        or (address.address in finding.every_address and address.transport == finding.transport)
    )
    mechanisms = finding.every_mechanism
    return here and (row is None or not mechanisms or row.mechanism in mechanisms)


COLUMNS: dict[str, Column] = {
    "target": Column("the target, HOST:PORT", lambda place: place.target.target),
    "transport": Column("tcp, quic or dtls", _transport),
    "address": Column("the address", lambda place: place.address and place.address.address),
    "mechanism": Column(
        "psk, ticket or session-id; empty where none could be tested",
        lambda place: place.row and place.row.mechanism,
    ),
    "verdict": Column(
        "of the target: resumes, partly, does-not-resume or untested",
        lambda place: place.target.verdict,
    ),
    "state": Column(
        "of the mechanism on the address: resumed, partly, not-resumed, not-issued or untested",
        _state,
    ),
    "offered": Column(
        "how many sessions were offered",
        lambda place: place.row and place.row.fixed.offered + place.row.chained.offered,
    ),
    "accepted": Column(
        "how many of them were resumed",
        lambda place: place.row and place.row.fixed.accepted + place.row.chained.accepted,
    ),
    "lifetime": Column(
        "seconds, as the tickets state",
        lambda place: place.row and place.row.tickets and place.row.tickets.lifetime,
    ),
    "key_name": Column("names of ticket keys, hexadecimal, set apart by spaces", _key_names),
    "exit_status": Column(
        "what the target alone calls for", lambda place: place.report.exit_status
    ),
    "why": Column(
        "the reason for the exit status; of an address that could not be tested, its error", _why
    ),
    "codes": Column(
        "codes of the findings on the mechanism and address, gravest first, set apart by spaces",
        _codes,
    ),
    "started": Column(
        "when the probe of the target began, UTC, ISO 8601", lambda place: place.target.started
    ),
}  # fmt: skip


def head() -> str:
    """The row of column names, with which the output begins."""
    return csv_row(COLUMNS)


def render(report: Report, _view: View) -> str:
    """The rows of each target of a report, without the head."""
    return "".join(
        csv_row(column.value(place) for column in COLUMNS.values())
        for alone in each_alone(report)
        for place in _places(alone)
    )


def _places(report: Report) -> Iterator[_Place]:
    (target,) = report.targets
    if not target.addresses:
        yield _Place(report, target, None, None)
    for address in target.addresses:
        for row in address.mechanisms:
            yield _Place(report, target, address, row)
        if not address.mechanisms:
            yield _Place(report, target, address, None)
