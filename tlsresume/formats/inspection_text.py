"""What `inspect` tells people of a session file.

Times are told twice, as a date and as a distance, since one is for logs and the
other for heads.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.findings.ticket_keys import which
from tlsresume.formats.causes_text import ANSWER_ROWS, put_causes
from tlsresume.formats.findings import put_finding
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, View
from tlsresume.formats.session_text import Facts, put_facts
from tlsresume.formats.ticket_text import key_words, layout_words
from tlsresume.formats.trouble import put_error
from tlsresume.results.inspection import (
    CertificateInspection,
    Inspection,
    PartialInspection,
    TicketInspection,
)
from tlsresume.results.measured import ErrorResult
from tlsresume.units import count, duration, utc


def render_inspection(file: Inspection, view: View) -> str:
    """One session file, from the answer down to the details."""
    page = Page(view)
    place = _place(file.number, file.of)
    page.line((file.path, STRONG), f"{place}  {file.mechanism}, {_version(file)}, {file.cipher}")
    if file.unsupported is not None:
        page.prose(file.reason, text_style=BAD)
    else:
        word, style = ("Usable now", GOOD) if file.usable else ("Not usable now", BAD)
        page.prose(file.reason, first=f"{word}: ", style=style)
    for warning in file.warnings:
        page.prose(warning, first="warning: ", style=FAIR)
    put_facts(page, _session_facts(file))
    if file.ticket is not None:
        put_facts(page, _ticket_facts(file.ticket))
    put_facts(page, _origin_facts(file))
    if file.certificate is not None:
        put_facts(page, _certificate_facts(file.certificate))
    if page.view.verbose:
        for finding in file.findings:
            page.line()
            put_finding(page, finding)
    else:
        put_causes(page, file.findings)
    if file.ticket is not None and file.ticket.hex is not None:
        _put_dump(page, bytes.fromhex(file.ticket.hex))
    if file.master_key is not None:
        name = "PSK" if file.tls_version == "TLSv1.3" else "master secret"
        page.line((f"  {name}".ljust(22), BAD), file.master_key or "(none)")
    page.fit_screen(ANSWER_ROWS, told=bool(file.findings))
    return page.render()


def _version(file: Inspection) -> str:
    return f"QUIC, {file.tls_version}" if file.transport == "quic" else file.tls_version


def render_partial(part: PartialInspection, view: View) -> str:
    """What is known of a session that the file does not hold."""
    page = Page(view)
    facts = ", ".join(word for word in (part.tls_version, part.cipher) if word)
    place = _place(part.number, part.of)
    what = ", ".join(word for word in (_SOURCES[part.source], facts) if word)
    page.line((part.path, STRONG), f"{place}  {what}")
    page.prose(part.reason, first="Not usable now: ", style=BAD)
    put_facts(page, _partial_facts(part))
    if part.ticket is not None:
        put_facts(page, _ticket_facts(part.ticket))
        if part.ticket.hex is not None:
            _put_dump(page, bytes.fromhex(part.ticket.hex))
    return page.render()


#: What a file has instead of a session.
_SOURCES = {"printed": "printed by openssl", "ticket": "a ticket without its session"}


def _place(number: int | None, of: int | None) -> str:
    return "" if number is None else f" (session {number} of {of})"


def _partial_facts(part: PartialInspection) -> Facts:
    if part.created is not None and part.age is not None:
        yield "created", f"{part.created}, {_age(part.age)}"
    if part.lifetime is not None:
        yield "lifetime", f"{duration(part.lifetime)} (the ticket's lifetime hint)"
    if part.timeout is not None:
        yield "timeout", f"{duration(part.timeout)} (OpenSSL's own, for its caches)"
    yield "session ID", part.session_id or ""
    yield "session ID context", part.session_id_context or ""
    if part.max_early_data:
        yield "max early data", f"{part.max_early_data} bytes"
    if part.extended_master_secret is not None:
        yield "ext. master secret", "yes" if part.extended_master_secret else "no"


def render_unreadable(path: str, error: ErrorResult, view: View) -> str:
    """A file that holds no session, and why."""
    page = Page(view)
    page.line((path, STRONG), "  no session")
    put_error(page, error)
    return page.render()


def _session_facts(file: Inspection) -> Facts:
    yield "created", f"{file.created or 'unknown'}, {_age(file.age)}"
    if file.lifetime is None:
        yield "lifetime", "not stated by the server"
    elif file.time_left is not None:
        left = (
            f"{duration(file.time_left)} left"
            if file.time_left >= 0
            else f"over since {duration(-file.time_left)}"
        )
        yield "lifetime", f"{duration(file.lifetime)}, until {file.expires or 'unknown'}, {left}"
    if file.quic is None:
        yield "timeout", f"{duration(file.timeout)} (OpenSSL's own, for its caches)"
    yield "session ID", file.session_id
    if file.age_add is not None:
        yield "age_add", f"0x{file.age_add:08x}"
    if file.quic is not None:
        yield "early data", "allowed" if file.max_early_data else "none"
    else:
        yield "max early data", f"{file.max_early_data} bytes" if file.max_early_data else "none"
    if file.max_fragment_length is not None:
        yield "max fragment length", f"{file.max_fragment_length} bytes"
    if file.extended_master_secret is not None:
        yield "ext. master secret", "yes" if file.extended_master_secret else "no"


def _age(seconds: int) -> str:
    if seconds < 0:
        return f"{duration(-seconds)} in the future by this clock"
    return f"{duration(seconds)} ago"


def _ticket_facts(ticket: TicketInspection) -> Facts:
    kind = ", stateful (it names an entry of the server's cache)" if ticket.stateful else ""
    yield "ticket", f"{ticket.length} bytes{kind}"
    if ticket.key_name is None:
        yield "key name", f"not visible: {ticket.key_name_reason}"
    else:
        sure = "" if ticket.key_name_certain else "probably "
        yield "key name", f"{sure}{ticket.key_name} ({ticket.key_name_reason})"
    if not ticket.stateful:
        yield "looks like", layout_words(ticket.looks_like)
    if ticket.made_by is not None:
        yield "made by", which(ticket.made_by)
        if ticket.made_by.file is not None:
            for words in key_words(ticket.made_by):
                yield "", words


def _origin_facts(file: Inspection) -> Facts:
    metadata = file.metadata
    yield "target", metadata.target or ""
    place = [str(part) for part in (metadata.address, metadata.port) if part is not None]
    yield "address", " port ".join(place)
    yield "SNI", _both(metadata.sni, file.server_name)
    if file.quic is not None:
        version, length = file.quic.version, file.quic.token_length
        yield "QUIC version", "not known" if version is None else str(version)
        yield "token", f"{length} bytes, for address validation" if length else "none came"
    yield "ALPN", _both(metadata.alpn, file.alpn)
    yield "STARTTLS", metadata.starttls or ""
    yield "group", file.group or ""
    yield "verify result", f"{file.verify_message} (code {file.verify_code}), stored then"
    yield "saved", utc(metadata.saved or "")
    if metadata.tickets is not None:
        yield "tickets received", str(metadata.tickets)
    yield "written by", ", ".join(part for part in (metadata.tool, metadata.openssl) if part)
    mode = "" if file.mode is None else f", mode {file.mode}"
    found_in = f", in {' in '.join(reversed(file.wrapping))}" if file.wrapping else ""
    yield "file", f"{file.format}{found_in}{mode}"


def _both(sent: str | None, stored: str | None) -> str:
    """A name as it was sent and as the session stores it: once where they agree."""
    if sent == stored or stored is None or sent is None:
        return sent or stored or ""
    return f"{sent} sent, {stored} in the session"


def _certificate_facts(certificate: CertificateInspection) -> Facts:
    if certificate.subject is not None:
        yield "certificate", certificate.subject or "(no subject)"
    names = certificate.subject_alternative_names
    if len(names) > 8:
        yield "names", f"{', '.join(names[:8])} and {count(len(names) - 8, 'more', 'more')}"
    else:
        yield "names", ", ".join(names)
    over = ", EXPIRED" if certificate.expired else ""
    yield "valid until", f"{certificate.not_after}{over}" if certificate.not_after else ""
    yield "SHA-256", certificate.sha256
    yield "not readable", certificate.error or ""


def _put_dump(page: Page, data: bytes) -> None:
    page.line(("  ticket, in hex", FAINT))
    for line in _dump(data):
        page.line(f"    {line}")


def _dump(data: bytes) -> Iterator[str]:
    """Lines of 16 bytes with their offset, in hex and as ASCII."""
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        ascii_part = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        yield f"{at:04x}  {part.hex(' '):<47}  {ascii_part}"
