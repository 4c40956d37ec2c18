"""Checks of FTPS data connections (group W)."""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import FTPData
from tlsresume.evidence.trial import Trial
from tlsresume.features.ftps.summary import first_failure, listed, replies, sound
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import exchange
from tlsresume.units import connections

_FTPS = (
    "RFC 4217 section 15.2 (two ways to protect the data connection from theft)",
    "python/cpython#63699",
)


def _of_control(view: View) -> tuple[Trial, ...]:
    """Data connections that were offered a session of the control connection itself."""
    return (*view.made(FTPData.FRESH)[:1], *view.made(FTPData.SAME))


def _issued(view: View) -> bool:
    """Whether a control connection brought a session."""
    return any(a.sessions for a in view.made(FTPData.CONTROL))


def _shown(view: View, *attempts: Trial) -> tuple[str, ...]:
    """What was offered and got, and the server's reply on the control connection."""
    return tuple(f"{exchange(view, a)}; control connection: {a.reply}" for a in attempts)


def _in_words(attempts: tuple[Trial, ...], what: str) -> str:
    good = sum(sound(a) for a in attempts)
    return f"{what}: {good} of {connections(len(attempts))} resumed and listed"


@rule(
    "ftp-reuse-required",
    "W",
    "info",
    needs=CONTROLLED | Part.ANSWER,
    cause="The server requires the FTPS data connection to resume the control connection's TLS"
    " session. It did when tlsresume offered it.",
    advice="If your client fails where tlsresume succeeds, the client is at fault: it does not"
    " offer the control connection's session on the data connection. Python's ftplib does not"
    " (python/cpython#63699); use a library that does. Switching the check off removes the"
    " protection against theft of data connections.",
    settings=set_in(
        vsftpd="require_ssl_reuse=NO (removes a protection)",
        proftpd="TLSOptions NoSessionReuseRequired (removes a protection)",
    ),
    sources=(*_FTPS, "proftpd/proftpd#2018", "curl/curl#3002"),
)
def ftp_reuse_required(view: View) -> Match | None:
    """FTPS data connections must resume the control connection's session.

    A listing without a session is refused (522, 425, or the data connection is closed), with
    the control connection's session it succeeds.
    """
    offered, none = _of_control(view), view.made(FTPData.NONE)
    if not none or listed(none[0]) or not any(sound(a) for a in offered):
        return None
    return Match(
        seen=(
            f"without a session: {none[0].reply}",
            _in_words(offered, "with the control connection's session"),
        ),
        evidence=_shown(view, none[0], next(a for a in offered if sound(a))),
    )


@rule(
    "ftp-reuse-fails",
    "W",
    "error",
    needs=CONTROLLED | Part.SECRET | Part.ANSWER,
    cause="The server refuses FTPS data connections, also those that offer the control"
    " connection's session as it is meant; or it gives no session that could be offered.",
    advice="No client can transfer files as it is. Look at the server's words below; where it"
    " demands resumption, give it a session cache or tickets that outlast one login.",
    settings=set_in(vsftpd="require_ssl_reuse", proftpd="TLSSessionCache, TLSSessionTickets"),
    sources=(*_FTPS, "proftpd/proftpd#1931"),
)
def ftp_reuse_fails(view: View) -> Match | None:
    """FTPS data connections fail, with a session and without.

    A listing fails without a session, and with the control connection's session too, where
    it has one.
    """
    offered, none = _of_control(view), view.made(FTPData.NONE)
    tried = (*offered, *none)
    if not tried or any(listed(a) for a in tried) or (not offered and _issued(view)):
        return None
    words = (
        _in_words(offered, "with the control connection's session")
        if offered
        else "the control connection brought no session to offer"
    )
    return Match(seen=(*replies(tried), words), evidence=_shown(view, *offered[:1], *none[:1]))


