"""Policies from TOML: what is read, what is refused and how that is said."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import growth
from tests.rows import each_row
from tlsresume.errors import ExitStatus, PolicyFileError
from tlsresume.policy import schema
from tlsresume.policy.demands import Demands, merge
from tlsresume.policy.durations import parse_duration, short_duration
from tlsresume.policy.names import BUILTIN
from tlsresume.policy.policy import target_matches
from tlsresume.policy.ranges import parse_range
from tlsresume.policy.reading import builtin_policy, builtin_text, parse_policy
from tlsresume.policy.words import paragraphs

WHOLE = """
schema = 1
about = "ours"
extends = "strict"
[defaults]
expect = { psk = "resumed", session-id = "any" }
min-rate = 0.9
max-lifetime = "24h"
min-lifetime = 300
max-ticket-keys = 1
min-tickets = 2
early-data = "require"
require-valid-certificate = true
every-address = true
warning = "90:"
critical = "50:"
[targets."*.example.com"]
expect = { ticket = "not-resumed" }
[targets."db.example.com:5432"]
inherit = false
expect = { psk = "not-resumed" }
[findings]
single-use = "error"
[[waivers]]
target = "old.example.com"
demand = "psk"
reason = "it is old"
expires = 2027-03-31
[sources]
max-lifetime = "ticket 17"
"""

#: A text, and what its error must name: the path, and the nearest valid word.
WRONG = (
    ("[defaults]\nmax-lifetme = 3", "defaults.max-lifetme", "max-lifetime"),
    ("[default]\nmin-rate = 1", "default", "defaults"),
    ("[defaults]\nmin_rate = 1", "defaults.min_rate", "min-rate"),
    ('[defaults]\nmin-rate = "a"', "defaults.min-rate: 'a' is not a share such as 0.9 or 90%", ""),
    ("[defaults]\nmin-rate = 2", "defaults.min-rate", ""),
    ("[defaults]\nmin-rate = 0", "defaults.min-rate", ""),
    ("[defaults]\nmin-tickets = 0", "defaults.min-tickets", ""),
    ('[defaults]\nexpect = { psk = "resume" }', "defaults.expect.psk", "resumed"),
    ('[defaults]\nexpect = { pks = "resumed" }', "defaults.expect.pks", "psk"),
    ("[defaults]\nexpect = 3", "defaults.expect: expected a table", ""),
    ("[defaults]\nresumes = false", "defaults.resumes", "not-resumed"),
    ('[defaults]\nmax-lifetime = "3 parsecs"', "defaults.max-lifetime: not a duration", ""),
    ("[defaults]\nmax-lifetime = -1", "defaults.max-lifetime", ""),
    ('[defaults]\nmin-lifetime = "2h"\nmax-lifetime = "1h"', "min-lifetime is longer", ""),
    ('[defaults]\ncritical = "x"', "defaults.critical", ""),
    ('[targets."a*"]\nmin-tickets = "1"', 'targets."a*".min-tickets: expected a whole', ""),
    ('[targets."a*"]\ninherits = false', 'targets."a*".inherits', "inherit"),
    ('[targets.""]\nmin-tickets = 1', "the pattern is empty", ""),
    ('[findings]\nsingle-use = "fatal"', "findings.single-use", "info"),
    ('[findings]\n"a b" = "error"', "findings.a b: not the code", ""),
    ('[findings]\nsingle-us = "error"', "findings.single-us: no finding", "single-use"),
    ('extends = "strickt"', "extends", "strict"),
    ("schema = 2", "schema", ""),
    ("defaults = 3", "defaults: expected a table, got a whole number", ""),
    ('[[waivers]]\ntarget = "x"', "waivers[1]", ""),
    (
        '[[waivers]]\ntarget="x"\ndemand="a"\nreason=" "\nexpires=2026-01-01',
        "waivers[1].reason",
        "",
    ),
    ('[[waivers]]\ntarget="x"\ndemand="a"\nreason="b"\nexpires="x"', "waivers[1].expires", ""),
    ("[sources]\nmax-age = 'x'", "sources.max-age", "max-"),
    ("x = [", "is not TOML", ""),
    ("a = 1\na = 2", "is not TOML", ""),
    ("", "demands nothing", "resumes = true"),
    ("[defaults]", "demands nothing", ""),
    ('[defaults]\nexpect = { psk = "any" }', "demands nothing", ""),
    ("[defaults]\nevery-address = false", "demands nothing", ""),
    ('[findings]\nsingle-use = "info"', "demands nothing", ""),
)


def test_every_key_is_read():
    """A policy with every key there is, on top of a built-in one."""
    policy = parse_policy(WHOLE, "p.toml")
    assert policy.extends is None
    assert policy.defaults.early_data == "require"
    assert policy.sources["early-data"].startswith("RFC 9325")
    assert policy.sources["max-lifetime"] == "ticket 17"
    assert policy.waivers[0].expires == dt.date(2027, 3, 31)


@each_row("text, path, nearest", WRONG)
def test_what_is_wrong_is_said_with_its_path(text, path, nearest):
    """A wrong key, type or value is an error of the file, with its path and the nearest key."""
    with pytest.raises(PolicyFileError) as caught:
        parse_policy(text, "p.toml")
    assert caught.value.exit_status == ExitStatus.FILE
    assert caught.value.message.startswith("p.toml")
    assert path in caught.value.message
    assert nearest in " ".join(caught.value.hints)
    assert "`" not in caught.value.message
    assert "\n" not in caught.value.message


@given(st.text(max_size=200) | st.sampled_from([text for text, *_ in WRONG]))
def test_any_text_is_a_policy_or_an_error(text):
    """Whatever a file holds, it is a policy or our error."""
    with suppress(PolicyFileError):
        assert parse_policy(text, "p.toml").demands_something


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "defaults",
                    "targets",
                    "findings",
                    "waivers",
                    "expect",
                    "psk",
                    "min-rate",
                    "expires",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def as_toml(value: object) -> str:
    """A value as an inline TOML value; JSON is close enough, but for its tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return '""' if value is None else json.dumps(value)


