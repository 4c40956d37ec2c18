"""What happens in front of servers, and in their caches, is told from what resumption does."""

from __future__ import annotations

from tests.servers.causes import KEY, findings
from tests.servers.command import tlsresume
from tests.servers.conftest import require
from tests.servers.front_servers import FRONT_RECIPES
from tests.servers.harness import serve
from tests.servers.material import Material
from tests.servers.servers import RECIPES

QUICK = ("--format", "json", "--ticket-wait", "1")


def test_a_dead_node_is_told_and_not_blamed_on_resumption(material: Material) -> None:
    """Every other connection breaks, with a session and without: the server resumes, and that
    connections break, also alone, is said."""
    require("half-dead-pool")
    with serve(FRONT_RECIPES["half-dead-pool"], (KEY,), material) as running:
        answer = tlsresume("probe", running.target, *QUICK, "--concurrency", "1")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    (target,) = answer.document["targets"]
    (finding,) = [f for f in target["findings"] if f["code"] == "connections-break"]
    assert all("while no other of ours was open" in line for line in finding["evidence"])


def test_a_cache_that_is_too_small_is_told_from_separate_ones(material: Material) -> None:
    """HAProxy's cache of twenty entries loses a session to those that the probe itself makes:
    accepted each time, then never again."""
    require("haproxy")
    lines = ("no-tls-tickets", "tune.ssl.cachesize 20")
    with serve(RECIPES["haproxy"], lines, material) as running:
        answer = tlsresume("probe", running.target, *QUICK, "--tries", "30", "--tls", "1.3")
    assert answer.status == 3, str(answer)
    finding = findings(answer)["cache-miss"]
    assert "meanwhile" in finding["title"], str(answer)
