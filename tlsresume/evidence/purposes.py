"""The purposes of all connections: what experiments write into attempts and checks read.

Apart from the experiments themselves, so that whoever reads attempts (the checks, `explain`)
need not import what makes connections. They do not stand in their experiments' files: those are in a
layer above this one, where `states`, `summary` and others read them. So an experiment is a file of
its own and an entry here.
"""

from __future__ import annotations

from tlsresume.evidence.purpose import PlainPurpose, Purpose, Role, Wanted, experiment
from tlsresume.value import Value

# ------------------------------------------------------------------- the first round


@experiment("discover")
class Discover(PlainPurpose):
    """Which versions does this address speak, and what does it issue?"""

    FULL = "full", Role.CONTROL
    BOTH = "both", Role.CONTROL
    """Offers both versions, as ordinary clients do."""


@experiment("tries")
class Tries(PlainPurpose):
    """How often is a session resumed?"""

    FIXED = "fixed", Role.SUBJECT
    """The same session each time."""
    CHAINED = "chained", Role.SUBJECT
    """A fresh session each time: the newest of the try before."""
    FULL = "full", Role.CONTROL


@experiment("resume")
class Resume(PlainPurpose):
    """Is the session of a file resumed?"""

    RESUME = "resume", Role.SUBJECT


@experiment("save")
class Save(PlainPurpose):
    """A session for a file."""

    FULL = "full", Role.CONTROL


@experiment("watch")
class Sample(PlainPurpose):
    """Which ticket key is in use now?"""

    FULL = "full", Role.CONTROL


@experiment("token", other_config=True)
class Token(PlainPurpose):
    """Is a QUIC server's token for address validation accepted?"""

    ALONE = "alone"
    """Shown without a session."""
    SHOWN = "shown"
    """Shown with the session of a file, where that broke the connection."""


@experiment("alt-svc")
class AltSvc(PlainPurpose):
    """Does an HTTP answer promise HTTP/3?"""

    FULL = "full", Role.CONTROL


# --------------------------------------------------------------------------- the ladder


@experiment("control")
class Control(PlainPurpose):
    """Does it work without a session?"""

    FULL = "full", Role.CONTROL
    OFFER = "offer"
    """The session that the first control brought."""


@experiment("unpinned", other_config=True)
class Unpinned(PlainPurpose):
    """Does it work with other versions and ciphers?"""

    FULL = "full"


@experiment("own-name")
class OwnName(PlainPurpose):
    """Does the session resume under its own name?"""

    OFFER = "offer"


@experiment("elicit")
class Elicit(PlainPurpose):
    """Do tickets come after data, or late?"""

    FULL = "full", Role.CONTROL


@experiment("no-ems", other_config=True)
class NoEMS(PlainPurpose):
    """Does the extended master secret matter?"""

    FULL = "full"
    OFFER = "offer"


@experiment("same-ticket")
class SameTicket(PlainPurpose):
    """Is one ticket accepted twice?"""

    FULL = "full", Role.CONTROL
    FIRST = "first"
    SECOND = "second"


@experiment("retry")
class Retry(PlainPurpose):
    """Is a fresh session accepted at once?"""

    FULL = "full", Role.CONTROL
    AT_ONCE = "at-once"
    AGAIN = "again"
    """The same session again, after it was refused at once."""


@experiment("answers")
class Answers(PlainPurpose):
    """Is a request answered alike on full and on resumed connections?"""

    FULL = "full", Role.CONTROL
    OFFER = "offer"


@experiment("later")
class Later(PlainPurpose):
    """Is a session accepted later that is refused at once?"""

    FULL = "full", Role.CONTROL
    AT_ONCE = "at-once"
    LATER = "later"


@experiment("hello-size", other_config=True, other_server=True)
class HelloSize(PlainPurpose):
    """Does the length of the ClientHello decide who answers?"""

    PLAIN = "plain"
    """Without a session, as it is."""
    PADDED = "padded"
    """Without a session, as long as an offer."""
    SHORT = "short"
    """With a session, in a short ClientHello."""