@given(st.dictionaries(st.sampled_from(["defaults", "targets", "findings", "waivers", "sources",
    "extends", "schema", "about"]), VALUES, max_size=4))  # fmt: skip
def test_any_shape_is_a_policy_or_an_error(value):
    """Valid TOML of any shape is a policy or our error."""
    text = "\n".join(f"{key} = {as_toml(each)}" for key, each in value.items())
    with suppress(PolicyFileError):
        parse_policy(text, "p.toml")


@pytest.mark.parametrize("name", BUILTIN)
def test_built_in_policies_have_a_source_for_each_demand(name):
    """Each demand of a built-in policy names the standard that it comes from."""
    policy = builtin_policy(name)
    assert policy.about
    for paragraph in paragraphs(policy):
        for sentence in paragraph.sentences:
            assert sentence.source, sentence.text
            assert sentence.source.startswith("RFC ")


def test_built_in_policies_are_what_their_names_say():
    """Strict limits tickets and forbids early data, load-balanced wants one key everywhere."""
    assert builtin_policy("default").defaults == Demands(resumes=True)
    assert builtin_policy("strict").defaults.early_data == "forbid"
    assert parse_duration(builtin_policy("strict").defaults.max_lifetime or 0) == 7 * 86400 // 2
    balanced = builtin_policy("load-balanced").defaults
    assert (balanced.every_address, balanced.max_ticket_keys) == (True, 1)
    assert set(builtin_policy("no-resumption").defaults.expect.values()) == {"not-resumed"}


def test_sections_are_merged_in_order():
    """A later section wins key by key; inherit = false starts anew."""
    policy = parse_policy(WHOLE, "p.toml")
    www = policy.demands_on("www.example.com:443")
    assert www.expect == {"psk": "resumed", "session-id": "any", "ticket": "not-resumed"}
    assert www.max_lifetime == "24h"
    database = policy.demands_on("db.example.com:5432")
    assert database == Demands(expect={"psk": "not-resumed"})
    assert policy.demands_on("other.test:443") == policy.defaults


@each_row(
    "pattern, target, matches",
    [
        ("example.com", "example.com:443", True),
        ("EXAMPLE.com:443", "example.com:443", True),
        ("example.com:8443", "example.com:443", False),
        ("*.example.com", "a.b.example.com:443", True),
        ("*.example.com", "example.com:443", False),
        ("web?", "web1:443", True),
        ("*:5432", "db:5432", True),
        ("[2001:db8::1]:443", "[2001:db8::1]:443", True),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("example.com", "example.com.evil:443", False),
        ("example.com", "exampleXcom:443", False),
        ("*", "\n:443", True),
    ],
)
def test_patterns(pattern, target, matches):
    """A pattern names a host with or without its port; only * and ? are special."""
    assert target_matches(pattern, target) is matches


@each_row(
    "text, seconds",
    [("90s", 90), ("5m", 300), ("5min", 300), ("24h", 86400), ("7d", 604800), ("1w", 604800),
     ("1h30m", 5400), ("1h 30m", 5400), (300, 300), ("300", 300), ("250ms", 0.25), ("0.5", 0.5),
     ("1.5h", 5400), (" 5s ", 5), ("1s500ms", 1.5), (0.25, 0.25)],
)  # fmt: skip
def test_durations(text, seconds):
    """Lengths of time are read as people write them, and written so that they read the same."""
    assert parse_duration(text) == seconds
    assert parse_duration(short_duration(seconds)) == seconds


