"""Two thousand targets: one nginx on many addresses, some hanging, closed, or not resuming; and a
Dask cluster that loses a worker."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import certificates
from tests.peers import MutePeer, RawPeer, refused_port
from tests.servers.test_pipeline_formats import free_port, program, started
from tlsresume.openssl.behaviour import Behaviour
from tlsresume.openssl.server import Server

COUNT = 2000

_NGINX = """
daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 4000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
  server {{ listen 0.0.0.0:{good} ssl backlog=4096; ssl_session_cache shared:S:20m;
           return 200 ok; }}
  server {{ listen 127.0.0.1:{bad} ssl; ssl_session_tickets off; ssl_session_cache off;
           return 200 ok; }}
}}
"""


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[int, int]]:
    """One nginx: a port on every loopback address that resumes, and one that does not."""
    command = program("nginx", "nginx")
    identity = certificates.localhost()
    (folder / "chain.pem").write_bytes(identity.certificate_pem)
    (folder / "key.pem").write_bytes(identity.key_pem)
    good, bad = free_port(), free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, good=good, bad=bad))
    with started(command, "-c", str(folder / "nginx.conf"), log=folder / "log"):
        end = time.monotonic() + 20
        while not (folder / "pid").exists() and time.monotonic() < end:
            time.sleep(0.05)
        yield good, bad


def probe(*arguments: str, descriptors: int = 256) -> subprocess.CompletedProcess[str]:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    return subprocess.run(
        [sys.executable, "-m", "tlsresume", "probe", *arguments],
        preexec_fn=few,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.timeout(1200)
def test_two_thousand_targets_with_few_descriptors(tmp_path: Path) -> None:
    """Every verdict is right, memory is flat, and a run that is cut is gone on with."""
    with nginx(tmp_path) as (good, bad), RawPeer("silent") as silent, refused_port() as closed:
        lines = [f"127.4.{n // 250}.{n % 250 + 1}:{good}" for n in range(COUNT)]
        for n in range(0, COUNT, 100):
            lines[n] = f"127.0.0.1:{bad} --servername n{n}.example"
            lines[n + 1] = f"127.0.0.1:{silent.port} --servername n{n}.example"
            lines[n + 2] = f"127.5.0.{n // 100 + 1}:{closed}"
        (tmp_path / "targets").write_text("\n".join(lines))
        out = tmp_path / "out.jsonl"
        common = (
            "--targets", str(tmp_path / "targets"), "--quick", "-q", "--timeout", "5",
            "--continue", str(out),
        )  # fmt: skip
        began = time.monotonic()
        cut = probe(*common, "--deadline", "8")
        assert time.monotonic() - began < 8 + 2 + 5, cut.stderr  # 5 s for Python to start
        assert cut.returncode in (3, 4, 5)
        done = probe(*common, "--jobs", "2")
        assert done.returncode == 3, done.stdout[-2000:] + done.stderr
        assert f"of {COUNT}; " in done.stdout
    last = {}
    for line in out.read_text().splitlines():
        target = json.loads(line)["target"]
        last[target["fingerprint"]] = target
    assert len(last) == COUNT
    found = Counter(target["verdict"] for target in last.values())
    assert found == {"resumes": COUNT - 60, "does-not-resume": 20, "untested": 40}
    assert not any(
        target["error"] and target["error"]["kind"] == "local" for target in last.values()
    )


# ----------------------------------------------------------------------------- Dask


@pytest.mark.timeout(300)
def test_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    """The share of a lost worker is done again; each target has its result, and the same status
    as without a cluster."""
    distributed = pytest.importorskip("distributed")
    with (
        Server(Behaviour()) as server,
        refused_port() as closed,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
    ):
        lines = [f"127.0.0.1:{server.port} --servername h{n}.example" for n in range(60)]
        lines += [f"127.6.0.{n}:{closed}" for n in range(1, 41)]
        (tmp_path / "targets").write_text("\n".join(lines))
        out = tmp_path / "out.jsonl"
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill_one() -> None:
            end = time.monotonic() + 60
            while time.monotonic() < end:
                if out.exists() and out.read_bytes().count(b"\n") >= 10:
                    break
                time.sleep(0.02)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        done = probe(
            "--targets", str(tmp_path / "targets"), "--quick", "-q", "--timeout", "5",
            "--dask", cluster.scheduler_address, "--format", f"jsonl={out}", descriptors=1024,
        )  # fmt: skip
        killer.join()
    assert done.returncode == 5, done.stdout[-2000:] + done.stderr
    results = [json.loads(line)["target"] for line in out.read_text().splitlines()]
    assert len({result["fingerprint"] for result in results}) == len(results) == 100
    assert Counter(result["verdict"] for result in results) == {"resumes": 60, "untested": 40}


@pytest.mark.timeout(300)
def test_an_interrupt_tells_what_the_workers_know(tmp_path: Path) -> None:
    """Ctrl-C loses nothing of the targets that a cluster is probing."""
    distributed = pytest.importorskip("distributed")
    with (
        MutePeer() as silent,
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
    ):
        (tmp_path / "targets").write_text(f"127.0.0.1:{silent.port}\n")
        out = tmp_path / "out.jsonl"
        process = subprocess.Popen(
            [
                sys.executable, "-m", "tlsresume", "probe", "--targets", str(tmp_path / "targets"),
                "--timeout", "100", "--dask", cluster.scheduler_address,
                "--format", f"jsonl={out}",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert silent.heard.wait(60)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 130, err
    target = json.loads(out.read_text().splitlines()[0])["target"]
    assert target["interrupted"]
    assert target["connections"] >= 1
