"""Every demand, as one row: its key, what its value is, what the schema and the command line
say of it, its sentence for people, and its check.

The options of the command line, the fields of a policy, its reading and its JSON Schema, the
reference, `tlsresume policy` and the checks all walk this table. A new limit is a row here and a
function in `limits`. What is resumed is demanded by several rows together (the default verdict,
`expect`, `min-rate` and the ranges), so `mechanisms` checks those, and they have no function.

The command line lists its options from here, so this and what it imports stays light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tlsresume.durations import parse_duration, parse_share, short_duration
from tlsresume.policy import limits
from tlsresume.policy.ranges import parse_range

if TYPE_CHECKING:
    from tlsresume.results.measured import AddressResult
    from tlsresume.results.report import TargetResult


class Kind(NamedTuple):
    """What a value is: what stands for it in help, and how a text becomes one. `parse` raises
    ValueError."""

    name: str
    metavar: str | None = None
    parse: Callable[[Any], Any] | None = None


YES = Kind("yes")
#: One of the words of the row's `words`.
WORD = Kind("word")
COUNT = Kind("count", "N")
DURATION = Kind("duration", "TIME", parse_duration)
SHARE = Kind("share", "SHARE", parse_share)
#: A threshold as plugins spell it; kept as the text that it is.
RANGE = Kind("range", "RANGE", parse_range)
#: What is expected, by mechanism.
EXPECTATIONS = Kind("expectations", "MECHANISM[=STATE]|STATE")


class Option(NamedTuple):
    """An option of the command line; `word` is what it asks for, None if its value says so.
    `short` is what the short help of each command says of it."""

    spelling: str
    help: str
    word: str | None
    short: Mapping[str, str] | None = None
    short_value: str | None = None

    @property
    def parameter(self) -> str:
        """Its name among the arguments of a command."""
        return self.spelling.lstrip("-").replace("-", "_")


class Row(NamedTuple):
    """One demand.

    `about` is for the schema and the reference. `help` makes an option of the same name, each of
    `words` one that begins with it (`--forbid-early-data`); without both, a policy alone can
    demand it. `says` makes a sentence of the value, `each_address` or `all_addresses` checks it.
    `not_above` is the key of a demand whose value may not be smaller. `scraped`: modules of the
    exporter can demand it.
    """

    key: str
    kind: Kind
    about: str
    help: str | None = None
    words: Mapping[str, str] = {}
    says: Callable[[Any], str] | None = None
    each_address: Callable[[AddressResult, Any], Iterable[limits.Found]] | None = None
    all_addresses: Callable[[TargetResult, Any], Iterable[limits.Found]] | None = None
    not_above: str | None = None
    scraped: bool = True
    short: Mapping[str, str] | None = None
    short_value: str | None = None

    @property
    def field(self) -> str:
        """Its name as a field of Demands."""
        return self.key.replace("-", "_")

    @property
    def options(self) -> Iterator[Option]:
        """What the command line has for it."""
        if self.help is not None:
            yield Option(f"--{self.key}", self.help, None, self.short, self.short_value)
        for word, words in self.words.items():
            yield Option(f"--{word}-{self.key}", words, word)

    @property
    def is_limit(self) -> bool:
        """Whether it stands by itself, beside what is demanded of resumption."""
        return self.each_address is not None or self.all_addresses is not None

    def asked(self, demands: object) -> Any:
        """What is asked: None for nothing, a length of time in seconds."""
        value = getattr(demands, self.field)
        if value in (None, False):
            return None
        return parse_duration(value) if self.kind is DURATION else value


DEMANDS: tuple[Row, ...] = (
    Row(
        "resumes", YES,
        about="true: every judged mechanism is resumed every time (the default verdict)",
    ),
    Row(
        "expect", EXPECTATIONS,
        short={
            "probe": "expect psk, ticket, session-id, or not-resumed",
            "resume": "expect resumed (the default) or not-resumed",
        },
        short_value="STATE",
        about="What each mechanism must do; replaces the default verdict",
        help="Expect psk, ticket or session-id (all, if none is named) to be resumed (where no"
        " STATE is named), not-resumed, or any. Replaces the default verdict; what is not named"
        " is not checked.",
    ),
    Row(
        "min-rate", SHARE,
        about="The lowest share of offered sessions that must be resumed",
        help="The lowest share of offered sessions that must be resumed, such as 0.9 or 90%."
        " Replaces the default verdict.",
    ),
    Row(
        "max-lifetime", DURATION,
        about="Tickets live no longer than this",
        help="Tickets must live no longer than this, such as 24h.",
        says=lambda seconds: f"Tickets live no longer than {short_duration(seconds)}.",
        each_address=limits.max_lifetime,
    ),
    Row(
        "min-lifetime", DURATION,
        about="Tickets live at least this long",
        help="Tickets must live at least this long, such as 5m.",
        says=lambda seconds: f"Tickets live at least {short_duration(seconds)}.",
        each_address=limits.min_lifetime,
        not_above="max-lifetime",
    ),
    Row(
        "max-ticket-keys", COUNT,
        about="Ticket keys seen over all addresses of a target, at most",
        help="Ticket keys that may be seen over all addresses of a target.",
        says=lambda most: f"At most {most} ticket key{'s' if most > 1 else ''} can be seen over"
        " all addresses.",
        all_addresses=limits.max_ticket_keys,
    ),
    Row(
        "min-tickets", COUNT,
        about="TLS 1.3 tickets per full handshake, at least",
        help="TLS 1.3 tickets that each full handshake must bring.",
        says=lambda least: f"A TLS 1.3 handshake brings at least {least} tickets.",
        each_address=limits.min_tickets,
    ),
    Row(
        "early-data", WORD,
        about="Whether TLS 1.3 tickets allow early data",
        words={
            "require": "Tickets must allow early data.",
            "forbid": "Tickets must not allow early data.",
        },
        says=lambda word: "TLS 1.3 tickets allow early data." if word == "require"
        else "Tickets allow no early data.",
        each_address=limits.early_data,
    ),
    Row(
        "early-data-replay", WORD,
        about="No replay of early data is accepted (tested with --replay-early-data)",
        words={"forbid": "No replay of early data may be accepted; needs --replay-early-data."},
        says=lambda _: "No replay of early data is accepted.",
        each_address=limits.early_data_replay,
        scraped=False,
    ),
    Row(
        "require-valid-certificate", YES,
        about="OpenSSL verifies the certificate, host name included",
        help="The certificate must be trusted and for this host.",
        says=lambda _: "The certificate is trusted and for this host.",
        each_address=limits.valid_certificate,
    ),
    Row(
        "every-address", YES,
        about="No address of the target may be left out of the test",
        says=lambda _: "No address of the target is left out.",
        all_addresses=limits.every_address,
    ),
    Row(
        "warning", RANGE,
        scraped=False,
        about="Resumption rate in percent that is a warning: a plugin range",
        help="For nagios: warn on a resumption rate, in percent, outside RANGE, such as 90:.",
        says=lambda text: f"A resumption rate in the alert range {text} (percent) is warning.",
    ),
    Row(
        "critical", RANGE,
        scraped=False,
        about="Resumption rate in percent that is critical: a plugin range",
        help="For nagios: the same for critical, such as 50:. Both replace the default verdict.",
        says=lambda text: f"A resumption rate in the alert range {text} (percent) is critical.",
    ),
)  # fmt: skip


def ranges_and_limits() -> list[Row]:
    """What is told and checked row by row: ranges of rates first, then limits."""
    return sorted((row for row in DEMANDS if row.says), key=lambda row: row.is_limit)


def crossed(demands: object) -> tuple[str, str] | None:
    """The keys of a lower and an upper limit that no value could keep both."""
    rows = {row.key: row for row in DEMANDS}
    for row in DEMANDS:
        if row.not_above is not None:
            least, most = row.asked(demands), rows[row.not_above].asked(demands)
            if least is not None and most is not None and least > most:
                return row.key, row.not_above
    return None