@given(st.text(max_size=20) | st.integers())
def test_any_duration_is_seconds_or_an_error(text):
    """A text is a positive number of seconds, or a ValueError."""
    with suppress(ValueError):
        assert 0 < parse_duration(text) <= 2**32


@each_row(
    "text, alerting, calm",
    [
        ("10", (-1, 11), (0, 10)),
        ("10:", (9.9,), (10, 1e9)),
        ("~:10", (10.1,), (-1e9, 10)),
        ("10:20", (9, 21), (10, 20)),
        ("@10:20", (10, 20), (9, 21)),
        ("@0:50", (0, 50), (50.1,)),
    ],
)
def test_ranges(text, alerting, calm):
    """Ranges alert as the plugins' guidelines say, ends included."""
    limit = parse_range(text)
    assert all(limit.alerts(value) for value in alerting)
    assert not any(limit.alerts(value) for value in calm)


@each_row("text", ["", ":", "@", "20:10", "a", "1:2:3", "10:~", "1e3", "-"])
def test_no_ranges(text):
    """What is no range is refused."""
    with pytest.raises(ValueError, match=r"range|begins"):
        parse_range(text)


def test_merging_keeps_what_is_not_said():
    """What is above wins where it says something; expectations mechanism by mechanism."""
    below = Demands(expect={"psk": "resumed"}, min_rate=0.5, every_address=True)
    above = Demands(expect={"ticket": "any"}, every_address=False)
    merged = merge(below, above)
    assert merged.expect == {"psk": "resumed", "ticket": "any"}
    assert (merged.min_rate, merged.every_address) == (0.5, False)


def test_the_schema_is_fresh_and_knows_the_keys():
    """The shipped JSON Schema is what the types give now, and forbids unknown keys."""
    shipped = Path(schema.__file__).parent / "policy.schema.json"
    assert shipped.read_text(encoding="utf-8") == schema.schema_text()
    whole = schema.schema()
    defaults = whole["$defs"]["Demands"]
    assert defaults["additionalProperties"] is False
    known = set(whole["$defs"]["Policy"]["properties"])
    for name in BUILTIN:
        text = tomllib.loads(builtin_text(name))
        assert set(text) <= known
        assert set(text["defaults"]) <= set(defaults["properties"])


#: Starts and pieces of TOML that some parser, or the look before it, might go through twice.
PIECES = (
    ("", "a."), ("", '"a".'), ("", "'a'."), ("[", "a."), ("a = {", "b."), ('"\\"x".', "a."),
    ("", "a . "), ('a = "', '\\"'), ("a = '", '"'), ('a = "', "\\\\"), ("", '"'), ("", "'"),
    ("", "\\"), ("", '" '), ("a = ", "["), ("a = ", "{b = "), ("a = ", "[{b = "), ("#", "a."),
    ("", "x"), ("", "."), ("", "-"), ("a = 1", "1"), ("a = 0x", "f"), ("a = [", "1,"),
    ("", "[[a]]\n"), ("", "[a]\n"), ('a = """', "\\\n"), ("", "a.b = {}\n"),
)  # fmt: skip


def test_no_policy_is_read_in_more_than_linear_time():
    """Twice the letters take at most about twice the steps, of our code and of TOML's; and what
    is wrong is told in few words."""

    def read(text: str) -> None:
        try:
            parse_policy(text, "p.toml")
        except PolicyFileError as error:
            message = error.message
        else:
            message = ""
        assert len(message) < 400, (text[:40], len(message))

    def steps(text: str) -> int:
        return growth.steps(lambda: read(text))

    for start, piece in PIECES:
        few, many = (steps(start + piece * number) for number in (1000, 2000))
        assert many <= 2.2 * few + 500, (start, piece, few, many)


def test_a_key_of_too_many_parts_is_refused_unread(monkeypatch):
    """What tomllib would work on for minutes never gets to it: a long key of any spelling, but
    not dots in a text."""
    monkeypatch.setattr(tomllib, "loads", lambda _text: pytest.fail("it was read"))
    for part in ("a.", '"a".', "'a' . ", '"\\"".', '"x y".', "1."):
        for before in ("", "[", "[[", "x = {", "# a\n\n", '"\\"x".'):
            with pytest.raises(PolicyFileError, match="a key of more than 64 parts"):
                parse_policy(before + part * 70 + "a = 1", "p.toml")
    monkeypatch.undo()
    names = ".".join(["a"] * 25)
    policy = f'[defaults]\nresumes = true # {names}\n[sources]\nresumes = "https://{names}.{names}"'
    assert parse_policy(policy, "p.toml").sources == {"resumes": f"https://{names}.{names}"}


def test_a_policy_nested_too_deeply():
    """Depth beyond what can be read is an error of the file, in words of ours."""
    for text in ("a = " + "[" * 50_000, "a = " + "{b = " * 50_000):
        with pytest.raises(PolicyFileError, match="nested too deeply"):
            parse_policy(text, "p.toml")
