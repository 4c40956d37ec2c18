"""The rows of the rules' table: for each code, evidence of each mechanism it applies to.

A row is a function from a mechanism to a Story whose one cause is the code. `aside` are
the codes of groups D and T that come with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.helpers.evidence import (
    AES_128,
    OTHER_LEAF,
    STATEFUL,
    SUITES,
    TLS12,
    TLS13,
    Story,
    alert,
)
from tests.helpers.sessions import session as vector
from tests.helpers.trials import changed
from tlsresume.results.connection import Failure, Mechanism, Verification
from tlsresume.tls.registry import AlertDescription
from tlsresume.transports.config import ClientCertificate

ALL: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")
TICKETS: tuple[Mechanism, ...] = ("psk", "ticket")
TLS12_ONLY: tuple[Mechanism, ...] = ("ticket", "session-id")
PSK: tuple[Mechanism, ...] = ("psk",)

Tell = Callable[[Story], Story]


@dataclass(frozen=True)
class Row:
    """Evidence of one code, of one mechanism."""

    code: str
    name: str
    mechanism: Mechanism
    tell: Tell
    aside: frozenset[str]

    def story(self) -> Story:
        return self.tell(Story(self.mechanism))

    def __str__(self) -> str:
        return f"{self.name}-{self.mechanism}"


ROWS: list[Row] = []


def row(code: str, *mechanisms: Mechanism, aside: tuple[str, ...] = ()) -> Callable[[Tell], Tell]:
    """Put evidence of a code into the table, once for each mechanism."""

    def register(tell: Tell) -> Tell:
        ROWS.extend(
            Row(code, tell.__name__.replace("_", "-"), mechanism, tell, frozenset(aside))
            for mechanism in mechanisms
        )
        return tell

    return register


# -------------------------------------------------------------- A: never offered


@row("file-unreadable", *ALL)
def file_unreadable(story: Story) -> Story:
    story.keep(story.session())
    failure = Failure("session", "openssl", "d2i_SSL_SESSION: wrong tag")
    story._tell("resume", "resume", state=story.saved and story.saved.session, error=failure)
    return story


@row("captured-too-early", *PSK)
def captured_too_early(story: Story) -> Story:
    return story.keep(vector("openssl40-psk-too-early")).withheld(
        experiment="resume", series="resume"
    )


@row("not-issued", *ALL)
def not_issued(story: Story) -> Story:
    return story.full(key=None).full("elicit", key=None)


@row("not-issued", *PSK)
def issued_late(story: Story) -> Story:
    """The first round saw no ticket; with more patience and data, one came."""
    return story.full(key=None).full("elicit", key="a")


@row("not-issued", *PSK)
def hung_up_on(story: Story) -> Story:
    """The server left before a ticket could come, and said nothing."""
    return story.full(key=None, closed="hung-up").full("elicit", key=None, closed="hung-up")


@row("expired-at-client", *PSK)
def expired_at_client(story: Story) -> Story:
    return story.keep(story.session(age=9000)).withheld(experiment="resume", series="resume")


@row("version-not-allowed", *ALL)
def version_not_allowed(story: Story) -> Story:
    other = TLS12 if story.mechanism == "psk" else TLS13
    story.config = replace(story.config, minimum=other, maximum=other)
    return story.keep(story.session(age=60)).withheld(experiment="resume", series="resume")


@row("client-ticket-off", "ticket")
def client_ticket_off(story: Story) -> Story:
    story.config = replace(story.config, tickets=False)
    return story.keep(story.session(age=60)).declined(
        experiment="resume", series="resume", offered="session-id", key=None
    )


@row("lifetime-zero", *PSK)
def lifetime_zero(story: Story) -> Story:
    return story.full(lifetime=0).full("tries", lifetime=0)


@row("lifetime-zero", *PSK)
def lifetime_zero_of_a_file(story: Story) -> Story:
    return story.keep(story.session(age=60, ticket_lifetime_hint=None)).withheld(
        experiment="resume", series="resume"
    )


# ---------------------------------------------------------- B: a full handshake


@row("other-ticket-key", *TICKETS)
def two_nodes(story: Story) -> Story:
    story.full(key="a")
    first = story._latest()
    story.declined(first, key="b").resumed(first).declined(first, key="b")
    story.declined(series="chained", key="a").declined(series="chained", key="b")
    return story.retry("NNNNN", key="a", then="b")


@row("mixed-ticket-pool", "psk")
def one_node_without_tickets(story: Story) -> Story:
    """Of two nodes one seals its tickets, and the other keeps its sessions."""
    story.full(key="a")
    first = story._latest()
    story.declined(first, key=STATEFUL).resumed(first, key="a").declined(first, key=STATEFUL)
    return story.declined(series="chained", key="a").declined(series="chained", key=STATEFUL)


@row("mixed-ticket-pool", "psk")
def one_node_with_tickets(story: Story) -> Story:
    """The same, met at the other node first; that node honours nothing."""
    story.full(key=STATEFUL)
    first = story._latest()
    return story.declined(first, key=STATEFUL).declined(first, key="a").full("tries", key="a")


@row("mixed-ticket-pool", "ticket")
def one_node_that_brings_none(story: Story) -> Story:
    story.full(key="a")
    first = story._latest()
    story.resumed(first).declined(first, key=None).resumed(first).declined(first, key=None)
    return story.full("tries", "chained", key=None)


@row("other-ticket-key", "psk")
def a_key_for_each_connection(story: Story) -> Story:
    """As Dovecot's login processes do."""
    story.full(key="k0")
    first = story._latest()
    for n in range(1, 8):
        story.declined(first, key=f"k{n}")
    for attempt in list(story.journal):
        # A second ticket of the same connection is what makes its key's name visible.
        (ticket,) = attempt.tickets
        other = replace(ticket, ticket=ticket.ticket[:16] + ticket.ticket[:15:-1])
        story.journal[attempt.n - 1] = changed(attempt, tickets=(other, ticket))
    return story


