"""Replays of early data on real servers: what we say, and how often their own log has it.

The truth of a row rests on the server's manual and on its log: a request that was executed
stands there, whatever our client could decrypt of the answer.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.servers.command import Answer, tlsresume
from tests.servers.early_servers import EARLY_RECIPES, executed, logged
from tests.servers.harness import Running, find_program, serve
from tests.servers.material import Material


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A server, what is sent to it, and what must be said. `times` is how often the log has
    requests, by the end of their ID; None: its log shows no requests."""

    server: str
    lines: tuple[str, ...] = ()
    request: str = "GET"
    early: dict[str, Any]
    findings: dict[str, str]
    times: dict[str, int] | None
    status: int = 0
    options: tuple[str, ...] = field(default=())


_TAKEN = {"accepted": True, "same_ticket": "accepted", "exact_copy": "accepted"}
_REFUSED = {"accepted": True, "same_ticket": "full-handshake", "exact_copy": "full-handshake"}
_REPLAYED = {"early-data-replayed": "warning"}

#: nginx: 425 to what is not safe, as its manual's $ssl_early_data is for.
_RULE = (
    "set $early $ssl_early_data$request_method;",
    'if ($early = "1POST") { return 425; }',
)

ROWS: dict[str, Row] = {
    # ngx_http_ssl_module, ssl_early_data: "subject to replay attacks".
    "nginx": Row(
        server="nginx",
        early=_TAKEN | {"answered_before_finished": True, "status": 200, "unsafe_method": None},
        findings=_REPLAYED | {"early-data-answered-early": "warning"},
        times={
            "control": 1,
            "taken": 1,
            "first": 1,
            "second": 1,
            "copy": 2,
            "copy.2": 2,
            "held": 1,
        },
    ),
    "nginx-post": Row(
        server="nginx",
        request="POST",
        early=_TAKEN | {"answered_before_finished": True, "unsafe_method": "passed"},
        findings={"early-data-replayed": "error", "early-data-answered-early": "warning"},
        times={"copy": 2, "copy.2": 2, "held": 1},
        status=3,
    ),
    # All requests stand in the log, those that got 425 too.
    "nginx-425": Row(
        server="nginx",
        lines=_RULE,
        request="POST",
        early=_TAKEN | {"unsafe_method": "too-early", "status": 425},
        findings={"early-data-replayed": "info", "too-early": "info"},
        times={"control": 1, "taken": 2, "copy": 2},
    ),
    "nginx-425-get": Row(
        server="nginx",
        lines=_RULE,
        early=_TAKEN | {"status": 200},
        findings=_REPLAYED | {"early-data-answered-early": "warning"},
        times={"taken": 1, "copy": 2},
    ),
    # What is behind the proxy asks for the request again: RFC 8470 section 5.1.
    "nginx-early-data-header": Row(
        server="nginx-proxy",
        lines=("proxy_set_header Early-Data $ssl_early_data;",),
        early=_TAKEN | {"status": 425},
        findings={"early-data-replayed": "info", "too-early": "info"},
        times={"control": 1, "taken": 2, "copy": 2},
    ),
    "nginx-no-early-data-header": Row(
        server="nginx-proxy",
        early=_TAKEN | {"status": 200, "answered_before_finished": True},
        findings=_REPLAYED | {"early-data-answered-early": "warning"},
        times={"control": 1, "taken": 1, "copy": 2, "copy.2": 2, "held": 1},
    ),
    # configuration.txt, allow-0rtt: by its words requests wait only where wait-for-handshake
    # says so; by its log HAProxy 2.6 takes up none before the handshake has ended.
    "haproxy": Row(
        server="haproxy",
        early=_TAKEN | {"answered_before_finished": False, "status": 200},
        findings=_REPLAYED | {"early-data-waits": "info"},
        times={"control": 1, "taken": 1, "copy": 1, "held": 1},
    ),
    "haproxy-waits": Row(
        server="haproxy",
        lines=("http-request wait-for-handshake",),
        early=_TAKEN | {"answered_before_finished": False, "status": 200},
        findings=_REPLAYED | {"early-data-waits": "info"},
        times={"control": 1, "taken": 1, "copy": 1, "held": 1},
    ),
    # nghttpx(1), --tls-no-postpone-early-data: by default it postpones forwarding.
    "nghttpx": Row(
        server="nghttpx",
        early=_TAKEN | {"answered_before_finished": False, "status": 200},
        findings=_REPLAYED | {"early-data-waits": "info"},
        times={"control": 1, "taken": 1, "copy": 1, "held": 1},
    ),
    "nghttpx-at-once": Row(
        server="nghttpx",
        lines=("--tls-no-postpone-early-data",),
        early=_TAKEN | {"answered_before_finished": True, "status": 200},
        findings=_REPLAYED | {"early-data-answered-early": "warning"},
        times={"taken": 1, "copy": 2, "copy.2": 2, "held": 1},
    ),
    # s_server(1): anti-replay is on with -early_data, off with -no_anti_replay.
    "s_server": Row(
        server="s_server",
        early=_REFUSED | {"status": None, "reason": "replay-refused"},
        findings={"early-data-single-use": "info"},
        times={"taken": 1, "first": 1, "second": 0, "copy": 1},
        options=("--timeout", "3"),
    ),
    "s_server-no-anti-replay": Row(
        server="s_server",
        lines=("-no_anti_replay",),
        early=_TAKEN | {"status": None},
        findings=_REPLAYED,
        times={"taken": 1, "first": 1, "second": 1, "copy": 2},
        options=("--timeout", "3"),
    ),
    # OpenSSL takes early data while the ticket age that the client states is within 10 s of its
    # own reckoning (TICKET_AGE_ALLOWANCE): what is held back longer is resumed without it.
    "s_server-stale": Row(
        server="s_server",
        lines=("-no_anti_replay",),
        early=_TAKEN | {"reason": "stale", "after": [{"seconds": 12.0, "result": "rejected"}]},
        findings=_REPLAYED,
        times={"taken": 1, "copy": 2, "after12s": 1},
        options=("--timeout", "3", "--replay-age", "12s"),
    ),
    # gnutls_anti_replay_enable: exact copies are refused; gnutls-serv answers no early data.
    "gnutls": Row(
        server="gnutls",
        early={"accepted": True, "exact_copies": ["rejected", "rejected"], "status": None},
        findings={"early-data-dies": "error", "early-data-single-use": "info"},
        times=None,
        status=3,
        options=("--timeout", "3"),
    ),
}

