"""Listening, TLS and signals: uvicorn with the exporter's pages, until it is told to end.

SIGHUP reads the configuration again; SIGTERM and SIGINT end everything at once, since whoever
scrapes comes again. `[web]` names the certificate, which a reload loads again, too; the address
that is listened on does not change.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import uvicorn

from tlsresume.errors import FileError, TLSResumeError, UsageError, reason_of
from tlsresume.features.exporter.app import Exporter, application
from tlsresume.features.exporter.settings import Setup
from tlsresume.network import loop
from tlsresume.shortage import make_room
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.transports.library import check_library

#: Connections beside those of scrapes that run or wait: pages for people, health checks.
_BESIDE = 64
#: Our connections to targets at a time, for each probe that runs.
_FOR_EACH = 32

Say = Callable[[str], None]


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """End at once, whoever still waits."""
        self.should_exit = self.force_exit = True


def run(
    setup: Setup,
    listen: tuple[str, int],
    read: Callable[[int], Setup],
    *,
    note: Say,
    warn: Say,
) -> None:
    """Serve until a signal says to end. Raises UsageError where that cannot be begun."""
    check_library()
    host, port = listen
    if not ip_address(host).is_loopback and setup.settings.allow.rules is None:
        raise UsageError(
            f"{format_endpoint(host, port)} is not loopback, and nothing says what may be probed",
            hints=('name it in the file of --config: [exporter] allow = ["*.example.com:443"]',),
        )
    settings = setup.settings
    make_room(settings.concurrency * _FOR_EACH + settings.waiting + _BESIDE)
    context = _tls(setup)
    with _listening(host, port) as sock:
        own = sock.getsockname()
        scheme = "http" if context is None else "https"
        note(f"the exporter listens on {scheme}://{format_endpoint(own[0], own[1])}/")
        with contextlib.suppress(KeyboardInterrupt):
            loop.run(_serve(setup, sock, context, read, note=note, warn=warn))


async def _serve(
    setup: Setup,
    sock: socket.socket,
    context: ssl.SSLContext | None,
    read: Callable[[int], Setup],
    *,
    note: Say,
    warn: Say,
) -> None:
    def read_again(number: int) -> Setup:
        found = read(number)
        if context is not None:
            # The context of the connections to come; without a certificate it stays as it is.
            _load(context, found)
        return found

    exporter = Exporter(setup, read_again)
    settings = setup.settings
    config = uvicorn.Config(
        application(exporter),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=settings.concurrency + settings.waiting + _BESIDE,
        timeout_keep_alive=15,
    )
    config.load()
    config.ssl = context
    server = _Server(config)

    def reload() -> None:
        try:
            exporter.reload()
        except TLSResumeError as error:
            warn(f"{error.message}; the configuration that was read before stays")
        else:
            note("the configuration was read again")

    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, server.end)
    running.add_signal_handler(signal.SIGHUP, reload)
    try:
        await server.serve(sockets=[sock])
    finally:
        exporter.stop()


def _tls(setup: Setup) -> ssl.SSLContext | None:
    """What `[web]` says of TLS. Raises FileError."""
    if setup.web.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, setup)
    return context


def _load(context: ssl.SSLContext, setup: Setup) -> None:
    certificate, key = setup.web.certificate, setup.web.key
    if certificate is None:
        return
    try:
        # An encrypted key must not ask on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise FileError(
            f"cannot serve with the certificate in {certificate}: {reason_of(error)}",
            path=certificate,
        ) from None


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, dualstack_ipv6=host == "::")
    except (OSError, ValueError) as error:
        where = format_endpoint(host, port)
        raise UsageError(f"cannot listen on {where}: {reason_of(error)}") from None
    with sock:
        yield sock