@row("other-ticket-key", *TICKETS)
def rotated_since_it_was_saved(story: Story) -> Story:
    story.keep(story.session("old", age=600))
    return story.declined(experiment="resume", series="resume", key="new").retry(key="new")


@row("other-ticket-key", *TICKETS)
def no_visible_names(story: Story) -> Story:
    """Keys without names: that fresh tickets are taken at times is all there is."""
    story.full(key="")
    first = story._latest()
    story.declined(first, key="").resumed(first).declined(first, key="")
    return story.retry("RNRNN", key="")


@row("other-ticket-key", "ticket")
def a_restart_that_renews_nothing(story: Story) -> Story:
    """As wolfSSL does: the handshake that declines brings no ticket; fresh ones have a name."""
    story.keep(story.session("old", age=60))
    story.declined(experiment="resume", series="resume", key=None)
    return story.retry(key="new")


@row("never-honoured", *TICKETS)
def a_context_for_each_connection(story: Story) -> Story:
    """Keys without names, each of its own: as where each connection has a new SSLContext."""
    story.full(key="")
    for _ in range(5):
        story.declined(key="").declined(series="chained", key="")
    return story.retry("NNNNN", key="")


@row("cache-miss", "psk", "session-id")
def two_caches(story: Story) -> Story:
    story.full(key=STATEFUL)
    first = story._latest()
    return story.declined(first, key=STATEFUL).resumed(first).declined(first, key=STATEFUL)


@row("cache-miss", "psk", "session-id")
def evicted_meanwhile(story: Story) -> Story:
    """A cache too small for what the probe itself puts into it."""
    story.full(key=STATEFUL)
    first = story._latest()
    for _ in range(5):
        story.resumed(first)
    for _ in range(5):
        story.declined(first, key=STATEFUL)
    return story


@row("cache-miss", "psk", "session-id")
def evicted_since_it_was_saved(story: Story) -> Story:
    story.keep(story.session(STATEFUL, age=600))
    story.declined(experiment="resume", series="resume", key=STATEFUL).retry(key=STATEFUL)
    fresh = story.session(STATEFUL)
    return (
        story.full("same-ticket", key=STATEFUL)
        .resumed(fresh, "same-ticket", "first")
        .resumed(fresh, "same-ticket", "second")
    )


@row("expired-at-server", *TICKETS)
def too_old_for_the_server(story: Story) -> Story:
    story.keep(story.session(age=7000))
    story.declined(experiment="resume", series="resume").retry()
    fresh = story.session()
    return (
        story.full("same-ticket")
        .resumed(fresh, "same-ticket", "first")
        .resumed(fresh, "same-ticket", "second")
    )


@row("expired-at-server", *TICKETS)
def too_old_and_no_new_ticket(story: Story) -> Story:
    """As wolfSSL does it in TLS 1.2: the declining handshake brings no ticket. Fresh ones are
    under the key of the old one."""
    story.keep(story.session(age=7000))
    story.declined(experiment="resume", series="resume", key=None).retry()
    fresh = story.session()
    return (
        story.full("same-ticket")
        .resumed(fresh, "same-ticket", "first")
        .resumed(fresh, "same-ticket", "second")
    )