@rule(
    "ftp-data-not-resumed",
    "W",
    "warning",
    needs=CONTROLLED | Part.ANSWER,
    cause="The server takes FTPS data connections, and resumes the control connection's session"
    " on none of them: each transfer costs a full handshake, and nothing ties the data"
    " connection to the login.",
    advice="Let data connections share the control connection's session cache or ticket key.",
    sources=_FTPS,
)
def ftp_data_not_resumed(view: View) -> Match | None:
    """FTPS data connections work, but none resumes the control connection's session.

    Listings succeed, the session is on the wire, and no data connection resumes it.
    """
    offered = _of_control(view)
    if not offered or not all(listed(a) and a.offered for a in offered):
        return None
    if any(a.resumed for a in offered):
        return None
    seen = [_in_words(offered, "with the control connection's session")]
    later = [a for a in view.made(FTPData.FRESH)[1:] if a.resumed]
    if later:
        seen.append(f"sessions of data connections resume, on {connections(len(later))}")
    return Match(seen=tuple(seen), evidence=_shown(view, offered[0]))


@rule(
    "ftp-tickets-run-out",
    "W",
    "warning",
    needs=CONTROLLED | Part.TICKETS | Part.ANSWER,
    cause="Resumption of FTPS data connections works for a while and then stops: a ticket is"
    " accepted only so often, or no new ones come to replace those that were used.",
    advice="Keep the newest ticket of every connection, data connections included (they come"
    " after the handshake, so read on), and offer each once; or cap this client at TLS 1.2.",
    sources=("iterate-ch/cyberduck#18399", "curl/curl#4654", "robinrodricks/FluentFTP#1368"),
)
def ftp_tickets_run_out(view: View) -> Match | None:
    """FTPS data connections resume at first, and then no more.

    The first data connections resume and list, a later one does not.
    """
    seen, shown = [], []
    grave = False
    for purpose, what in (
        (FTPData.FRESH, "a fresh ticket each time"),
        (FTPData.SAME, "one ticket again and again"),
    ):
        tried = view.made(purpose)
        failed = first_failure(tried)
        if failed is None or failed == 1:
            continue
        reply = tried[failed - 1].reply
        seen.append(
            f"{what}: data connection {failed} of {len(tried)} is the first that fails: {reply}"
        )
        shown.append(tried[failed - 1])
        grave = grave or purpose is FTPData.FRESH
    if not seen:
        return None
    tickets = max((len(a.tickets) for a in view.made(FTPData.CONTROL)), default=0)
    required = any(not listed(a) for a in view.made(FTPData.NONE))
    return Match(
        seen=(*seen, f"{tickets} tickets came on the control connection"),
        evidence=_shown(view, *shown),
        severity="warning" if grave or required else "info",
    )


@rule(
    "pasv-address-ignored",
    "W",
    "warning",
    needs=CONTROLLED | Part.ANSWER,
    cause="The server's answer to PASV names another address than the one that the control"
    " connection goes to, such as a private one behind NAT, or a public one that is out of date."
    " tlsresume, like curl, goes to the control connection's; a client that obeys goes astray.",
    advice="Let the server name the address that clients reach it by, or let them use EPSV, which"
    " names none. Clients can be told to ignore the address (curl does; lftp"
    " ftp:fix-pasv-address, WinSCP, FileZilla: use the server's external address).",
    settings=set_in(
        vsftpd="pasv_address, pasv_addr_resolve",
        proftpd="MasqueradeAddress",
        **{"pure-ftpd": "-P, ForcePassiveIP"},
        pyftpdlib="masquerade_address",
    ),
    sources=("RFC 959 section 4.1.2", "RFC 2428 section 3", "robinrodricks/FluentFTP#270",
             "erlang/otp#5282"),
)  # fmt: skip
def pasv_address_ignored(view: View) -> Match | None:
    """PASV names another address than the control connection's.

    An answer 227 to PASV, on a control connection to an IPv4 address, has another address in
    it. Data connections were made to the control connection's address all the same.
    """
    named = [
        a
        for a in view.made(FTPData)
        if a.named_address is not None and a.named_address != a.address
    ]
    if not named:
        return None
    first = named[0]
    done = sum(a.handshake_done for a in named)
    return Match(
        seen=(
            f"PASV says {first.named_address}, the control connection goes to {first.address}",
            f"to {first.address} {done} of {connections(len(named))} succeeded",
        ),
        evidence=_shown(view, first),
    )
