"""The servers of a run: their certificates, their ports, the book they share, and the report.

`Serving` is what the library gives as `tlsresume.serve`, and what the command stands on.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Literal, Self

import msgspec
from OpenSSL import SSL

from tlsresume.errors import FileError, UsageError
from tlsresume.features.serve import authority
from tlsresume.features.serve.behaviours import BEHAVIOURS, Row, State
from tlsresume.features.serve.build import build_report
from tlsresume.features.serve.ledger import Ledger, Place, Seen
from tlsresume.features.serve.names import ALL, STARTTLS
from tlsresume.features.serve.observing import observer_maker
from tlsresume.features.serve.results import CommandResult, ServeReport
from tlsresume.features.serve.shell import fill_in, run_command
from tlsresume.features.serve.talks import SCHEMES, talk_maker
from tlsresume.features.serve.truststore import truststore
from tlsresume.openssl.behaviour import Version
from tlsresume.openssl.server import Server
from tlsresume.openssl.server_contexts import Identity

#: Addresses that are listened on together, so that `localhost` can be either.
_LOOPBACK = "127.0.0.1"
_BESIDE = {_LOOPBACK: ("::1",), "0.0.0.0": ("::",), "::": ("0.0.0.0",)}  # noqa: S104  asked for
_EVERY = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared, not listened on
_LAST_PORT = 65_535
#: Seconds that a report waits for connections that are still open.
_SETTLE = 2.0
#: Seconds that the command may take in each behaviour, where no time was given.
COMMAND_SECONDS = 60.0

Expected = Literal["resumed", "not-resumed", "offered", "right"]


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve. `port` 0: free ports, else the first of as many as there are behaviours.

    `names` are put into the certificate beside those of loopback. `expect` is by behaviour,
    or by "" for all. Raises UsageError where it makes no sense.
    """

    behaviours: tuple[str, ...] = ("default",)
    host: str = _LOOPBACK
    port: int = 0
    names: tuple[str, ...] = ()
    tls: Version | None = None
    starttls: str | None = None
    keep_alive: bool = False
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    client_ca: Path | None = None
    require_client_cert: bool = False
    expect: Mapping[str, Expected] = {}
    exit_zero: bool = False

    def rows(self) -> dict[str, Row]:
        """The behaviours in the order named, each with the TLS versions asked for."""
        chosen: dict[str, Row] = {}
        for name in self.behaviours:
            if name == ALL:
                for each, row in BEHAVIOURS.items():
                    if self._possible(row):
                        chosen.setdefault(each, row)
                continue
            found = BEHAVIOURS.get(name)
            if found is None:
                raise UsageError(
                    f"there is no behaviour {name!r}",
                    hints=(f"behaviours: {', '.join((*BEHAVIOURS, ALL))}",),
                )
            if not self._possible(found):
                raise UsageError(f"{name} needs TLS {found.needs[0]}")
            chosen.setdefault(name, found)
        return {name: self._narrowed(row) for name, row in chosen.items()}

    def _possible(self, row: Row) -> bool:
        needs_ca = row.behaviour.change_certificate_after is not None
        if needs_ca and self.certificate is not None and ALL in self.behaviours:
            return False
        return self.tls is None or self.tls in row.needs

    def _narrowed(self, row: Row) -> Row:
        changes: dict[str, object] = {}
        if self.tls is not None:
            changes["versions"] = (self.tls,)
        if self.client_ca is not None or self.require_client_cert:
            changes["client_certificate"] = True
            changes["require_client_certificate"] = self.require_client_cert
        if not changes:
            return row
        from dataclasses import replace

        return msgspec.structs.replace(row, behaviour=replace(row.behaviour, **changes))  # type: ignore[arg-type]  # fields of Behaviour

    def expected(self, *, ran: bool) -> dict[str, State]:
        """What is expected in each behaviour; `ran`: with a command, `right` is the default."""
        rows = self.rows()
        for name in self.expect:
            if name and name not in rows:
                raise UsageError(f"--expect names {name}, which is not served")
        found: dict[str, State] = {}
        for name, row in rows.items():
            asked = self.expect.get(name, self.expect.get("", "right" if ran else None))
            if asked is not None:
                found[name] = row.right if asked == "right" else asked
        return found


