"""The purposes of all connections: what experiments write into attempts and checks read.

Apart from the experiments themselves, so that whoever reads attempts (the checks, `explain`)
need not import what makes connections. They do not stand in their experiments' files: those are in a
layer above this one, where `states`, `summary` and others read them. So an experiment is a file of
its own and an entry here.
"""

from __future__ import annotations

from tlsresume.evidence.purpose import Member, PlainPurpose, Purpose, Role, Wanted, experiment
from tlsresume.value import Value

# ------------------------------------------------------------------- the first round


@experiment("discover")
class Discover(PlainPurpose):
    """Which versions does this address speak, and what does it issue?"""

    FULL = Member("full", Role.CONTROL)
    BOTH = Member("both", Role.CONTROL)
    """Offers both versions, as ordinary clients do."""


@experiment("tries")
class Tries(PlainPurpose):
    """How often is a session resumed?"""

    FIXED = Member("fixed", Role.SUBJECT)
    """The same session each time."""
    CHAINED = Member("chained", Role.SUBJECT)
    """A fresh session each time: the newest of the try before."""
    FULL = Member("full", Role.CONTROL)


@experiment("resume")
class Resume(PlainPurpose):
    """Is the session of a file resumed?"""

    RESUME = Member("resume", Role.SUBJECT)


@experiment("save")
class Save(PlainPurpose):
    """A session for a file."""

    FULL = Member("full", Role.CONTROL)


@experiment("watch")
class Sample(PlainPurpose):
    """Which ticket key is in use now?"""

    FULL = Member("full", Role.CONTROL)


@experiment("token", other_config=True)
class Token(PlainPurpose):
    """Is a QUIC server's token for address validation accepted?"""

    ALONE = Member("alone")
    """Shown without a session."""
    SHOWN = Member("shown")
    """Shown with the session of a file, where that broke the connection."""


@experiment("alt-svc")
class AltSvc(PlainPurpose):
    """Does an HTTP answer promise HTTP/3?"""

    FULL = Member("full", Role.CONTROL)


# --------------------------------------------------------------------------- the ladder


@experiment("control")
class Control(PlainPurpose):
    """Does it work without a session?"""

    FULL = Member("full", Role.CONTROL)
    OFFER = Member("offer")
    """The session that the first control brought."""


@experiment("unpinned", other_config=True)
class Unpinned(PlainPurpose):
    """Does it work with other versions and ciphers?"""

    FULL = Member("full")


@experiment("own-name")
class OwnName(PlainPurpose):
    """Does the session resume under its own name?"""

    OFFER = Member("offer")


@experiment("elicit")
class Elicit(PlainPurpose):
    """Do tickets come after data, or late?"""

    FULL = Member("full", Role.CONTROL)


@experiment("no-ems", other_config=True)
class NoEMS(PlainPurpose):
    """Does the extended master secret matter?"""

    FULL = Member("full")
    OFFER = Member("offer")


@experiment("same-ticket")
class SameTicket(PlainPurpose):
    """Is one ticket accepted twice?"""

    FULL = Member("full", Role.CONTROL)
    FIRST = Member("first")
    SECOND = Member("second")


@experiment("retry")
class Retry(PlainPurpose):
    """Is a fresh session accepted at once?"""

    FULL = Member("full", Role.CONTROL)
    AT_ONCE = Member("at-once")
    AGAIN = Member("again")
    """The same session again, after it was refused at once."""


@experiment("answers")
class Answers(PlainPurpose):
    """Is a request answered alike on full and on resumed connections?"""

    FULL = Member("full", Role.CONTROL)
    OFFER = Member("offer")


@experiment("later")
class Later(PlainPurpose):
    """Is a session accepted later that is refused at once?"""

    FULL = Member("full", Role.CONTROL)
    AT_ONCE = Member("at-once")
    LATER = Member("later")


@experiment("hello-size", other_config=True, other_server=True)
class HelloSize(PlainPurpose):
    """Does the length of the ClientHello decide who answers?"""

    PLAIN = Member("plain")
    """Without a session, as it is."""
    PADDED = Member("padded")
    """Without a session, as long as an offer."""
    SHORT = Member("short")
    """With a session, in a short ClientHello."""


@experiment("default-server", other_config=True, other_server=True)
class DefaultServer(PlainPurpose):
    """What becomes of clients that send no server name?"""

    FULL = Member("full")
    OFFER = Member("offer")


