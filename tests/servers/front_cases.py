"""The table, fourth part: lighttpd, hitch, nghttpx, h2o and Apache Traffic Server."""

from __future__ import annotations

from tests.servers.cases import ALL_RESUMED, Case, tickets
from tests.servers.oracle import State

NO_CACHE: dict[str, State | tuple[State, ...]] = {**ALL_RESUMED, "session-id": "not-issued"}

FRONT = (
    Case(
        name="lighttpd-default",
        server="lighttpd",
        truth=NO_CACHE,
        verdict="resumes",
        tickets=tickets(7200),
        source="lighttpd wiki, mod_openssl: tickets under a key that it rotates itself every 8"
        " hours, no session cache; s_client: OpenSSL's own lifetime",
    ),
    Case(
        name="lighttpd-stek-file",
        server="lighttpd",
        lines=('ssl.stek-file = "{stek_lighttpd}"',),
        truth=NO_CACHE,
        verdict="resumes",
        tickets=tickets(7200, key="stek_lighttpd"),
        source="lighttpd wiki, ssl.stek-file: 4 bytes of format, 8 of times, then a key of 80",
    ),
    Case(
        name="lighttpd-stek-file-expired",
        server="lighttpd",
        lines=('ssl.stek-file = "{stek_expired}"',),
        truth={"psk": "not-issued", "ticket": "not-issued", "session-id": "not-issued"},
        verdict="does-not-resume",
        findings=("not-issued",),
        source="lighttpd wiki, ssl.stek-file: a key is used between its times; who forgets to"
        " renew the file has no tickets, and there is no cache",
    ),
    Case(
        name="hitch-two-workers",
        server="hitch",
        lines=("workers = 2",),
        # Which worker answers is the kernel's choice.
        truth={**ALL_RESUMED, "session-id": ("resumed", "partly", "not-resumed")},
        verdict="resumes",
        tickets=tickets(7200),
        source="hitch.conf(5), workers: processes that share a context made before they fork,"
        " so one ticket key, and each a cache of its own",
    ),
    Case(
        name="nghttpx-key-file",
        server="nghttpx",
        lines=("--workers=2", "--tls-ticket-key-file={stek48}"),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(43200, key="stek48", early=16384),
        source="nghttpx(1): --tls-ticket-key-file, 48 bytes; tickets are good for 12 hours, and"
        " --tls-max-early-data is 16K",
    ),
    Case(
        name="h2o-default",
        server="h2o",
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(3600),
        source="h2o manual, ssl-session-resumption: mode is all, lifetime an hour",
    ),
    Case(
        name="h2o-ticket-file-that-cannot-be-read",
        server="h2o",
        lines=(
            "ssl-session-resumption:",
            "  mode: ticket",
            "  ticket-store: file",
            "  ticket-file: {stek48}",
        ),
        truth={"psk": "not-resumed", "ticket": "not-resumed", "session-id": "not-issued"},
        verdict="does-not-resume",
        findings=("never-honoured",),
        source="h2o logs that it cannot load the ticket secrets, and starts all the same;"
        " s_client: each ticket is sealed under a key of its own, and none is honoured",
    ),
    Case(
        name="trafficserver-key-file",
        server="trafficserver",
        lines=("proxy.config.ssl.server.ticket_key.filename STRING {stek_ats}",),
        truth=ALL_RESUMED,
        verdict="resumes",
        tickets=tickets(7200, key="stek_ats"),
        source="Traffic Server manual, ticket_key.filename: keys of 48 bytes, one after the"
        " other, of which the first encrypts; session_cache 2, its own, by default",
    ),
)
