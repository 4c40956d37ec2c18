"""FTPS data connections in the first screen of `probe`: the questions an FTP user has."""

from __future__ import annotations

from tlsresume.formats.page import BAD, FAIR, GOOD, Page
from tlsresume.results.measured import AddressResult, FTPData, Series
from tlsresume.units import count

_VERSIONS = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


def put_address(page: Page, address: AddressResult) -> None:
    """A paragraph for each TLS version: which data connections resumed, and must they."""
    for row in address.ftp_data:
        label = f"  FTPS data, {_VERSIONS.get(row.tls_version, row.tls_version)}: "
        parts = [
            _series("fresh ticket each time", row.fresh, row.fresh_failure),
            _series("same ticket", row.same, row.same_failure),
        ]
        if nothing_to_offer(row):
            parts = ["the server gives no session to offer"]
        page.prose("; ".join(parts), first=label, style=_style(row))
        page.prose(_demand(row), first=" " * len(label))


def nothing_to_offer(row: FTPData) -> bool:
    """Whether only a data connection without a session was tried."""
    return row.required is not None and not row.fresh.order and not row.same.order


def _series(what: str, series: Series, failure: int | None) -> str:
    tried = len(series.order)
    if not tried:
        return f"{what}: not tried"
    text = f"{what}: {series.order.count('R')} of {count(tried, 'data connection')} resumed"
    return text if failure is None else f"{text}, number {failure} is the first that fails"


def _demand(row: FTPData) -> str:
    tickets = f"{count(row.tickets, 'ticket')} on a control connection"
    refused = "it is refused" + (f": {row.replies[-1]}" if row.replies else "")
    if nothing_to_offer(row):
        return f"without one {refused if row.required else 'a listing works'}"
    if row.required is None:
        return tickets
    return f"without a session {refused if row.required else 'a listing works, too'}; {tickets}"


def _style(row: FTPData) -> str:
    if nothing_to_offer(row):
        return BAD if row.required else FAIR
    if row.fresh_failure is None:
        return GOOD if row.same_failure is None else FAIR
    return BAD if row.fresh_failure == 1 else FAIR