@row("expired-at-server", "ticket")
def expired_and_under_another_key(story: Story) -> Story:
    """Past what was promised; the key was rotated since, too, and whether the old one is still
    taken is not known."""
    story.keep(story.session(key="b", age=9000))
    return story.declined(experiment="resume", series="resume").retry()


@row("expired-at-server", *ALL)
def refused_before_the_promise(story: Story) -> Story:
    """Offered at growing ages: refused long before the 7200 s that were promised."""
    story.full().resumed().full("age")
    story.resumed(story.session(age=60), "age", "at 60 s")
    return story.declined(story.session(age=300), "age", "at 300 s")


@row("consumed", *PSK)
def used_before(story: Story) -> Story:
    story.keep(story.session(STATEFUL, age=60))
    story.declined(experiment="resume", series="resume", key=STATEFUL).retry(key=STATEFUL)
    fresh = story.session(STATEFUL)
    return (
        story.full("same-ticket", key=STATEFUL)
        .resumed(fresh, "same-ticket", "first")
        .declined(fresh, "same-ticket", "second", key=STATEFUL)
    )


@row("consumed", *PSK, aside=("resumption-not-verified",))
def used_twice_by_us(story: Story) -> Story:
    story.keep(story.session(STATEFUL, age=60))
    story.resumed(experiment="resume", series="resume", key=STATEFUL)
    story.declined(experiment="resume", series="resume", key=STATEFUL).retry(key=STATEFUL)
    fresh = story.session(STATEFUL)
    return (
        story.full("same-ticket", key=STATEFUL)
        .resumed(fresh, "same-ticket", "first")
        .declined(fresh, "same-ticket", "second", key=STATEFUL)
    )


def _other_hash(story: Story) -> Story:
    """A server that now chooses AES-128, whose hash is another than the session's."""
    return story.declined(
        experiment="resume", series="resume", suite=AES_128, cipher=SUITES[AES_128]
    )


@row("hash-mismatch", *PSK)
def another_hash(story: Story) -> Story:
    return _other_hash(story.keep(story.session(age=60)))


@row("hash-mismatch", *PSK)
def the_suite_is_gone(story: Story) -> Story:
    """Pinned to the session's suite the server finds nothing in common, session or not."""
    session = story.session(age=60)
    story.config = replace(story.config, ciphersuites=session.fields.cipher_name)
    failure = alert(AlertDescription.handshake_failure)
    story.keep(session).broken(experiment="resume", series="resume", alerts=(failure,))
    error = Failure("handshake", "alert", "alert 40")
    for _ in range(2):
        story._tell("control", "full", alerts=(failure,), error=error)
    return story.full("unpinned", suite=AES_128, cipher=SUITES[AES_128])


@row("hash-mismatch", *PSK)
def withheld_after_a_retry(story: Story) -> Story:
    """After a HelloRetryRequest OpenSSL withholds a session whose hash does not fit."""
    return story.keep(story.session(age=60)).withheld(
        experiment="resume",
        series="resume",
        hello_retry=True,
        suite=AES_128,
        cipher=SUITES[AES_128],
    )


@row("context-changed", *ALL)
def renewed_certificate(story: Story) -> Story:
    story.keep(story.session(age=600))
    seen: dict[str, Any] = {"leaf_sha256": OTHER_LEAF}
    story.declined(experiment="resume", series="resume", **seen)
    for _ in range(5):
        story.full("retry", **seen)
        story.resumed(story.journal[-1].sessions[-1], "retry", "at-once")
    return story


@row("context-changed", *ALL)
def nodes_with_other_certificates(story: Story) -> Story:
    story.full()
    first = story._latest()
    story.resumed(first).declined(first, leaf_sha256=OTHER_LEAF)
    return story.resumed(first).declined(first, leaf_sha256=OTHER_LEAF)


@row("name-changed", *ALL)
def offered_under_another_name(story: Story) -> Story:
    story.keep(story.session(age=60), server_name="other.test")
    story.declined(experiment="resume", series="resume")
    own = replace(story.config, server_name="other.test")
    return story.resumed(None, "own-name", "offer", config=own)


@row("name-changed", *ALL)
def another_name_has_another_certificate(story: Story) -> Story:
    """A virtual host with a certificate of its own: the name is what we changed."""
    story.keep(story.session(age=60), server_name="other.test")
    story.declined(experiment="resume", series="resume", leaf_sha256=OTHER_LEAF)
    own = replace(story.config, server_name="other.test")
    return story.resumed(None, "own-name", "offer", config=own)


