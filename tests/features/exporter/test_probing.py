"""One probe for a scrape: what is wrong with a target is a result, what is forbidden is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tlsresume.errors import UsageError
from tlsresume.features.exporter.allow import Allow, parse_rule
from tlsresume.features.exporter.command_modules import read_modules
from tlsresume.features.exporter.probing import NotAllowed, probe_for_scrape, target_from
from tlsresume.lab import Gate
from tlsresume.targets.target import parse_target

MODULE = read_modules(None)["default"]


def test_a_name_without_an_address_is_a_failed_probe():
    """The resolver's answer is about the target, and so in the metrics."""
    target = parse_target("127.0.0.1", family="ipv6")
    report, outcome = asyncio.run(probe_for_scrape(MODULE, target, Allow(), Gate(4), seconds=5))
    assert (outcome.success, outcome.exit_status) == (False, 5)
    assert report.targets[0].error is not None
    assert "tlsresume_reachable" in outcome.metrics


def test_what_was_checked_is_what_is_connected_to(server):
    """Each address of a name is held against the rules, before any is connected to."""
    peer = server()
    target = replace(parse_target(f"localhost:{peer.port}"), addresses=("127.0.0.1", "::1"))
    allow = Allow((parse_rule("127.0.0.0/8"),))
    with pytest.raises(NotAllowed) as refused:
        asyncio.run(probe_for_scrape(MODULE, target, allow, Gate(4), seconds=5))
    assert "::1" in refused.value.message
    assert peer.connections == 0
    one = replace(target, addresses=("127.0.0.1",))
    _, outcome = asyncio.run(probe_for_scrape(MODULE, one, allow, Gate(4), seconds=20))
    assert outcome.success


def test_a_target_is_no_socket_and_of_an_allowed_port():
    """What can be known without asking DNS is refused before."""
    with pytest.raises(UsageError):
        target_from("unix:/run/x", MODULE, Allow())
    with pytest.raises(NotAllowed):
        target_from("a.example:22", MODULE, Allow((parse_rule("*:443"),)))
