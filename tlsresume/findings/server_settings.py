"""Settings of servers by software, and which of them are for the server at hand.

A finding's settings are data beside its check: each names the software that has it. The
software is recognised by what a server shows: the layout of its tickets, where one family alone
makes such, else what it calls itself, in an HTTP `Server:` header or in the greeting of a mail
or FTP server. A ticket counts for more than a name, since a proxy may end TLS for the server
that answers. Where nothing is recognised, or the recognised software has no setting there, all
are kept: they still show what kind of thing to look for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tlsresume.evidence.summary import layouts_of
from tlsresume.evidence.trial import Trial
from tlsresume.findings.software import ServerSetting, Software
from tlsresume.findings.view import View

_GO = frozenset({Software.GO, Software.CADDY, Software.TRAEFIK})

#: The software that makes tickets of a layout, for those layouts which one family alone makes.
BY_LAYOUT: dict[str, frozenset[Software]] = {
    "go-1.20": _GO,
    "go-1.21": _GO,
    "jdk": frozenset({Software.JAVA}),
    "rustls-ring": frozenset({Software.RUSTLS}),
    "rustls-aws-lc": frozenset({Software.RUSTLS}),
}

#: How a `Server:` header begins (RFC 9110 section 10.2.4), in small letters, the longest first.
BY_HEADER: tuple[tuple[str, Software], ...] = (
    ("apache-coyote", Software.JAVA),
    ("apache tomcat", Software.JAVA),
    ("apache", Software.HTTPD),
    ("jetty", Software.JAVA),
    ("undertow", Software.JAVA),
    ("caddy", Software.CADDY),
    ("envoy", Software.ENVOY),
    ("h2o", Software.H2O),
    ("lighttpd", Software.LIGHTTPD),
    ("nghttpx", Software.NGHTTPX),
    ("nginx", Software.NGINX),
    ("openresty", Software.NGINX),
    ("tengine", Software.NGINX),
    ("angie", Software.NGINX),
    ("freenginx", Software.NGINX),
    ("cowboy", Software.ERLANG),
    ("uvicorn", Software.PYTHON),
    ("hypercorn", Software.PYTHON),
    ("gunicorn", Software.PYTHON),
    ("python", Software.PYTHON),
    ("werkzeug", Software.PYTHON),
    ("tornadoserver", Software.PYTHON),
    ("basehttp", Software.PYTHON),
    ("simplehttp", Software.PYTHON),
)

#: What stands in the greeting of a server that speaks first (SMTP, IMAP, POP3, FTP ...).
BY_GREETING: tuple[tuple[bytes, Software], ...] = (
    (b"postfix", Software.POSTFIX),
    (b"exim", Software.EXIM),
    (b"dovecot", Software.DOVECOT),
    (b"vsftpd", Software.VSFTPD),
    (b"proftpd", Software.PROFTPD),
    (b"pure-ftpd", Software.PURE_FTPD),
    (b"pyftpdlib", Software.PYFTPDLIB),
)


def server_header(response: bytes) -> str | None:
    """The `Server:` header of an HTTP answer, in small letters."""
    if not response.startswith(b"HTTP/"):
        return None
    for line in response.split(b"\r\n\r\n", 1)[0].split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"server":
            return value.strip().lower().decode("latin-1")
    return None


def named_by(attempt: Trial) -> frozenset[Software]:
    """What a server calls itself on one connection."""
    header = server_header(attempt.response)
    if header is not None:
        found = (software for name, software in BY_HEADER if header.startswith(name))
        return frozenset(software for software in (next(found, None),) if software)
    said = (attempt.greeting or attempt.response).split(b"\n", 1)[0].lower()
    return frozenset(software for name, software in BY_GREETING if name in said)


def recognised(view: View) -> frozenset[Software]:
    """The software that ends TLS here, where its tickets or its words tell; else none.

    Several where a family makes the same tickets. Nothing where connections to the address
    call themselves differently: no setting is then known to be the right one.
    """
    brought = sorted((a for a in view.attempts if a.tickets), key=lambda a: a.offer is not None)
    if brought:
        layouts = layouts_of(view.mechanism, view.attempts, view.naming, brought[0])
        if layouts and all(each.layout in BY_LAYOUT for each in layouts):
            return frozenset[Software]().union(*(BY_LAYOUT[each.layout] for each in layouts))
    names = {named for attempt in view.everything if (named := named_by(attempt))}
    return names.pop() if len(names) == 1 else frozenset()


def settings_for(
    software: frozenset[Software], settings: Sequence[ServerSetting]
) -> tuple[ServerSetting, ...]:
    """The settings of this software; empty where nothing was recognised, or it has none here."""
    return tuple(setting for setting in settings if software.intersection(setting.software))


class Chosen(NamedTuple):
    """The settings to show, and for which software; for none where all are kept."""

    settings: tuple[ServerSetting, ...]
    software: frozenset[Software] = frozenset()


def choose(view: View, settings: Sequence[ServerSetting]) -> Chosen:
    """The settings of the software that was recognised; all, where none is for it."""
    software = recognised(view)
    own = settings_for(software, settings)
    return Chosen(own, software) if own else Chosen(tuple(settings))