@row("name-changed", *ALL)
def crossed_by_wish(story: Story) -> Story:
    """--cross-name on a server that resumes: declined under the other name."""
    story.full().resumed().full("cross-name")
    other = replace(story.config, server_name="other.test", verify_name="other.test")
    story.declined(story.journal[-1].sessions[-1], "cross-name", "offer", config=other)
    return story.full("cross-name", "control", config=other)


@row("name-changed", *ALL)
def crossed_by_protocol(story: Story) -> Story:
    """--cross-alpn on a server that resumes: declined under the other protocol."""
    story.full().resumed().full("cross-alpn")
    other = replace(story.config, alpn=("h2",))
    return story.declined(story.journal[-1].sessions[-1], "cross-alpn", "offer", config=other)


@row("version-changed", *ALL)
def another_version(story: Story) -> Story:
    story.config = replace(story.config, minimum=TLS12, maximum=TLS13)
    other = TLS12 if story.mechanism == "psk" else TLS13
    return story.keep(story.session(age=60)).declined(
        experiment="resume", series="resume", tls_version=other, key=None
    )


@row("version-changed", *ALL)
def the_version_is_gone(story: Story) -> Story:
    """Pinned to the session's version the server refuses, session or not."""
    refused = alert(AlertDescription.protocol_version)
    story.keep(story.session(age=60))
    story.broken(experiment="resume", series="resume", alerts=(refused,))
    error = Failure("handshake", "alert", "alert 70")
    for _ in range(2):
        story._tell("control", "full", alerts=(refused,), error=error)
    other = TLS12 if story.mechanism == "psk" else TLS13
    return story.full("unpinned", tls_version=other, key=None)


@row("never-honoured", *ALL)
def issued_and_refused(story: Story) -> Story:
    key = STATEFUL if story.mechanism == "psk" else "a"
    story.full(key=key)
    for _ in range(5):
        story.declined(key=key).declined(series="chained", key=key)
    story.retry("NNNNN", key=key)
    return story if story.mechanism == "ticket" else story.later("NN", key=key)


@row("honoured-later", "psk", "session-id")
def stored_without_waiting(story: Story) -> Story:
    """As with a store that is written to after the handshake."""
    story.full(key=STATEFUL)
    for _ in range(5):
        story.declined(key=STATEFUL).declined(series="chained", key=STATEFUL)
    return story.retry("NNNNN", key=STATEFUL).later("RR", key=STATEFUL)


@row("honoured-later", "psk", "session-id")
def stored_a_moment_later(story: Story) -> Story:
    """The session that is offered again and again is there from some moment on."""
    story.full(key=STATEFUL)
    first = story._latest()
    story.declined(first, key=STATEFUL).declined(series="chained", key=STATEFUL)
    story.declined(series="chained", key=STATEFUL).declined(series="chained", key=STATEFUL)
    return story.resumed(first).resumed(first).later("RR", key=STATEFUL)


@row("routed-by-size", *TICKETS)
def long_hellos_meet_another_key(story: Story) -> Story:
    story.full(hello_size=300)
    first = story._latest()
    for _ in range(4):
        story.declined(first, key="b", hello_size=600)
    story.full("tries", hello_size=300)
    story.declined(series="chained", key="b", hello_size=600)
    return story.by_length({"key": "b"}, {})


@row("routed-by-size", *TICKETS)
def the_other_key_takes_its_own(story: Story) -> Story:
    """Where the other server's tickets are as long, it honours them: fresh ones resume."""
    story.full(hello_size=300)
    first = story._latest()
    story.full("tries", hello_size=300)
    story.declined(first, key="b", hello_size=600).declined(first, key="b", hello_size=600)
    renewed = "b" if story.mechanism == "psk" else None
    story.resumed(None, series="chained", key=renewed, hello_size=600)
    story.resumed(None, series="chained", key=renewed, hello_size=600)
    return story.by_length({"key": "b"}, {})


@row("routed-by-size", *ALL)
def long_hellos_meet_another_certificate(story: Story) -> Story:
    key = STATEFUL if story.mechanism == "psk" else ""
    other: dict[str, Any] = {"key": key, "leaf_sha256": OTHER_LEAF}
    story.full(key=key, hello_size=300).full("tries", key=key, hello_size=300)
    for _ in range(5):
        story.declined(hello_size=600, **other)
    return story.by_length(other, {"key": key})


