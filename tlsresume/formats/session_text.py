"""What `save` and `resume` tell people.

The first line of a resume reads as in `openssl s_client`: `Reused, TLSv1.3, ...` or
`New, TLSv1.3, ...`. Below it stands what OpenSSL says beside what the wire
says; where the two differ, that is loud. A resumed connection verified nothing,
so nothing here calls its certificate verified.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from tlsresume.errors import ExitStatus
from tlsresume.evidence.early_data_summary import REASONS
from tlsresume.findings.judge import merge
from tlsresume.formats.attempts import put_attempts
from tlsresume.formats.causes_text import ANSWER_ROWS, put_causes
from tlsresume.formats.certificates import certificate_words
from tlsresume.formats.findings import put_findings
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, View, pad
from tlsresume.formats.ticket_text import put_key_uses
from tlsresume.formats.trouble import put_error, put_hints, put_stack
from tlsresume.results.connection import Timings, Traffic
from tlsresume.results.judged import Finding
from tlsresume.results.measured import QUICResult
from tlsresume.results.report import ResumeResult, SaveResult
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.units import count, duration, milliseconds, short_key

_INDENT = 22

Facts = Iterator[tuple[str, str]]


#: Facts that a screen can do without, by when they are left out: those with a great number first.
_ASIDE = {
    name: weight
    for weight, names in {
        8: ("age_add", "SHA-256"),
        7: ("session ID", "timeout", "traffic"),
        6: ("verify result", "tickets received", "written by", "names", "group"),
        5: ("time", "SSL_set_session", "ext. master secret", "max early data"),
        4: ("pinned", "file", "looks like"),
        3: ("connection",),
        2: ("renewed", "certificate"),
    }.items()
    for name in names
}


def put_facts(page: Page, facts: Facts) -> None:
    """A column of names, and beside it what is known; nothing for what is empty."""
    for name, words in facts:
        if words:
            with page.aside(_ASIDE.get(name, 0)):
                page.prose(words, first=f"  {name}".ljust(_INDENT), style=FAINT)


def timing_words(timings: Timings) -> str:
    """Where the time went, step by step."""
    steps = (
        ("DNS", timings.dns),
        ("TCP", timings.connect),
        ("TLS", timings.handshake),
        ("first ticket after", timings.first_ticket),
    )
    return ", ".join(f"{name} {milliseconds(ms)}" for name, ms in steps if ms is not None)


def traffic_words(traffic: Traffic) -> str:
    """TLS bytes and flights."""
    if not traffic.sent and not traffic.received:
        return ""
    flights = count(traffic.flights, "flight")
    return f"{traffic.sent} bytes sent, {traffic.received} received, {flights}"


def _place(target: str, address: str | None, port: int | None) -> str:
    if address is None or port is None:
        return target
    peer = format_endpoint(address, port)
    return target if peer == target else f"{target} at {peer}"


# ------------------------------------------------------------------------ save


def render_save(result: SaveResult, view: View) -> str:
    """What was saved, and where; or why nothing was."""
    page = Page(view)
    place = _place(result.target, result.address, result.port)
    if result.error is not None:
        page.line(("Not saved", BAD), f": {place}")
        put_error(page, result.error)
        return page.render()
    if not result.saved:
        page.prose(result.reason or "no session came", first="Not saved: ", style=BAD)
        page.line(f"  {place}")
    else:
        for file in result.files:
            where = "to the standard output" if file == "-" else file
            page.line(("Saved ", GOOD), (where, STRONG))
        page.line(f"  {place}")
    for note in result.notes:
        page.prose(note, first="  ", text_style=FAINT)
    put_facts(page, _save_facts(result))
    put_hints(page, result.hints)
    for file in result.files[:1]:
        if file != "-":
            page.line((f"Next: tlsresume resume {shlex.quote(file)}", FAINT))
    return page.render()


def _save_facts(result: SaveResult) -> Facts:
    connection = (result.tls_version, result.cipher, result.alpn and f"ALPN {result.alpn}")
    yield "connection", ", ".join(part for part in connection if part)
    yield "mechanism", result.mechanism or ""
    ticket = [f"{result.tickets} received"] if result.tickets else []
    if result.lifetime is not None:
        ticket.append(f"lifetime {duration(result.lifetime)}")
    if result.key_name is not None:
        ticket.append(f"key name {short_key(result.key_name)}")
    yield "tickets", ", ".join(ticket)
    yield "certificate", certificate_words(result.certificate) if result.certificate else ""
    wanted = result.certificate_wanted
    yield "client certificate", f"asked for: {wanted}" if wanted else ""
    yield "time", timing_words(result.timings)
    yield "traffic", traffic_words(result.traffic)


# ---------------------------------------------------------------------- resume


def render_resume(result: ResumeResult, view: View) -> str:
    """What became of the session; with several addresses, one part for each."""
    page = Page(view)
    for number, each in enumerate(result.each_address or (result,)):
        # Of several addresses a list follows, which has the answer of each.
        with page.aside(2 if result.each_address else 0):
            if number:
                page.line()
            _put_resume(page, each, alone=not result.each_address)
    if result.each_address:
        _put_addresses(page, result.each_address)
        found = [finding for each in result.each_address for finding in each.findings]
        _put_found(page, merge(found or result.findings), place=True)
    told = any(each.findings for each in (result, *result.each_address))
    page.fit_screen(ANSWER_ROWS - 2, told=told)
    # What probe prints, which `inspect` does not need.
    from tlsresume.formats.text import put_last_line

    put_last_line(page, result)
    return page.render()


def _put_addresses(page: Page, results: tuple[ResumeResult, ...]) -> None:
    """Which addresses accept the session: what a deploy is asked."""
    page.line()
    reused = sum(bool(each.session_reused) for each in results)
    page.line((f"Reused on {reused} of {count(len(results), 'address')}", STRONG))
    wide = max(len(each.address or each.target) for each in results) + 2
    for each in results:
        word, style = _word(each)
        page.line("  ", pad(each.address or each.target, wide), (word, style))


def _put_resume(page: Page, result: ResumeResult, *, alone: bool) -> None:
    """One address; `alone`: findings are shown here, not for all addresses together."""
    page.line(*_first_line(result))
    page.line(f"  {_place(result.target, result.address, result.port)}")
    if result.disagreement is not None:
        page.prose(result.disagreement, first="CONTRADICTION: ", style=BAD)
    if result.reason is not None:
        page.prose(result.reason, first="Why: ", style=FAIR)
    for line in result.notes:
        page.prose(line, first="  ")
    with page.aside(0 if alone else 9):
        put_facts(page, _resume_facts(result))
    if result.error is not None:
        put_error(page, result.error)
    told = None if result.error is None else result.error.stack
    if result.error_stack is not None and result.error_stack != told:
        put_stack(page, result.error_stack)
    if result.error is not None:
        page.prose(_blame(result), text_style=STRONG)
    put_key_uses(page, result.ticket_keys)
    if alone:
        _put_found(page, result.findings, place=False)
    if page.view.verbose and result.address is not None and result.port is not None:
        page.line()
        put_attempts(page, result.attempts, result.address, result.port)


def _put_found(page: Page, findings: Sequence[Finding], *, place: bool) -> None:
    if page.view.verbose:
        put_findings(page, findings, place=place)
    else:
        put_causes(page, findings)


def _word(result: ResumeResult) -> tuple[str, str]:
    if result.session_reused is None:
        return ("Failed", BAD)
    return ("Reused", GOOD) if result.session_reused else ("New", FAIR)


def _first_line(result: ResumeResult) -> list[str | tuple[str, str]]:
    if result.session_reused is None:
        only = "and only when the session is offered"
        unknown = "no answer on whether the session is reused"
        return [_word(result), f", {only if result.fails_with_session else unknown}"]
    details = [result.tls_version or "", f"Cipher is {result.cipher}" if result.cipher else ""]
    return [_word(result), ", " + ", ".join(part for part in details if part)]


def _blame(result: ResumeResult) -> str:
    """Whether the session is to blame for a failure, and the exit status that says so."""
    status = ExitStatus.FAILS_WITH_SESSION if result.fails_with_session else ExitStatus.UNREACHABLE
    if result.fails_with_session:
        words = "The same handshake without the session succeeds: it fails only with the session"
    elif result.fails_with_session is False:
        words = "The same handshake fails without the session too: the session is not to blame"
    elif result.offered:
        words = "Whether it works without the session was not tried"
    else:
        words = "This connection did not offer the session, so it says nothing about it"
    return f"{words} (exit status {status:d})."


def _resume_facts(result: ResumeResult) -> Facts:
    library = "resumed (aioquic)" if result.transport == "quic" else "SSL_session_reused"
    yield library, "" if result.session_reused is None else str(int(result.session_reused))
    yield "on the wire", ", ".join(_wire_words(result))
    if result.set_session is not None:
        yield "SSL_set_session", str(result.set_session)
    yield "mechanism", result.mechanism or ""
    yield "session", _session_words(result)
    saved_as = None if result.session_version == result.tls_version else result.session_version
    names = (
        ("SNI", result.server_name),
        ("ALPN", result.alpn),
        ("group", result.group),
        ("the session is of", saved_as),
    )
    yield "connection", ", ".join(f"{name} {value}" for name, value in names if value)
    yield "QUIC", _quic_words(result.quic) if result.quic is not None else ""
    yield "pinned", ", ".join(result.pinned)
    if result.tries.offered + result.tries.failed > 1 or len(result.tries.order) > 1:
        tries = f"{result.tries.accepted} of {len(result.tries.order)} reused"
        yield "tries", f"{tries}, in order {result.tries.order}"
    yield "early data", _early_words(result)
    status = "" if result.http_status is None else str(result.http_status)
    if result.repeated_status is not None:
        status += f", after the handshake {result.repeated_status}"
    yield "HTTP status", status
    yield "certificate", _certificate_words(result)
    fresh = count(result.new_tickets, "new ticket") if result.new_tickets else ""
    if fresh and result.new_key_name is not None:
        fresh += f", key name {short_key(result.new_key_name, (result.key_name,))}"
        if result.key_name is not None and result.new_key_name != result.key_name:
            fresh += f" (the session's was {short_key(result.key_name, (result.new_key_name,))})"
    yield "renewed", fresh
    yield "stored in", result.updated_file or ""
    yield "time", timing_words(result.timings)
    yield "traffic", traffic_words(result.traffic)


def _quic_words(quic: QUICResult) -> str:
    version = "" if quic.version is None else f"version {quic.version}, "
    retry = "a Retry cost a round trip" if quic.retry else "no Retry"
    return f"{version}{retry}{', a token came' if quic.token_issued else ''}"


def _early_words(result: ResumeResult) -> str:
    if result.early_data == "not-sent":
        return ""
    if result.early_data_reason is None:
        return result.early_data
    words = f"{result.early_data}: {REASONS[result.early_data_reason]}"
    asked_for = result.early_data_reason == "hello-retry" and result.group
    return f"{words}: {result.group}" if asked_for else words


def _wire_words(result: ResumeResult) -> Iterator[str]:
    if result.offered is not None:
        yield "offered" if result.offered else "not offered"
    if result.accepted is not None and result.offered:
        yield "accepted" if result.accepted else "not accepted"
    if result.certificate_message is not None:
        yield "Certificate message" if result.certificate_message else "no Certificate message"
    if result.hello_retry:
        yield "HelloRetryRequest"


def _session_words(result: ResumeResult) -> str:
    words = []
    if result.session_age_s is not None:
        words.append(f"{duration(result.session_age_s)} old")
    if result.key_name is not None:
        words.append(f"key name {short_key(result.key_name)}")
    if result.file is not None:
        words.append(f"from {result.file}")
    return ", ".join(words)


def _certificate_words(result: ResumeResult) -> str:
    """Where the certificate is from; `verified` is never said of a resumed connection."""
    if result.session_reused is None:
        return ""
    found = result.verification
    if result.session_reused:
        words = "from the saved session, not sent by the server now; nothing was verified"
        stored = f" (stored result: {found.message}, code {found.code})" if found else ""
        return words + stored
    if found is None:
        return "sent by the server now"
    wrong = f"NOT verified: {found.message} (code {found.code})" if found.code else "verified"
    return f"sent by the server now, {wrong}"
