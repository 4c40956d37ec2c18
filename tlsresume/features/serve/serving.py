"""The servers of a run: their certificates, their ports, the ledger they share, and the report.

`Serving` is what the library gives as `tlsresume.serve`, and what the command stands on.
"""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from OpenSSL import SSL

from tlsresume.errors import FileError, UsageError
from tlsresume.features.serve import authority
from tlsresume.features.serve.build import build_report
from tlsresume.features.serve.identities import EVERY, Identities, make_identities
from tlsresume.features.serve.ledger import Ledger, Place, Seen
from tlsresume.features.serve.observing import observer_maker
from tlsresume.features.serve.options import LOOPBACK, ServeOptions
from tlsresume.features.serve.results import CommandResult, ServeReport
from tlsresume.features.serve.shell import fill_in, run_command
from tlsresume.features.serve.talks import SCHEMES, talk_maker
from tlsresume.features.serve.truststore import truststore
from tlsresume.server.server import Server

if TYPE_CHECKING:
    from tlsresume.server.datagrams import UDPServer

#: Addresses that are listened on together, so that `localhost` can be either.
_BESIDE = {LOOPBACK: ("::1",), "0.0.0.0": ("::",), "::": ("0.0.0.0",)}  # noqa: S104  asked for
#: How often a free port is looked for that is free over UDP, too.
_PORT_TRIES = 20
#: Seconds that a report waits for connections that are still open.
_SETTLE = 2.0
#: Seconds that the command may take in each behaviour, where no time was given.
COMMAND_SECONDS = 60.0


class _Running(Protocol):
    """A server that runs, whatever its transport."""

    def open_connections(self) -> int:
        """How many connections are open."""