class Serving:
    """Running servers, one for each behaviour; a context manager.

    `urls` are by behaviour, `url` is the first; `cafile` is what clients must trust,
    `truststore` the same for Java (PKCS#12; no password, or "changeit").
    """

    def __init__(self, options: ServeOptions, on_end: Callable[[Seen], None] | None = None) -> None:
        self.options = options
        self._rows = options.rows()
        if not self._rows:
            raise UsageError("no behaviour to serve")
        if options.port and options.port + len(self._rows) - 1 > _LAST_PORT:
            raise UsageError(f"{len(self._rows)} ports from {options.port} on are too many")
        if options.starttls is not None and options.starttls not in STARTTLS:
            raise UsageError(f"no STARTTLS for {options.starttls!r}")
        self._ledger = Ledger(time.monotonic, on_end)
        self._places = [Place(name, row) for name, row in self._rows.items()]
        self._servers: list[Server] = []
        self._commands: dict[str, CommandResult] = {}
        self._stack = ExitStack()

    # -------------------------------------------------------------------- starting

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tlsresume-"))
            trusted, identities = self._identities()
            self._cafile = Path(folder, "ca.pem")
            self._cafile.write_bytes(trusted)
            self._truststore = Path(folder, "truststore.p12")
            self._truststore.write_bytes(truststore(trusted))
            for number, place in enumerate(self._places):
                port = self.options.port + number if self.options.port else 0
                server = self._server(place, identities, port)
                try:
                    stack.enter_context(server)
                except OSError as error:
                    where = f"{self.options.host}:{port}" if port else self.options.host
                    raise UsageError(f"cannot listen on {where}: {error.strerror}") from None
                place.port = server.port
                place.url = self._url(server.port)
                self._servers.append(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _identities(self) -> tuple[bytes, dict[bool, tuple[Identity, Identity | None]]]:
        """What clients must trust, and the certificates (the first, and a later one) of
        servers that nobody vouches for (True), and of the others."""
        options = self.options
        names = tuple(dict.fromkeys((*authority.LOOPBACK, *self._own_names(), *options.names)))
        try:
            authority.general_names(names)
        except ValueError as error:
            raise UsageError(f"a --name cannot be in a certificate: {error}") from None
        stranger = authority.make_authority(names).issue(names)
        if (options.certificate is None) != (options.key is None):
            raise UsageError("--cert and --key go together")
        if options.certificate is not None and options.key is not None:
            if options.ca is not None:
                raise UsageError("--cert and --ca exclude each other")
            own = authority.read_identity(options.certificate, options.key)
            if any(row.behaviour.change_certificate_after for row in self._rows.values()):
                raise UsageError("changed-certificate needs certificates of our own: no --cert")
            return own.certificate_pem, {False: (own, None), True: (stranger, None)}
        made = (
            authority.kept_authority(options.ca, names)
            if options.ca is not None
            else authority.make_authority(names)
        )
        pair = made.issue(names), made.issue(names)
        return made.certificate_pem, {False: pair, True: (stranger, None)}

    def _own_names(self) -> tuple[str, ...]:
        host = self.options.host
        return () if host in _EVERY else (host,)

    def _server(
        self,
        place: Place,
        identities: Mapping[bool, tuple[Identity, Identity | None]],
        port: int,
    ) -> Server:
        options = self.options
        identity, later = identities[place.row.untrusted]
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
                talk=talk_maker(options.starttls, keep_alive=options.keep_alive),
                later=later,
                client_ca=options.client_ca,
            )
        except SSL.Error:
            path = str(options.certificate or options.client_ca or "")
            raise FileError(f"OpenSSL cannot use {path}", path=path) from None

    def _url(self, port: int) -> str:
        scheme = self.options.starttls or "https"
        host = self.options.host
        if not self.is_local and host not in _EVERY:
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
        return connections is not None and place.connections >= connections

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
        """Whether each behaviour has seen so many connections."""
        with self._ledger.changed:
            return all(place.connections >= connections for place in self._places)

    def wait(self, seconds: float) -> None:
        """Wait until a connection has ended, for some seconds at most."""
        with self._ledger.changed:
            self._ledger.changed.wait(seconds)

    def report(self, *, settle: float = _SETTLE) -> ServeReport:
        """What is known now; waits a moment for connections that are still open."""
        self.settle(settle)
        return build_report(
            self._ledger,
            self._places,
            expected=self.options.expected(ran=bool(self._commands)),
            commands=self._commands,
            exit_zero=self.options.exit_zero,
        )


def serve(*behaviours: str, **options: object) -> Serving:
    """Servers for a `with` block, one for each behaviour (default: "default").

    `options` are the fields of ServeOptions. The block has `url`, `cafile` and `report()`.
    Raises UsageError and FileError as the command does.
    """
    chosen: Sequence[str] = behaviours or ("default",)
    return Serving(ServeOptions(behaviours=tuple(chosen), **options))  # type: ignore[arg-type]  # checked there