@experiment("default-server", other_config=True, other_server=True)
class DefaultServer(PlainPurpose):
    """What becomes of clients that send no server name?"""

    FULL = "full"
    OFFER = "offer"


@experiment("close")
class Close(PlainPurpose):
    """Does a cut connection lose its session?"""

    FULL_CLEAN = "full-clean", Role.CONTROL
    FULL_ABRUPT = "full-abrupt", Role.CONTROL
    AFTER_CLEAN = "after-clean"
    AFTER_ABRUPT = "after-abrupt"


@experiment("versions")
class Versions(PlainPurpose):
    """What if both TLS versions are offered?"""

    FULL = "full", Role.CONTROL
    PINNED = "pinned"
    BOTH = "both"


@experiment("ciphers")
class Ciphers(PlainPurpose):
    """What if another cipher is preferred?"""

    FULL = "full", Role.CONTROL
    OWN = "own"
    OTHER_HASH = "other-hash"


@experiment("source-port")
class SourcePort(PlainPurpose):
    """Does our source port choose the node?"""

    FULL = "full", Role.CONTROL
    SAME = "same"
    NEW = "new"


# ------------------------------------------------------------------ what the user asks for


@experiment("cross-name", other_config=True, other_server=True)
class CrossName(PlainPurpose):
    """Is a session accepted under another server name?

    Under the target's own name and the other one; those with a client certificate, where
    `--cert` gave one, are apart.
    """

    FULL = "full"
    OFFER = "offer"
    CONTROL = "control"
    WITH_CERT_FULL = "full-with-cert"
    WITH_CERT_OFFER = "offer-with-cert"
    WITH_CERT_CONTROL = "control-with-cert"
    CARRIED = "carried"
    """The other name's own session, made with the certificate, offered without it."""


@experiment("cross-alpn")
class CrossALPN(PlainPurpose):
    """Is a session accepted with another application protocol?"""

    FULL = "full", Role.CONTROL
    OFFER = "offer"


@experiment("age")
class Age(PlainPurpose):
    """Full handshakes whose sessions are kept (see `AtAge`)."""

    FULL = "full", Role.CONTROL


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

    FULL = "full", Role.CONTROL


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

    CONTROL = "control", Role.CONTROL
    FRESH = "fresh"
    """Offers the newest session that was not used yet."""
    SAME = "same"
    """Offers the control connection's first session each time."""
    NONE = "none", Role.CONTROL


@experiment("early-data")
class EarlyReplay(PlainPurpose):
    """Is early data taken, taken twice, and answered before it is known to be fresh?"""

    FULL = "full"
    """The marked request after a full handshake."""
    SESSION = "session"
    """A full handshake for its session alone."""
    TAKEN = "taken"
    """Early data on a fresh session."""
    REPEATED = "repeated"
    """The request that got 425, again after a handshake."""
    WITHOUT = "without"
    """A session and the request, but no early data, where early data failed."""
    FIRST_USE = "first-use"
    SECOND_USE = "second-use"
    """One ticket in two ClientHellos."""
    COPY = "copy"
    ORIGINAL = "original"
    """One first flight twice: on a plain socket, then where the handshake can go on."""
    COPY_ELSEWHERE = "copy-elsewhere"
    ELSEWHERE = "elsewhere"
    """The same, with the first presentation at another address."""
    EARLIER_COPY = "earlier-copy"
    LATER_ORIGINAL = "later-original"
    """The same, with a pause between the two."""
    HELD = "held"
    """Our Finished is held back."""


#: All attempts of the matrix of addresses, and of the experiment with ages.
MATRIX: tuple[Wanted, ...] = (Matrix, FromAddress)
AGE: tuple[Wanted, ...] = (Age, AtAge)

#: Connections with a token of QUIC that may break before it is called the cause.
TOKEN_TRIES = 2