_PROGRAMS = {"nginx": "nginx", "nginx-proxy": "nginx", "haproxy": "haproxy", "nghttpx": "nghttpx",
             "s_server": "openssl", "gnutls": "gnutls-serv"}  # fmt: skip


def replayed(running: Running, row: Row) -> Answer:
    return tlsresume(
        "probe", f"https://127.0.0.1:{running.port}", f"--replay-early-data={row.request}",
        "--tls", "1.3", "--tries", "1", "--no-explain", "--ticket-wait", "1",
        "--format", "json", *row.options,
    )  # fmt: skip


def counted(running: Running, wanted: dict[str, int]) -> Counter[str]:
    """The log's counts by the end of the ID, once it has what is wanted, or after a while."""
    deadline = time.monotonic() + 5
    while True:
        found: Counter[str] = Counter()
        for name, times in executed(running).items():
            found[name.partition("-")[2]] += times
        if all(found[name] == times for name, times in wanted.items()):
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)  # between two looks; the loop ends by what it sees


@pytest.mark.parametrize("name", ROWS)
def test_replays_are_what_the_log_shows(name: str, material: Material) -> None:
    """What is said of early data is what the server's manual says and its own log shows."""
    row = ROWS[name]
    if find_program(_PROGRAMS[row.server]) is None:
        pytest.fail(f"{_PROGRAMS[row.server]} is missing: run tools/install-servers.sh")
    with serve(EARLY_RECIPES[row.server], row.lines, material) as running:
        answer = replayed(running, row)
        (target,) = answer.document["targets"]
        early = target["addresses"][0]["early_data"]
        assert {key: early[key] for key in row.early} == row.early, str(answer)
        codes = {f["code"]: f["severity"] for f in target["findings"]}
        assert {code: codes.get(code) for code in row.findings} == row.findings
        assert answer.status == row.status
        if row.times is not None:
            found = counted(running, row.times)
            assert {name: found[name] for name in row.times} == row.times, dict(found)
            sent = {r["id"].partition("-")[2]: r["presentations"] for r in early["requests"]}
            assert all(found[name] <= times for name, times in sent.items())
        else:
            resumed = sum(bool(a["reused"]) for a in target["addresses"][0]["attempts"])
            copies = sum(a["series"] == "copy" for a in target["addresses"][0]["attempts"])
            lines = logged(running).count(b"This is a resumed session")
            assert resumed <= lines <= resumed + copies
