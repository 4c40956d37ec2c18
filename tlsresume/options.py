"""What a caller may ask for, apart from the target: one frozen value per command.

Units are seconds and bytes. The command line fills these from its options; a
library caller makes them directly. Defaults here are the documented ones. Each is checked
when it is made: what makes no sense is a UsageError (which is a ValueError, too), in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import field
from msgspec.structs import force_setattr

from tlsresume import checked
from tlsresume.errors import UsageError
from tlsresume.experiment_names import EXPERIMENT_NAMES, ExperimentName
from tlsresume.protocols.schemes import MTU_RANGE
from tlsresume.request_line import RequestLine, parse_request_line
from tlsresume.results.configuration import OptionValue
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientCertificate, Trust
from tlsresume.value import Secret, Value

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import TicketKeyFile

#: Ten years: no age or lifetime that is asked for comes near this.
LONGEST = 10 * 365 * 86_400.0
_MOST_EARLY_DATA = 65_536

BOTH_VERSIONS = (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3)


class ConnectOptions(Value, frozen=True, kw_only=True):
    """How to connect; the same for probe, save and resume.

    `tls` is the set of versions allowed. `alpn` None means the scheme's own (http/1.1
    for https), () none. `send` is the data that elicits tickets: None means the
    scheme's own (a HEAD request for https), b"" nothing. `mtu` is the most bytes of a DTLS
    datagram.
    """

    tls: tuple[ProtocolVersion, ...] = BOTH_VERSIONS
    ciphers: str | None = None
    ciphersuites: str | None = None
    groups: str | None = None
    alpn: tuple[str, ...] | None = None
    trust: Trust = Trust()
    verify: bool = False
    certificate: ClientCertificate | None = None
    timeout: float = 10.0
    ticket_wait: float = 3.0
    send: bytes | None = None
    keylogfile: str | None = None
    mtu: int = 1200

    def __post_init__(self) -> None:
        _set(self, "tls", checked.listed("tls", self.tls))
        for version in self.tls:
            checked.kind("tls", version, ProtocolVersion, "a ProtocolVersion")
            if version not in BOTH_VERSIONS:
                raise UsageError(f"tls: {version.name} cannot be tested, only TLS 1.2 and 1.3")
        if not self.tls:
            raise UsageError("tls: no version is allowed")
        for name in ("ciphers", "ciphersuites", "groups", "keylogfile"):
            if (value := getattr(self, name)) is not None:
                checked.text(name, value)
        if self.alpn is not None:
            _set(self, "alpn", checked.protocols("alpn", self.alpn))
        checked.kind("trust", self.trust, Trust, "a Trust")
        checked.flags(verify=self.verify)
        if self.certificate is not None:
            checked.kind("certificate", self.certificate, ClientCertificate, "a ClientCertificate")
        checked.seconds("timeout", self.timeout, 3600)
        checked.whole("mtu", self.mtu, *MTU_RANGE)
        checked.seconds("ticket_wait", self.ticket_wait, 600, zero=True)
        if self.send is not None:
            checked.kind("send", self.send, bytes, "bytes")


class FTPLogin(Value, frozen=True):
    """Who asks an FTP server for listings; the password becomes a Secret. RFC 1635: anonymous."""

    _hidden: ClassVar = frozenset({"password"})

    user: str = "anonymous"
    password: Secret | str = Secret(b"tlsresume@tlsresume.invalid")

    def __post_init__(self) -> None:
        checked.kind("user", self.user, str, "a text")
        if not isinstance(self.password, Secret):
            checked.kind("password", self.password, str, "a text")
            _set(self, "password", Secret.of(self.password))
        for name, value in (("user", self.user), ("password", self.secret.text)):
            if set(value) & set("\r\n\0"):
                raise UsageError(f"{name}: a user or password of FTP has no line ends in it")

    @property
    def secret(self) -> Secret:
        """The password, which is a Secret, however it was given."""
        return Secret.of(self.password)


class ProbeOptions(Value, frozen=True, kw_only=True):
    """What `probe` does.

    Only when asked for: `experiments` by name, `cross_names` and `cross_protocols` (SNI and
    ALPN to offer sessions under), `ages` in seconds, `find_lifetime` (the greatest age).
    `ticket_keys` are the operator's key files (`session.keyfile.read_key_files`). `retries`
    repeats what failed before a connection came about. `demanded` are mechanisms on which
    findings have their full weight although an ordinary client would not use them. `quick`:
    one connection of each mechanism to get a session, one to offer it, and no more; then
    `tries` is 1 and `explain` False, whatever was given. `own_options`
    are told in the result as those that this target alone was given.
    `replay_early_data` is the request that is sent as early data and replayed, such as "GET",
    "POST" or "GET /status" (None: not at all), `replay_ages` the pauses after which it is
    replayed again, in seconds. `quic` probes HTTP/3 on the same port, too; `budget` then counts
    for each of the two transports.
    """

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    tries: int = 5
    concurrency: int = 4
    budget: int = 200
    max_addresses: int = 8
    explain: bool = True
    node_header: str | None = None
    ftp: FTPLogin = FTPLogin()
    experiments: tuple[ExperimentName, ...] = ()
    cross_names: tuple[str, ...] = ()
    cross_protocols: tuple[str, ...] = ()
    ages: tuple[float, ...] = ()
    find_lifetime: float | None = None
    ticket_keys: tuple[TicketKeyFile, ...] = ()
    retries: int = 0
    demanded: tuple[Mechanism, ...] = ()
    quick: bool = False
    quic: bool = False
    own_options: tuple[tuple[str, OptionValue], ...] = ()
    replay_early_data: str | None = None
    replay_ages: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        checked.kind("connect", self.connect, ConnectOptions, "a ConnectOptions")
        checked.whole("tries", self.tries, 1, 1000)
        checked.whole("concurrency", self.concurrency, 1, 64)
        checked.whole("budget", self.budget, 1, 100_000)
        checked.whole("max_addresses", self.max_addresses, 1, 256)
        checked.whole("retries", self.retries, 0, 100)
        checked.flags(explain=self.explain, quick=self.quick, quic=self.quic)
        if self.node_header is not None:
            checked.token("node_header", self.node_header)
        checked.kind("ftp", self.ftp, FTPLogin, "an FTPLogin")
        for name in ("experiments", "cross_names", "ages", "ticket_keys", "replay_ages"):
            _set(self, name, checked.listed(name, getattr(self, name)))
        _set(self, "cross_protocols", checked.protocols("cross_protocols", self.cross_protocols))
        for experiment in self.experiments:
            checked.choice("experiments", experiment, EXPERIMENT_NAMES)
        for other in self.cross_names:
            checked.text("cross_names", other)
        for age in self.ages:
            checked.seconds("ages", age, LONGEST)
        if self.find_lifetime is not None:
            checked.seconds("find_lifetime", self.find_lifetime, LONGEST)
        _check_keys(self.ticket_keys)
        _set(self, "demanded", checked.listed("demanded", self.demanded))
        for mechanism in self.demanded:
            checked.choice("demanded", mechanism, MECHANISMS)
        self._check_replay()
        if self.quick:
            self._be_quick()

    def _be_quick(self) -> None:
        for name in (
            "experiments", "cross_names", "cross_protocols", "ages", "find_lifetime",
            "replay_early_data",
        ):  # fmt: skip
            if getattr(self, name):
                raise UsageError(f"{name}: needs more connections than a quick probe makes")
        _set(self, "tries", 1)
        _set(self, "explain", False)

    def _check_replay(self) -> None:
        if self.replay_early_data is not None:
            checked.text("replay_early_data", self.replay_early_data)
            try:
                parse_request_line(self.replay_early_data)
            except ValueError as error:
                raise UsageError(f"replay_early_data: {error}") from None
        for age in self.replay_ages:
            checked.seconds("replay_ages", age, LONGEST)
        if self.replay_ages and self.replay_early_data is None:
            raise UsageError(
                "replay_ages: early data is replayed only with replay_early_data",
                hints=("on the command line: --replay-early-data --replay-age 12s",),
            )

    @property
    def early_request(self) -> RequestLine | None:
        """The request that is replayed as early data."""
        text = self.replay_early_data
        return None if text is None else parse_request_line(text)

    @property
    def most_open(self) -> int:
        """How many connections to one target may be open at a time."""
        return self.concurrency * self.max_addresses


class SaveOptions(Value, frozen=True, kw_only=True):
    """What `save` does. `mechanism` None takes what an ordinary client would get."""

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    mechanism: Mechanism | None = None

    def __post_init__(self) -> None:
        checked.kind("connect", self.connect, ConnectOptions, "a ConnectOptions")
        if self.mechanism is not None:
            checked.choice("mechanism", self.mechanism, MECHANISMS)


class ResumeOptions(Value, frozen=True, kw_only=True):
    """What `resume` does with a saved session.

    The saved TLS version, cipher, SNI and ALPN are pinned unless `connect` names others
    (its `tls`, `ciphers`, `ciphersuites`, `alpn`). `where` is `saved` (the address in the
    file), `now` (ask DNS again) or `each` (every address). `clean_close` False cuts the
    connection instead of closing it.
    """

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    pin: bool = True
    where: Literal["saved", "now", "each"] = "saved"
    any_host: bool = False
    tries: int = 1
    early_data: bytes = b""
    explain: bool = True
    clean_close: bool = True
    ticket_keys: tuple[TicketKeyFile, ...] = ()
    tickets: bool = True
    extended_master_secret: bool = True

    def __post_init__(self) -> None:
        checked.kind("connect", self.connect, ConnectOptions, "a ConnectOptions")
        checked.choice("where", self.where, ("saved", "now", "each"))
        checked.whole("tries", self.tries, 1, 1000)
        checked.kind("early_data", self.early_data, bytes, "bytes")
        if len(self.early_data) > _MOST_EARLY_DATA:
            raise UsageError(f"early_data: more than {_MOST_EARLY_DATA} bytes")
        checked.flags(
            pin=self.pin,
            any_host=self.any_host,
            explain=self.explain,
            clean_close=self.clean_close,
            tickets=self.tickets,
            extended_master_secret=self.extended_master_secret,
        )
        _set(self, "ticket_keys", checked.listed("ticket_keys", self.ticket_keys))
        _check_keys(self.ticket_keys)


class WatchOptions(Value, frozen=True, kw_only=True):
    """What `watch` does: a sample of `tries` full handshakes per address and version, `every`
    so many seconds, for `duration` seconds (None: until it is stopped), or `once`. `quic` watches
    HTTP/3 on the same port, too, as a target of its own."""

    connect: ConnectOptions = field(default_factory=ConnectOptions)
    every: float = 600.0
    duration: float | None = None
    once: bool = False
    tries: int = 3
    max_addresses: int = 8
    quic: bool = False

    def __post_init__(self) -> None:
        checked.kind("connect", self.connect, ConnectOptions, "a ConnectOptions")
        checked.seconds("every", self.every, LONGEST)
        if self.duration is not None:
            checked.seconds("duration", self.duration, LONGEST, zero=True)
        checked.flags(once=self.once, quic=self.quic)
        checked.whole("tries", self.tries, 1, 1000)
        checked.whole("max_addresses", self.max_addresses, 1, 256)


def _check_keys(files: tuple[TicketKeyFile, ...]) -> None:
    if not files:
        return
    from tlsresume.tickets.key_files import TicketKeyFile

    for file in files:
        checked.kind("ticket_keys", file, TicketKeyFile, "a TicketKeyFile (see read_key_files)")


def _set(options: Value, name: str, value: object) -> None:
    """Give a frozen value the tuple of a list: it is compared and hashed."""
    force_setattr(options, name, value)