@row("routed-by-size", *TICKETS)
def short_hellos_ask_for_a_certificate(story: Story) -> Story:
    asks: dict[str, Any] = {"key": "", "certificate_requested": True}
    story.full(hello_size=300, **asks).full("tries", hello_size=300, **asks)
    for _ in range(5):
        story.declined(hello_size=600, key="")
    for _ in range(2):
        story.full("hello-size", "plain", hello_size=300, **asks)
        story.full("hello-size", "padded", hello_size=600, key="")
    return story


@row("routed-by-size", *PSK)
def only_short_hellos_resume(story: Story) -> Story:
    """Nothing tells the servers apart but what they accept."""
    story.full(key=STATEFUL, hello_size=300)
    for _ in range(5):
        story.declined(key=STATEFUL, hello_size=600)
    return story.by_length({"key": STATEFUL}, {"key": STATEFUL})


@row("routed-by-session", *TICKETS)
def sorted_by_what_they_offer(story: Story) -> Story:
    story.full(hello_size=300)
    for _ in range(5):
        story.declined(key="b", hello_size=600)
    for _ in range(2):
        story.full("hello-size", "plain", hello_size=300)
        story.full("hello-size", "padded", hello_size=600)
    return story


@row("hello-too-large", *ALL)
def long_hellos_are_dropped(story: Story) -> Story:
    story.full(hello_size=300)
    for _ in range(3):
        story.broken(kind="timeout", hello_size=600)
    return story.control(hello_size=300).by_length(None, {})


@row("hello-too-large", *ALL)
def long_hellos_are_refused(story: Story) -> Story:
    """A router without a default answers by an alert."""
    unknown = alert(AlertDescription.unrecognized_name)
    story.full(hello_size=300)
    for _ in range(3):
        story.broken(alerts=(unknown,), hello_size=600)
    return story.control(hello_size=300).by_length(None, {})


@row("dies-on-session", *ALL)
def not_for_its_length(story: Story) -> Story:
    """One as long without a session is answered, and a short one with it is not."""
    story.full(hello_size=300)
    for _ in range(3):
        story.broken(kind="closed", hello_size=600)
    return story.control(hello_size=300).by_length({})


