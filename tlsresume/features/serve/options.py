"""What `serve` is asked to do: the options of the command and of the library, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from tlsresume.errors import UsageError
from tlsresume.features.serve.behaviours import BEHAVIOURS, Row, State
from tlsresume.features.serve.names import ALL, STARTTLS
from tlsresume.features.serve.results import NotServed
from tlsresume.server.behaviour import Version

LOOPBACK = "127.0.0.1"
_LAST_PORT = 65_535

Expected = Literal["resumed", "not-resumed", "offered", "right"]


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve. `port` 0: free ports, else the first of as many as there are behaviours.

    `names` are put into the certificate beside those of loopback. `expect` is by behaviour,
    or by "" for all. `quic`: serve HTTP/3 beside HTTPS, on the same port numbers.
    """

    behaviours: tuple[str, ...] = ("default",)
    host: str = LOOPBACK
    port: int = 0
    names: tuple[str, ...] = ()
    tls: Version | None = None
    starttls: str | None = None
    keep_alive: bool = False
    quic: bool = False
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    client_ca: Path | None = None
    require_client_cert: bool = False
    expect: Mapping[str, Expected] = {}
    exit_zero: bool = False

    def check(self) -> None:
        """Raise UsageError for what makes no sense together."""
        rows = self.rows()
        changes = any(row.behaviour.change_certificate_after for row in rows.values())
        last, own = self.port + len(rows) - 1, self.certificate is not None
        for is_wrong, words in (
            (not rows, "no behaviour to serve"),
            (
                self.port and last > _LAST_PORT,
                f"{len(rows)} ports from {self.port} on are too many",
            ),
            (self.starttls not in (None, *STARTTLS), f"no STARTTLS for {self.starttls!r}"),
            (own != (self.key is not None), "--cert and --key go together"),
            (own and self.ca is not None, "--cert and --ca exclude each other"),
            (own and changes, "changed-certificate needs certificates of our own: no --cert"),
        ):
            if is_wrong:
                raise UsageError(words)
        if self.quic:
            self._check_quic(rows)

    def _check_quic(self, rows: Mapping[str, Row]) -> None:
        from tlsresume.transports.quic.binding_server import check_server_available

        check_server_available()
        if self.starttls is not None:
            raise UsageError("--quic serves HTTP/3, and excludes --starttls")
        if self.tls == "1.2":
            raise UsageError("--quic excludes --tls 1.2: QUIC has no TLS 1.2")
        if self.client_ca is not None or self.require_client_cert:
            raise UsageError("--quic excludes client certificates: aioquic asks for none")
        if all(row.no_quic for row in rows.values()):
            (why, *_) = (row.no_quic for row in rows.values())
            raise UsageError(f"no behaviour to serve over QUIC: {why}")

    def not_served(self) -> tuple[NotServed, ...]:
        """The behaviours that QUIC cannot have, where it is asked for. Of "all" they are left
        out, and else served over TCP only."""
        if not self.quic:
            return ()
        names = BEHAVIOURS if ALL in self.behaviours else self.rows()
        return tuple(
            NotServed(behaviour=name, transport="quic", why=why)
            for name in names
            if (why := BEHAVIOURS[name].no_quic) is not None
        )

    def rows(self) -> dict[str, Row]:
        """The behaviours in the order named, each with the TLS versions asked for. Raises
        UsageError."""
        chosen: dict[str, Row] = {}
        for name in self.behaviours:
            if name == ALL:
                for each, row in BEHAVIOURS.items():
                    named = each in self.behaviours
                    if self._possible(row) and (named or not self.quic or row.no_quic is None):
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