@experiment("close")
class Close(PlainPurpose):
    """Does a cut connection lose its session?"""

    FULL_CLEAN = Member("full-clean", Role.CONTROL)
    FULL_ABRUPT = Member("full-abrupt", Role.CONTROL)
    AFTER_CLEAN = Member("after-clean")
    AFTER_ABRUPT = Member("after-abrupt")


@experiment("versions")
class Versions(PlainPurpose):
    """What if both TLS versions are offered?"""

    FULL = Member("full", Role.CONTROL)
    PINNED = Member("pinned")
    BOTH = Member("both")


@experiment("ciphers")
class Ciphers(PlainPurpose):
    """What if another cipher is preferred?"""

    FULL = Member("full", Role.CONTROL)
    OWN = Member("own")
    OTHER_HASH = Member("other-hash")


@experiment("source-port")
class SourcePort(PlainPurpose):
    """Does our source port choose the node?"""

    FULL = Member("full", Role.CONTROL)
    SAME = Member("same")
    NEW = Member("new")


# ------------------------------------------------------------------ what the user asks for


@experiment("cross-name", other_config=True, other_server=True)
class CrossName(PlainPurpose):
    """Is a session accepted under another server name?

    Under the target's own name and the other one; those with a client certificate, where
    `--cert` gave one, are apart.
    """

    FULL = Member("full")
    OFFER = Member("offer")
    CONTROL = Member("control")
    WITH_CERT_FULL = Member("full-with-cert")
    WITH_CERT_OFFER = Member("offer-with-cert")
    WITH_CERT_CONTROL = Member("control-with-cert")
    CARRIED = Member("carried")
    """The other name's own session, made with the certificate, offered without it."""


@experiment("cross-alpn")
class CrossALPN(PlainPurpose):
    """Is a session accepted with another application protocol?"""

    FULL = Member("full", Role.CONTROL)
    OFFER = Member("offer")


@experiment("age")
class Age(PlainPurpose):
    """Full handshakes whose sessions are kept (see `AtAge`)."""

    FULL = Member("full", Role.CONTROL)


@experiment("age")
class AtAge(Purpose, Value, frozen=True):
    """How old may a session grow? The offer of one that is so many `seconds` old."""

    seconds: float

    @property
    def series(self) -> str:
        return f"at {self.seconds:g} s"


@experiment("matrix")
class Matrix(PlainPurpose):
    """Full handshakes whose sessions are offered to other addresses (see `FromAddress`)."""

    FULL = Member("full", Role.CONTROL)


@experiment("matrix")
class FromAddress(Purpose, Value, frozen=True):
    """Which address accepts whose sessions? The offer of one that `issuer` made."""

    issuer: str

    @property
    def series(self) -> str:
        return f"from {self.issuer}"


@experiment("ftp-data")
class FTPData(PlainPurpose):
    """Do FTPS data connections resume the control connection's session, and must they?"""

    CONTROL = Member("control", Role.CONTROL)
    FRESH = Member("fresh")
    """Offers the newest session that was not used yet."""
    SAME = Member("same")
    """Offers the control connection's first session each time."""
    NONE = Member("none", Role.CONTROL)


@experiment("early-data")
class EarlyReplay(PlainPurpose):
    """Is early data taken, taken twice, and answered before it is known to be fresh?"""

    FULL = Member("full")
    """The marked request after a full handshake."""
    SESSION = Member("session")
    """A full handshake for its session alone."""
    TAKEN = Member("taken")
    """Early data on a fresh session."""
    REPEATED = Member("repeated")
    """The request that got 425, again after a handshake."""
    WITHOUT = Member("without")
    """A session and the request, but no early data, where early data failed."""
    FIRST_USE = Member("first-use")
    SECOND_USE = Member("second-use")
    """One ticket in two ClientHellos."""
    COPY = Member("copy")
    ORIGINAL = Member("original")
    """One first flight twice: on a plain socket, then where the handshake can go on."""
    COPY_ELSEWHERE = Member("copy-elsewhere")
    ELSEWHERE = Member("elsewhere")
    """The same, with the first presentation at another address."""
    EARLIER_COPY = Member("earlier-copy")
    LATER_ORIGINAL = Member("later-original")
    """The same, with a pause between the two."""
    HELD = Member("held")
    """Our Finished is held back."""


#: All attempts of the matrix of addresses, and of the experiment with ages.
MATRIX: tuple[Wanted, ...] = (Matrix, FromAddress)
AGE: tuple[Wanted, ...] = (Age, AtAge)

#: Connections with a token of QUIC that may break before it is called the cause.
TOKEN_TRIES = 2