class Serving:
    """Running servers, one for each behaviour; a context manager.

    `urls` are by behaviour, `url` is the first; `cafile` is what clients must trust,
    `truststore` the same for Java (PKCS#12; no password, or "changeit").
    """

    def __init__(self, options: ServeOptions, on_end: Callable[[Seen], None] | None = None) -> None:
        options.check()
        self.options = options
        self._ledger = Ledger(time.monotonic, on_end)
        self._places = [Place(name, row) for name, row in options.rows().items()]
        self._over_quic = [
            Place(place.name, place.row, "quic")
            for place in self._places
            if options.quic and place.row.no_quic is None
        ]
        self._servers: list[_Running] = []
        self._commands: dict[str, CommandResult] = {}
        self._stack = ExitStack()

    # -------------------------------------------------------------------- starting

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tlsresume-"))
            identities = make_identities(self.options)
            self._cafile = Path(folder, "ca.pem")
            self._cafile.write_bytes(identities.trusted)
            self._truststore = Path(folder, "truststore.p12")
            self._truststore.write_bytes(truststore(identities.trusted))
            for number, place in enumerate(self._places):
                port = self.options.port + number if self.options.port else 0
                try:
                    self._servers += stack.enter_context(self._started(place, identities, port))
                except OSError as error:
                    where = f"{self.options.host}:{port}" if port else self.options.host
                    # The message that Python makes has a tuple in it.
                    why = os.strerror(error.errno) if error.errno else str(error)
                    raise UsageError(f"cannot listen on {where}: {why.lower()}") from None
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def _started(
        self, place: Place, identities: Identities, port: int
    ) -> Iterator[tuple[_Running, ...]]:
        """The servers of a behaviour: over TCP, and with the same port number over QUIC. Raises
        OSError where they cannot listen."""
        beside = next(iter(self._both(place)[1:]), None)
        for tries_left in reversed(range(1 if port or beside is None else _PORT_TRIES)):
            with ExitStack() as stack:
                server = self._server(place, identities, port, quic=beside is not None)
                stack.enter_context(server)
                place.port, place.url = server.port, self._url(server.port)
                running: tuple[_Running, ...] = (server,)
                if beside is not None:
                    beside.port, beside.url = place.port, place.url
                    try:
                        running += (stack.enter_context(self._quic_server(beside, identities)),)
                    except OSError as error:
                        if tries_left and error.errno == errno.EADDRINUSE:
                            continue
                        raise
                yield running
                return

    def _quic_server(self, place: Place, identities: Identities) -> UDPServer:
        from tlsresume.features.serve.over_quic import quic_service
        from tlsresume.server.datagrams import UDPServer

        service = quic_service(
            place.row,
            identities,
            observer_maker(self._ledger, place),
            keep_alive=self.options.keep_alive,
        )
        host = self.options.host
        return UDPServer(service.endpoint(), host, place.port, also=_BESIDE.get(host, ()))

    def _server(self, place: Place, identities: Identities, port: int, *, quic: bool) -> Server:
        options = self.options
        identity, later = identities.of(untrusted=place.row.untrusted)
        if options.client_ca is not None:
            authority.read_certificate(options.client_ca)  # its own error, before OpenSSL's
        try:
            return Server(
                place.row.behaviour,
                options.host,
                port=port,
                identity=identity,
                also=_BESIDE.get(options.host, ()),
                observe=observer_maker(self._ledger, place),
                talk=talk_maker(
                    options.starttls,
                    keep_alive=options.keep_alive,
                    quic_port=(lambda: place.port) if quic else None,
                ),
                later=later,
                client_ca=options.client_ca,
            )
        except SSL.Error:
            path = str(options.certificate or options.client_ca or "")
            raise FileError(f"OpenSSL cannot use {path}", path=path) from None

    def _url(self, port: int) -> str:
        scheme = self.options.starttls or "https"
        host = self.options.host
        if not self.is_local and host not in EVERY:
            host = self.options.names[0] if self.options.names else host
            host = f"[{host}]" if ":" in host else host
        else:
            host = "localhost"
        return f"{SCHEMES.get(scheme, scheme)}://{host}:{port}/"

    # --------------------------------------------------------------------- running

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        address = authority.as_address(self.options.host)
        return address.is_loopback if address is not None else self.options.host == "localhost"

    @property
    def served_over_quic(self) -> tuple[str, ...]:
        """The behaviours that are served over QUIC, too."""
        return tuple(place.name for place in self._over_quic)

    @property
    def urls(self) -> dict[str, str]:
        """Where each behaviour is served."""
        return {place.name: place.url for place in self._places}

    @property
    def ports(self) -> dict[str, int]:
        """The port of each behaviour."""
        return {place.name: place.port for place in self._places}

    @property
    def url(self) -> str:
        """Where the first behaviour is served."""
        return self._places[0].url

    @property
    def port(self) -> int:
        """The port of the first behaviour."""
        return self._places[0].port

    @property
    def cafile(self) -> str:
        """A PEM file with the certificate that clients must trust."""
        return str(self._cafile)

    @property
    def truststore(self) -> str:
        """The same for Java: a PKCS#12 file; no password, or "changeit"."""
        return str(self._truststore)

    def run(
        self,
        command: str,
        *,
        times: int = 1,
        connections: int | None = None,
        seconds: Callable[[], float] = lambda: COMMAND_SECONDS,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Run a shell command against each behaviour in turn, and note what became of it.

        It ends after `seconds`, or once so many `connections` have come to the behaviour.
        """
        for place in self._places:
            limit = seconds()
            if limit <= 0:
                return
            self._commands[place.name] = run_command(
                fill_in(command, self._fields(place)),
                self.environment(place.name),
                seconds=limit,
                times=times,
                enough=partial(self._enough, place, connections),
                meanwhile=meanwhile,
            )
            self.settle()

    def _enough(self, place: Place, connections: int | None) -> bool:
        seen = sum(each.connections for each in self._both(place))
        return connections is not None and seen >= connections

    def _both(self, place: Place) -> tuple[Place, ...]:
        """A behaviour's place over TCP, and that over QUIC, if there is one."""
        return (place, *(each for each in self._over_quic if each.name == place.name))

    def _fields(self, place: Place) -> dict[str, str]:
        return {
            "url": place.url,
            "host": place.host,
            "port": str(place.port),
            "cafile": self.cafile,
            "truststore": self.truststore,
        }

    def environment(self, behaviour: str | None = None) -> dict[str, str]:
        """The environment for a client: ours, with what makes it trust the server."""
        url = self.urls[behaviour] if behaviour is not None else self.url
        local = ",".join((*authority.LOOPBACK, *self.options.names))
        names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return {
            **os.environ,
            **dict.fromkeys(names, self.cafile),
            "TLSRESUME_URL": url,
            "NO_PROXY": local,
            "no_proxy": local,
        }

    def settle(self, seconds: float = _SETTLE) -> None:
        """Wait until no connection is open, for some seconds at most."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not any(server.open_connections() for server in self._servers):
                return
            time.sleep(0.005)

    def enough(self, connections: int) -> bool:
        """Whether each behaviour has seen so many connections, over any transport."""
        with self._ledger.changed:
            return all(self._enough(place, connections) for place in self._places)

    def wait(self, seconds: float) -> None:
        """Wait until a connection has ended, for some seconds at most."""
        with self._ledger.changed:
            self._ledger.changed.wait(seconds)

    def report(self, *, settle: float = _SETTLE) -> ServeReport:
        """What is known now; waits a moment for connections that are still open."""
        self.settle(settle)
        return build_report(
            self._ledger,
            [each for place in self._places for each in self._both(place)],
            expected=self.options.expected(ran=bool(self._commands)),
            commands=self._commands,
            exit_zero=self.options.exit_zero,
            not_served=self.options.not_served(),
        )


def serve(*behaviours: str, **options: object) -> Serving:
    """Servers for a `with` block, one for each behaviour (default: "default").

    `options` are the fields of ServeOptions. The block has `url`, `cafile` and `report()`.
    Raises UsageError and FileError as the command does.
    """
    chosen: Sequence[str] = behaviours or ("default",)
    return Serving(ServeOptions(behaviours=tuple(chosen), **options))  # type: ignore[arg-type]  # checked there
