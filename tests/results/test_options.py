"""Options are checked when they are made, in words that name the option and what it may be."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest

from tests.helpers.rows import each_row
from tlsresume.errors import UsageError
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.options import (
    BOTH_VERSIONS,
    ConnectOptions,
    FTPLogin,
    ProbeOptions,
    ResumeOptions,
    SaveOptions,
    WatchOptions,
)
from tlsresume.tls.registry import ProtocolVersion

#: What is refused of each option, and what is not.
REFUSED: dict[type, dict[str, tuple[Any, ...]]] = {
    ConnectOptions: {
        "tls": ("1.3", ("1.3",), (), 772, (772,), (ProtocolVersion.TLSv1_2, None), None),
        "ciphers": ("", b"ALL", 1),
        "ciphersuites": ("", []),
        "groups": ("", 29),
        "alpn": ("h2", ("",), (b"h2",), ("x" * 256,), ("\u00e4",)),
        "trust": ("ca.pem", None),
        "verify": (1, "yes", None),
        "certificate": ("cert.pem", ("cert.pem", "key.pem")),
        "timeout": (0, -1, math.nan, math.inf, "10", True, None, 3601),
        "mtu": (0, 255, 65_001, 1.5, "1200", None),
        "ticket_wait": (-0.1, math.nan, math.inf, "1", None),
        "send": ("QUIT", 1),
        "keylogfile": ("", 3),
    },
    FTPLogin: {"user": ("a\nb", None), "password": ("a\r", b"x")},
    ProbeOptions: {
        "connect": (None, "https", SaveOptions()),
        "tries": (0, -1, 1001, 2.5, "5", True, None, math.nan),
        "concurrency": (0, 65, None),
        "budget": (0, 100_001),
        "max_addresses": (0, 257),
        "explain": (None, 1),
        "quic": (None, 1, "yes"),
        "node_header": ("", "X Served", "X:Y", 1),
        "ftp": ("anonymous", None),
        "experiments": ("close", ("no-such",), (1,), None),
        "cross_names": ("a.example", ("",), (None,)),
        "cross_protocols": ("h2", ("",)),
        "ages": (5, (0,), (math.nan,), ("5m",)),
        "find_lifetime": (0, -1, math.inf, "2h"),
        "ticket_keys": ("key", ("ticket.key",)),
        "retries": (-1, 101, 0.5),
        "demanded": ("psk", ("tickets",), (1,)),
        "replay_early_data": ("", "G E T", "GET nowhere", "CONNECT /x", "GET /a#b", 1, True),
        "replay_ages": (12, (0,), (math.nan,), ("12s",), (12.0,)),
        "quick": (None, 1),
        "own_options": (),
    },
    SaveOptions: {"connect": (None,), "mechanism": ("tickets", 1, "")},
    ResumeOptions: {
        "connect": (None,),
        "where": ("here", None),
        "tries": (0, "1"),
        "early_data": ("GET", None, b"x" * 65_537),
        "pin": (None,),
        "any_host": (1,),
        "explain": ("no",),
        "clean_close": (0,),
        "tickets": (None,),
        "extended_master_secret": ("",),
        "ticket_keys": (("ticket.key",),),
    },
    WatchOptions: {
        "connect": (None,),
        "every": (0, math.nan),
        "duration": (-1, math.inf),
        "once": (None,),
        "quic": (None,),
        "tries": (0,),
        "max_addresses": (0,),
    },
}

GOOD: tuple[tuple[type, dict[str, Any]], ...] = (
    (ConnectOptions, {"tls": BOTH_VERSIONS, "alpn": (), "timeout": 1, "ticket_wait": 0}),
    (ConnectOptions, {"send": b"", "timeout": 0.05, "ciphers": "ALL"}),
    (ProbeOptions, {"experiments": tuple(EXPERIMENTS), "ages": (1, 2.5), "find_lifetime": 60}),
    (SaveOptions, {"mechanism": "psk"}),
    (ResumeOptions, {"where": "each", "early_data": b"x" * 65_536}),
    (WatchOptions, {"duration": 0}),
)


@each_row("made", REFUSED)
def test_what_makes_no_sense_is_refused_when_it_is_made(made):
    """A UsageError, which is a ValueError, too, whose one line begins with the option's name
    or names the value."""
    for name, values in REFUSED[made].items():
        for value in values:
            with pytest.raises(UsageError) as caught:
                made(**{name: value})
            assert isinstance(caught.value, ValueError)
            assert name in caught.value.message, (name, value)
            assert "\n" not in caught.value.message


def test_every_option_is_checked():
    """No field of an options class is left out of the table above."""
    for made, table in REFUSED.items():
        assert set(table) == {field.name for field in fields(made)}


def test_what_makes_sense_is_kept():
    """Bounds are inside; a list is as good as a tuple, and becomes one."""
    for made, said in GOOD:
        options = made(**said)
        assert {name: getattr(options, name) for name in said} == said
    listed = ConnectOptions(tls=[ProtocolVersion.TLSv1_3], alpn=["h2"])  # type: ignore[arg-type]  # what a caller may do
    assert listed == ConnectOptions(tls=(ProtocolVersion.TLSv1_3,), alpn=("h2",))
    assert hash(listed)
