"""What a target leaves behind in a run that streams its results: next to nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from tests.helpers.peers import RawPeer, refused_port
from tests.helpers.tls_peer import TLSPeer
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.runs.probe import aprobe
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server
from tlsresume.transports.openssl import binding

pytestmark = pytest.mark.slow

FIRST, LAST = 40, 120
#: Bytes for each target: its slim result, and the names of its keys.
MOST = 5 * 1024

#: A run of the command that tells what it holds after some targets: bytes of Python's objects,
#: and connections of OpenSSL, which hold a hundred kilobytes each.
_RUN = """
import gc, json, sys, tracemalloc
from OpenSSL import SSL
from tlsresume.cli import main
from tlsresume.features.fleet import engine

done, tell = 0, engine.Fleet._tell

def counted(self, result):
    global done
    tell(self, result)
    done += 1
    if done == 1:
        tracemalloc.start()  # imports are not counted, and cost more than the rest if they are
    if done in FIRST_AND_LAST:
        gc.collect()
        open_now = sum(isinstance(each, SSL.Connection) for each in gc.get_objects())
        print(json.dumps([tracemalloc.get_traced_memory()[0], open_now]), file=sys.stderr)

engine.Fleet._tell = counted
main(sys.argv[1:])
"""


def test_a_streamed_target_leaves_less_than_five_kilobytes(tmp_path: Path) -> None:
    """From the 40th to the 120th target Python's memory grows by less than 5 KB each, and no
    connection of OpenSSL's stays."""
    with Server(Behaviour()) as server:
        lines = [f"127.0.0.1:{server.port} --servername h{n}.example\n" for n in range(LAST + 1)]
        (tmp_path / "targets").write_text("".join(lines))
        run = subprocess.run(
            [
                sys.executable, "-c", _RUN.replace("FIRST_AND_LAST", str((FIRST, LAST))),
                "probe", "--targets", str(tmp_path / "targets"), "--quick", "--tls", "1.3",
                "--parallel", "4", "--quiet", "--format", f"jsonl={tmp_path / 'out'}",
            ],
            capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip
    told = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("[")]
    assert len(told) == 2, run.stderr
    (before, _), (after, open_now) = told
    assert (after - before) / (LAST - FIRST) < MOST
    # Those of the targets that are being probed.
    assert open_now <= 4 * 4


def leave(_tls, _stopping) -> None:
    """End the connection without close_notify."""


def test_no_cycle_keeps_a_connection_of_openssl(monkeypatch) -> None:
    """Without the collector each `SSL *` is freed with its connection, however that ended."""
    alive: list[weakref.ref[object]] = []
    make = binding.Handle.__init__

    def counted(self, context, listener=None):
        make(self, context, listener)
        alive.append(weakref.ref(self._connection))

    monkeypatch.setattr(binding.Handle, "__init__", counted)
    options = ProbeOptions(connect=ConnectOptions(timeout=0.5), quick=True, explain=False)

    async def both(*ports: int) -> None:
        for port in ports:
            await aprobe(f"127.0.0.1:{port}", options)

    gc.collect()
    gc.disable()
    try:
        with (
            Server(Behaviour()) as server,
            TLSPeer(leave, tickets=1) as brusque,
            RawPeer("silent") as silent,
            RawPeer("reset after ClientHello") as reset,
            refused_port() as closed,
        ):
            asyncio.run(both(server.port, brusque.port, silent.port, reset.port, closed))
        left = [ref() for ref in alive if ref() is not None]
    finally:
        gc.enable()
    assert len(alive) > 8
    assert left == []
