"""How a built-in server treats resumption: values only, no sockets and no OpenSSL.

Each field of `Behaviour` is one thing that real servers do differently. The
table `TRUTHS` has those that `selftest` runs, and what a correct probe must say
of each, known because the server was made that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from tlsresume.value import Value

Version = Literal["1.2", "1.3"]
Backend = Literal["pyopenssl", "stdlib"]


class Behaviour(Value, frozen=True, kw_only=True):
    """What a server does about resumption, and which of the usual oddities it has.

    Issuing:
      `session_ids`      keep a cache, so that TLS 1.2 sessions get an ID.
      `tickets`          issue stateless tickets (TLS 1.2 and 1.3).
      `stateful`         SSL_OP_NO_TICKET with a cache: IDs in TLS 1.2, and 32-byte tickets,
                         that name a cache entry, in TLS 1.3. Overrules `tickets`.
      `num_tickets`      TLS 1.3 tickets per full handshake (None: OpenSSL's 2). The stdlib's ssl
                         then serves TLS 1.3, whose tickets no observer sees.
      `tickets_after_data`  TLS 1.3 tickets leave only once application data has come.
      `lifetime`         seconds a session is good for (None: OpenSSL's default).
      `early_data`       bytes of TLS 1.3 early data that are accepted.
      `answers_early`    early data is answered at once, before the client's Finished.
      `too_early`        requests in early data are answered with HTTP 425.
    Honouring:
      `honoured`         False: all that is issued is refused, under an unchanged key name.
      `nodes`            that many sets of keys and caches, by turns, as behind a balancer.
      `single_use`       each TLS 1.3 ticket is accepted once. OpenSSL does this only where
                         anti-replay is on, so its tickets then announce early data.
      `rotate_after`     handshakes after which another node takes over, as where a key
                         is rotated: what was issued before is refused. Needs two nodes.
      `client_certificate`  ask for one. The ticket carries it: this is how tickets get big.
      `require_client_certificate`  refuse a client that shows none.
      `session_id_context`  False, with `client_certificate`: OpenSSL answers an offered
                         session with alert 80.
      `forget_on_unclean_close`  a stateful session dies with a connection that was cut.
    Handshake:
      `versions`, `ciphers` (TLS 1.2, OpenSSL list), `group` (the only one accepted, as
      "secp384r1", which most clients send no key share for: HelloRetryRequest), `alpn`.
      `change_certificate_after`  handshakes after which the certificate is another one;
                         keys and cache stay.
    Connections:
      `http`             answer each request that ends in an empty line.
      `close_notify`     False: end connections without saying so.

    Raises ValueError for a combination that `backend` cannot do.
    """

    versions: tuple[Version, ...] = ("1.2", "1.3")
    session_ids: bool = True
    tickets: bool = True
    stateful: bool = False
    num_tickets: int | None = None
    tickets_after_data: bool = False
    lifetime: int | None = None
    early_data: int = 0
    answers_early: bool = False
    too_early: bool = False
    honoured: bool = True
    nodes: int = 1
    single_use: bool = False
    rotate_after: int | None = None
    client_certificate: bool = False
    require_client_certificate: bool = False
    session_id_context: bool = True
    forget_on_unclean_close: bool = True
    ciphers: str | None = None
    group: str | None = None
    alpn: tuple[str, ...] = ()
    change_certificate_after: int | None = None
    http: bool = True
    close_notify: bool = True
    backend: Backend = "pyopenssl"

    def __post_init__(self) -> None:
        if not self.versions:
            raise ValueError("a server needs at least one TLS version")
        if self.nodes < 1:
            raise ValueError("a server needs at least one node")
        if self.rotate_after is not None and self.nodes < 2:
            raise ValueError("a rotation needs a second node")
        if self.stateful and not self.session_ids:
            raise ValueError("a stateful server needs its cache: session_ids")
        refused = [
            name for name, asked in self._needs_pyopenssl().items() if asked and self._by_stdlib
        ]
        if refused:
            raise ValueError(f"the stdlib backend cannot do: {', '.join(refused)}")

    @property
    def tls13_tickets(self) -> int | None:
        """TLS 1.3 tickets per full handshake; None: as many as OpenSSL likes."""
        if self.num_tickets is None and not self.tickets and not self.stateful:
            return 0
        return self.num_tickets

    @property
    def tls13_by_stdlib(self) -> bool:
        """Only the stdlib's backend can count TLS 1.3 tickets; it then takes those connections."""
        return "1.3" in self.versions and (
            self.backend == "stdlib" or self.tls13_tickets is not None
        )

    @property
    def _by_stdlib(self) -> bool:
        return self.backend == "stdlib" or self.tls13_by_stdlib

    def _needs_pyopenssl(self) -> dict[str, bool]:
        return {
            "lifetime": self.lifetime is not None,
            "early_data": self.early_data > 0,
            "answers_early": self.answers_early,
            "single_use": self.single_use,
            "honoured=False": not self.honoured,
            "client_certificate": self.client_certificate or self.require_client_certificate,
            "change_certificate_after": self.change_certificate_after is not None,
            "session_ids=False": self.backend == "stdlib" and not self.session_ids,
        }


class Truth(Value, frozen=True, kw_only=True):
    """A behaviour and what is known of it: the right verdict, and the state of `results.State`
    in which each mechanism is met; `says` is for people."""

    behaviour: Behaviour
    verdict: str
    state: str
    says: str


#: The early data limit of the built-in servers that accept it: one TLS record.
EARLY_DATA = 16_384

#: The behaviours that `selftest` runs, by name.
TRUTHS: Mapping[str, Truth] = MappingProxyType(
    {
        "all three mechanisms": Truth(
            behaviour=Behaviour(),
            verdict="resumes",
            state="resumed",
            says="every offered session is accepted",
        ),
        "none": Truth(
            behaviour=Behaviour(session_ids=False, tickets=False),
            verdict="does-not-resume",
            state="not-issued",
            says="no ticket and no session ID is ever issued",
        ),
        "issued but never honoured": Truth(
            behaviour=Behaviour(honoured=False),
            verdict="does-not-resume",
            state="not-resumed",
            says="tickets and IDs are issued, and each is refused",
        ),
        "separate keys": Truth(
            behaviour=Behaviour(nodes=2),
            verdict="partly",
            state="partly",
            says="two nodes by turns, neither knows the other's sessions",
        ),
        "single-use": Truth(
            behaviour=Behaviour(single_use=True),
            verdict="resumes",
            state="resumed",
            says="each TLS 1.3 ticket is accepted once (RFC 8446 appendix C.4)",
        ),
        "early data": Truth(
            behaviour=Behaviour(early_data=EARLY_DATA),
            verdict="resumes",
            state="resumed",
            says="every offered session is accepted, with early data on TLS 1.3",
        ),
    }
)