@row("never-honoured", *ALL)
def a_file_and_fresh_ones_are_refused(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.declined(experiment="resume", series="resume").retry("NNNNN")
    return story.later("NN") if story.mechanism == "session-id" else story


@row("unclean-close", "psk", "session-id")
def lost_with_a_cut(story: Story) -> Story:
    story.full(key=STATEFUL).resumed()
    for _ in range(3):
        story.full("close", "full-clean", key=STATEFUL)
        story.resumed(story.journal[-1].sessions[-1], "close", "after-clean")
        story.full("close", "full-abrupt", key=STATEFUL)
        story.declined(story.journal[-1].sessions[-1], "close", "after-abrupt", key=STATEFUL)
    return story


@row("ems-upgraded", *TLS12_ONLY)
def made_without_ems(story: Story) -> Story:
    story.keep(story.session(age=60, flags=0))
    story.declined(experiment="resume", series="resume")
    config = replace(story.config, extended_master_secret=False)
    return story.resumed(None, "no-ems", "offer", config=config)


@row("other-terminator", *TICKETS)
def another_device(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.declined(experiment="resume", series="resume", key="b", leaf_sha256=OTHER_LEAF)
    last = story.journal[-1]
    short = replace(last.tickets[0], ticket=last.tickets[0].ticket[:112], lifetime=300)
    story.journal[-1] = changed(last, tickets=(short,))
    return story


@row("mechanism-removed", *ALL)
def switched_off_since(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.declined(experiment="resume", series="resume", key=None)
    return story.full("retry", key=None)


@row("mechanism-removed", *PSK)
def sealed_tickets_switched_off_since(story: Story) -> Story:
    """TLS 1.3: a sealed ticket then, names in a cache now."""
    story.keep(story.session("a", age=60))
    story.declined(experiment="resume", series="resume", key=STATEFUL)
    return story.retry(key=STATEFUL)


@row("undetermined", *TICKETS)
def refused_at_random(story: Story) -> Story:
    """One key, fresh sessions, and refused now and then: only the server knows."""
    story.full()
    first = story._latest()
    story.resumed(first).declined(first).resumed(first)
    return story.retry("RRNRR")


@row("undetermined", *PSK)
def withheld_without_a_reason(story: Story) -> Story:
    return story.keep(story.session(age=-3600)).withheld(experiment="resume", series="resume")


# ------------------------------------------------------- C: the handshake failed

_INTERNAL = alert(AlertDescription.internal_error)
_ILLEGAL = alert(AlertDescription.illegal_parameter)
_FAILURE = alert(AlertDescription.handshake_failure)


@row("no-session-id-context", *TICKETS)
def no_context(story: Story) -> Story:
    story.full(certificate_requested=True)
    return story.broken(alerts=(_INTERNAL,)).control(certificate_requested=True)


@row("no-session-id-context", *TICKETS)
def no_context_with_a_file(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.broken(experiment="resume", series="resume", alerts=(_INTERNAL,))
    story.control(certificate_requested=True)
    story.full("retry", certificate_requested=True)
    return story.broken(story.journal[-1].sessions[-1], "retry", "at-once", alerts=(_INTERNAL,))


@row("aged-ticket-alert", *TICKETS)
def alert_for_old_tickets(story: Story) -> Story:
    story.keep(story.session(age=7000))
    story.broken(experiment="resume", series="resume", alerts=(_INTERNAL,))
    return story.control().retry()


@row("aged-ticket-alert", *TICKETS)
def alert_at_an_age(story: Story) -> Story:
    story.full().resumed().full("age").resumed(story.session(age=60), "age", "at 60 s")
    return story.broken(story.session(age=300), "age", "at 300 s", alerts=(_INTERNAL,))


@row("wrong-binder", *PSK)
def edited_secret(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.broken(experiment="resume", series="resume", alerts=(_ILLEGAL,))
    return story.control().retry()


@row("wrong-binder", *PSK)
def edited_secret_by_the_standard(story: Story) -> Story:
    """RFC 8446 section 6.2 wants decrypt_error."""
    refused = alert(AlertDescription.decrypt_error)
    story.keep(story.session(age=60))
    story.broken(experiment="resume", series="resume", alerts=(refused,))
    return story.control().retry()


@row("cipher-removed", *TLS12_ONLY)
def cipher_not_offered(story: Story) -> Story:
    story.config = replace(story.config, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    story.keep(story.session(age=60))
    return story.broken(experiment="resume", series="resume", alerts=(_ILLEGAL,)).control()


@row("cipher-removed", *TLS12_ONLY)
def cipher_gone_from_the_server(story: Story) -> Story:
    session = story.session(age=60)
    story.config = replace(story.config, ciphers=session.fields.cipher_name)
    story.keep(session).broken(experiment="resume", series="resume", alerts=(_FAILURE,))
    error = Failure("handshake", "alert", "alert 40")
    for _ in range(2):
        story._tell("control", "full", alerts=(_FAILURE,), error=error)
    return story.full("unpinned", cipher="ECDHE-ECDSA-AES128-GCM-SHA256", suite=0xC02B)


@row("ems-dropped", *TLS12_ONLY)
def ems_not_offered(story: Story) -> Story:
    story.config = replace(story.config, extended_master_secret=False)
    story.keep(story.session(age=60))
    story.broken(experiment="resume", series="resume", alerts=(_FAILURE,))
    return story.control(extended_master_secret=False)


@row("wrong-secret", *TLS12_ONLY)
def secrets_differ(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.broken(
        experiment="resume",
        series="resume",
        kind="openssl",
        reason="decryption failed or bad record mac",
        alerts=(alert(AlertDescription.bad_record_mac, "client"),),
        server_hello_seen=True,
        accepted=True,
    )
    return story.control().retry()


@row("ems-changed", *TLS12_ONLY)
def ems_of_the_server_changed(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.broken(
        experiment="resume", series="resume", reason="inconsistent extms", server_hello_seen=True
    )
    return story.control()


@row("ems-changed", *TLS12_ONLY)
def ems_gone_from_the_server(story: Story) -> Story:
    """We offer EMS, the session has it, and the server aborts: it has none any more."""
    story.keep(story.session(age=60))
    story.broken(experiment="resume", series="resume", alerts=(_FAILURE,))
    return story.control(extended_master_secret=False)


@row("cross-name-refused", *TICKETS)
def alert_49(story: Story) -> Story:
    story.keep(story.session(age=60), server_name="other.test")
    denied = alert(AlertDescription.access_denied)
    story.config = replace(story.config, certificate=ClientCertificate("c.pem", "k.pem"))
    story.broken(experiment="resume", series="resume", alerts=(denied,))
    return story.control(certificate_requested=True)


@row("cross-name-refused", *ALL, aside=("resumption-not-verified",))
def http_421(story: Story) -> Story:
    story.keep(story.session(age=60), server_name="other.test")
    story.resumed(
        experiment="resume", series="resume", response=b"HTTP/1.1 421 Misdirected Request\r\n\r\n"
    )
    return story.control(response=b"HTTP/1.1 200 OK\r\n\r\n")


@row("cross-name-refused", *TICKETS)
def crossed_by_wish_and_refused(story: Story) -> Story:
    story.full().resumed().full("cross-name")
    other = replace(story.config, server_name="other.test", verify_name="other.test")
    denied = alert(AlertDescription.access_denied)
    session = story.journal[-1].sessions[-1]
    return story.broken(session, "cross-name", "offer", alerts=(denied,), config=other)


@row("mixed-version-pool", *ALL)
def versions_differ(story: Story) -> Story:
    refused = alert(AlertDescription.protocol_version)
    story.full()
    first = story._latest()
    return story.resumed(first).broken(first, alerts=(refused,)).resumed(first).full("tries")


@row("dies-on-session", *ALL)
def fin_for_a_session(story: Story) -> Story:
    return story.full().broken(kind="closed").broken(kind="closed").control()


@row("dies-on-session", *ALL)
def rst_for_a_session(story: Story) -> Story:
    return story.full().broken(kind="reset").broken(kind="reset").control()


@row("dies-on-session", *ALL)
def silence_for_a_session(story: Story) -> Story:
    return story.full().broken(kind="timeout").broken(kind="timeout").control()


@row("breaks-anyway", *ALL)
def rst_with_a_session_and_without(story: Story) -> Story:
    return story.full().broken(kind="reset").broken(kind="reset").full("control").failed()


@row("breaks-anyway", *ALL)
def a_limit_after_some_connections(story: Story) -> Story:
    story.full()
    first = story._latest()
    story.resumed(first).resumed(first).broken(first, kind="closed").failed("tries", kind="closed")
    return story.broken(first, kind="closed").failed().failed()


@row("breaks-anyway", *ALL)
def from_some_moment_on_nothing_works(story: Story) -> Story:
    down = alert(AlertDescription.internal_error)
    story.full().broken(alerts=(down,)).broken(alerts=(down,))
    story._tell("control", "full", alerts=(down,), error=story.journal[-1].error)
    return story


@row("fails-with-session", *ALL)
def an_older_version_for_a_session_only(story: Story) -> Story:
    old = "unsupported protocol"
    return story.full().broken(reason=old).broken(reason=old).full("tries").control()


@row("fails-with-session", *ALL)
def fails_in_a_way_of_its_own(story: Story) -> Story:
    odd = alert(AlertDescription.unexpected_message)
    return story.full().broken(alerts=(odd,)).broken(alerts=(odd,)).control()


# ---------------------------------------------------- D: resumed, but misread


def _resumed(story: Story, **seen: Any) -> Story:
    story.full()
    first = story._latest()
    return story.resumed(first, **seen).resumed(first, series="chained", **seen)


@row("session-id-changed", *PSK)
def other_ids(story: Story) -> Story:
    story.full()
    first = story._latest()
    return story.resumed(first, server_session_id=b"1" * 32).resumed(
        first, server_session_id=b"2" * 32
    )


@row("ticket-renewed", "ticket")
def renewed(story: Story) -> Story:
    return _resumed(story, key="a")


@row("resumed-by-id", "ticket")
def by_id(story: Story) -> Story:
    return _resumed(story, offered="session-id")


GOOD, MISDIRECTED, FORBIDDEN = (
    f"HTTP/1.1 {status} X\r\n\r\n".encode() for status in (200, 421, 403)
)


@row("resumed-then-refused", *ALL)
def misdirected(story: Story) -> Story:
    return story.full(response=GOOD).resumed(response=MISDIRECTED).answers(GOOD, MISDIRECTED)


@row("resumed-then-refused", *ALL, aside=("resumption-not-verified",))
def misdirected_with_a_file(story: Story) -> Story:
    story.keep(story.session(age=60)).resumed(
        experiment="resume", series="resume", response=FORBIDDEN
    )
    return story.answers(GOOD, FORBIDDEN)


@row("resumed-then-unanswered", *ALL)
def never_answered(story: Story) -> Story:
    story.full(response=GOOD, asked=True, answer_ms=4.0)
    return story.resumed(asked=True, answer_ms=3000.0).answers(GOOD, b"")


@row("resumed-then-unanswered", *ALL, aside=("resumption-not-verified",))
def closed_unanswered_with_a_file(story: Story) -> Story:
    story.keep(story.session(age=60))
    story.resumed(experiment="resume", series="resume", asked=True, answer_ms=1.0, left=True)
    return story.answers(GOOD, b"", left=True)


@row("resumption-not-verified", *ALL)
def stored_result(story: Story) -> Story:
    stored = Verification(18, "self-signed certificate", stored=True)
    return story.keep(story.session(age=60)).resumed(
        experiment="resume", series="resume", verification=stored
    )


@row("early-data-rejected", *PSK)
def early_data_refused(story: Story) -> Story:
    return _resumed(story, early_data="rejected")


@row("early-data-rejected", *PSK)
def early_data_after_another_key_share(story: Story) -> Story:
    story.full().early("taken", "x-taken", "rejected", hello_retry=True, retry_group=24)
    return story.early("taken", "x-taken.2", "full-handshake")


def _taken(story: Story, **seen: Any) -> Story:
    return story.full().early("full", "x-control", "not-sent").early("taken", "x-taken", **seen)


@row("early-data-replayed", *PSK)
def copies_taken(story: Story) -> Story:
    _taken(story).early("first-use", "x-first").early("second-use", "x-second", "rejected")
    return story.early("copy", "x-copy", "copy").early("original", "x-copy")


@row("early-data-single-use", *PSK)
def copies_refused(story: Story) -> Story:
    _taken(story).early("first-use", "x-first").early("second-use", "x-second")
    return story.early("copy", "x-copy", "copy").early("original", "x-copy", "full-handshake")


@row("no-freshness-check", *PSK, aside=("early-data-replayed",))
def taken_a_minute_later(story: Story) -> Story:
    _taken(story).early("earlier-copy", "x-after60s", "copy")
    return story.early("later-original", "x-after60s", after=60.0)


@row("early-data-answered-early", *PSK)
def answered_at_once(story: Story) -> Story:
    return _taken(story).early("held", "x-held", early_answer=True)


@row("early-data-waits", *PSK)
def answered_after_all(story: Story) -> Story:
    return _taken(story).early("held", "x-held", early_answer=False)


@row("too-early", *PSK)
def sent_away(story: Story) -> Story:
    _taken(story, response=b"HTTP/1.1 425 Too Early\r\n\r\n")
    return story.early("repeated", "x-taken", "not-sent")


@row("early-data-dies", *PSK)
def dies_with_early_data(story: Story) -> Story:
    story.full().early("full", "x-control", "not-sent").early("taken", "x-taken", "failed")
    story.early("without", "x-without", "not-sent", resumed=True, accepted=True)
    return story.early("taken", "x-taken.2", "failed")


@row("hello-retry", *PSK)
def retried(story: Story) -> Story:
    return _resumed(story, hello_retry=True)


@row("single-use", *PSK)
def once_each(story: Story) -> Story:
    story.full(key=STATEFUL)
    first = story._latest()
    story.resumed(first, key=STATEFUL)
    for _ in range(4):
        story.declined(first, key=STATEFUL)
    for _ in range(5):
        story.resumed(story._latest(), series="chained", key=STATEFUL)
    return story


@row("single-use", "ticket", aside=("ticket-renewed",))
def once_each_without_names(story: Story) -> Story:
    """Tickets that show no key names: the order of the answers is no pool's."""
    story.full(key="")
    first = story._latest()
    story.resumed(first, key="")
    for _ in range(4):
        story.declined(first, key="")
    for _ in range(5):
        story.resumed(story._latest(), series="chained", key="")
    return story


#: The vectors' certificate is for the first, and not for the second.
COVERED, NOT_COVERED = "localhost", "other.test"


@row("cross-name-accepted", *ALL)
def crossed_and_taken(story: Story) -> Story:
    story.full().resumed()
    return story.crossed(COVERED, own=b"", offer=b"", control=b"")


@row("cross-name-other-certificate", *ALL)
def crossed_to_a_name_without_the_certificate(story: Story) -> Story:
    story.full().resumed()
    return story.crossed(NOT_COVERED, own=GOOD, offer=GOOD, control=GOOD)


@row("cross-name-answered-by-other", *ALL)
def crossed_and_answered_by_the_first(story: Story) -> Story:
    story.full().resumed()
    return story.crossed(COVERED, own=GOOD + b"a 1", offer=GOOD + b"a 2", control=GOOD + b"b 3")


@row("cross-name-untested", *ALL)
def crossed_without_a_control(story: Story) -> Story:
    story.full().resumed()
    return story.crossed(COVERED, own=GOOD, offer=GOOD, control=None)
