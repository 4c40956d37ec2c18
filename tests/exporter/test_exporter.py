"""`tlsresume exporter` as Prometheus sees it: a process that answers scrapes."""

from __future__ import annotations

import base64
import contextlib
import re
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import certificates
from tests.commands import runner
from tests.peers import RawPeer, refused_port
from tlsresume.openssl.behaviour import Behaviour

pytestmark = pytest.mark.slow


class Running:
    """An exporter that listens."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def get(
        self, path: str, *, timeout: str | None = "10", method: str = "GET", **more
    ) -> tuple[int, str]:
        headers = dict(more.get("headers", {}))
        if timeout is not None:
            headers["X-Prometheus-Scrape-Timeout-Seconds"] = timeout
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60, context=more.get("context")) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def probe(self, target: object, **more) -> dict[str, float]:
        status, body = self.get(f"/probe?target={target}" + more.pop("query", ""), **more)
        assert status == 200, body
        return samples(body)


def samples(body: str) -> dict[str, float]:
    lines = (line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


@contextlib.contextmanager
def exporter(*arguments: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tlsresume", "exporter", "--listen", "127.0.0.1:0", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"https?://\S+[^/\s]", line)
        assert found is not None, line
        yield Running(process, found[0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run(capsys):
    return runner(capsys)


def config(folder: Path, text: str) -> str:
    path = folder / "tlsresume.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def test_a_scrape_is_a_probe(server, tmp_path):
    """`probe_success` is 1 where probe would exit 0; what is wrong with a target is an answer."""
    path = config(
        tmp_path,
        """
        [exporter]
        timeout-offset = 0.25
        [modules.full]
        tries = 3
        cache = 0
        ticket-wait = 0.3
        expect = ["not-resumed"]
        [modules.empty]
        [web]
        """,
    )
    with contextlib.ExitStack() as stack:
        refused = stack.enter_context(refused_port())
        silent = stack.enter_context(RawPeer("silent")).port
        good, bad = server(), server(Behaviour(honoured=False))
        running = stack.enter_context(exporter("--config", path))
        for target, success, status in (
            (f"127.0.0.1:{good.port}", 1, 0),
            (f"127.0.0.1:{bad.port}", 0, 3),
            (f"127.0.0.1:{refused}", 0, 5),
        ):
            found = running.probe(target)
            assert found["probe_success"] == success, target
            assert found["tlsresume_exit_status"] == status, target
            assert found["tlsresume_result_age_seconds"] < 30
            assert 0 < found["probe_duration_seconds"] < 30
        # Our own time-out is an answer, within the scrape's time.
        found = running.probe(f"127.0.0.1:{silent}", timeout="0.8")
        assert found["probe_success"] == 0
        # A module is a way to probe, with demands of its own.
        found = running.probe(f"127.0.0.1:{bad.port}", query="&module=full")
        assert found["probe_success"] == 1
        assert found[f'tlsresume_connections{{target="127.0.0.1:{bad.port}"}}'] > 6
        found = running.probe(f"127.0.0.1:{good.port}", query="&module=full")
        assert found["tlsresume_exit_status"] == 3
        # Scrapes share the light module's results.
        before = good.connections
        target = f"127.0.0.1:{good.port}"
        with ThreadPoolExecutor(8) as pool:
            ages = list(pool.map(running.probe, [target] * 8))
        assert good.connections == before
        assert all(age["probe_success"] == 1 for age in ages)
        own = samples(running.get("/metrics")[1])
        assert own["tlsresume_exporter_shared_scrapes_total"] >= 8
        counted = 'tlsresume_exporter_probes_total{module="default",outcome="success"}'
        assert own[counted] == 1
        assert own["process_open_fds"] > 0
        assert not [name for name in own if "_created" in name]
        # For people.
        status, body = running.get(f"/probe?target={target}&debug=true")
        assert status == 200
        assert "# Messages" in body
        assert "ClientHello" in body
        assert "probe_success 1.0" in body
        status, body = running.get("/")
        assert status == 200
        assert "<option>full</option>" in body
        assert running.get("/-/healthy") == (200, "healthy\n")


def test_parameters_that_make_no_sense_are_400(tmp_path):
    """No option gets through a target, and no socket of this machine."""
    with exporter() as running:
        for query, words in (
            ("", "target is missing"),
            ("?target=", "target is missing"),
            ("?target=a%20--verify", "is not a target"),
            ("?target=unix:/run/x.sock", "unix socket"),
            ("?target=a:99999", "port"),
            ("?target=a&module=none", "no module"),
            ("?target=a&target=b", "more than once"),
            ("?target=a&modul=b", "no parameter"),
            ("?target=a&debug=maybe", "true or false"),
            ("?target=169.254.169.254", "not allowed"),
            ("?target=[::ffff:169.254.169.254]:80", "not allowed"),
            ("?target=user:secret@a.example", "refused"),
        ):
            status, body = running.get("/probe" + query)
            assert status == 400, query
            assert words in body, query
            assert "secret" not in body
        for header in ("x", "0", "-1", "nan", "inf"):
            assert running.get("/probe?target=a", timeout=header)[0] == 400
        assert running.get("/-/reload")[0] == 405
        assert running.get("/nothing")[0] == 404


def test_more_scrapes_than_there_are_places_are_503(tmp_path):
    """A target that hangs holds up nobody for longer than the scrape's time."""
    path = config(tmp_path, "[exporter]\nconcurrency = 1\nwaiting = 1\n")
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(RawPeer("silent")).port for _ in range(4)]
        running = stack.enter_context(exporter("--config", path))
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda port: running.get(f"/probe?target=127.0.0.1:{port}", timeout="2")[0],
                    peers,
                )
            )
        assert sorted(set(answers)) in ([200, 503], [503])
        assert answers.count(503) >= 2
        assert running.get("/-/healthy")[0] == 200


def test_a_broken_file_keeps_what_was_read_before(server, tmp_path):
    """A reload, by POST or by SIGHUP, takes all of a file or nothing of it."""
    path = config(tmp_path, '[exporter]\nallow = ["127.0.0.0/8"]\n[modules.one]\ntries = 1\n')
    peer = server()
    query = f"/probe?target=127.0.0.1:{peer.port}&module="
    with exporter("--config", path) as running:
        assert running.get(query + "two")[0] == 400
        for broken in ("[modules.two", "[modules.two]\ntrys = 1", '[exporter]\nallow = ["/"]'):
            config(tmp_path, broken)
            status, body = running.get("/-/reload", method="POST")
            assert status == 500
            assert "kept" in body
            assert running.get(query + "one")[0] == 200
        read = "tlsresume_exporter_configuration_read"
        assert samples(running.get("/metrics")[1])[read] == 0
        config(tmp_path, '[exporter]\nallow = ["127.0.0.0/8"]\n[modules.two]\nquick = true\n')
        running.process.send_signal(signal.SIGHUP)
        assert running.process.stderr is not None
        assert "read again" in running.process.stderr.readline()
        assert samples(running.get("/metrics")[1])[read] == 1
        assert running.get(query + "one")[0] == 400
        assert running.get(query + "two")[0] == 200
        config(tmp_path, '[exporter]\nallow = ["10.0.0.0/8"]\n')
        assert running.get("/-/reload", method="POST")[0] == 200
        before = peer.connections
        assert running.get(query + "default")[0] == 400
        assert running.get("/probe?target=localhost")[0] == 400
        assert peer.connections == before


def test_tls_and_passwords_of_the_file(tmp_path):
    """With `[web]` nobody is served without a password, and nothing goes in clear."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    identity = certificates.localhost()
    chain.write_bytes(identity.certificate_pem)
    key.write_bytes(identity.key_pem)
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificates.authority_pem())
    path = config(
        tmp_path,
        '[web]\ntls-cert = "chain.pem"\ntls-key = "key.pem"\n[web.users]\nanna = "s3cret"\n',
    )
    context = ssl.create_default_context(cafile=str(authority))
    with exporter("--config", path) as running:
        running.url = running.url.replace("127.0.0.1", "localhost")
        for login, status in (
            (None, 401),
            ("anna:s3cret", 200),
            ("anna:wrong", 401),
            ("bert:s3cret", 401),
            ("s3cret", 401),
        ):
            headers = {}
            if login is not None:
                headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
            assert running.get("/-/healthy", headers=headers, context=context)[0] == status, login
        assert running.get("/", headers={"Authorization": "Basic !"}, context=context)[0] == 401


def test_what_makes_no_sense_ends_it_at_once(run, tmp_path, monkeypatch):
    """2 for what was asked, 7 for a file; each names the place."""
    for text, words in (
        ("[exporter]\nalow = []", "did you mean allow?"),
        ("[exporter]\nconcurrency = 0", "exporter.concurrency"),
        ('[exporter]\nlisten = "x"', "exporter.listen"),
        ("[exporter]\ntimeout = -1", "exporter.timeout"),
        ('exporter = "x"', "must be a table"),
        ("[modules]\nx = 1", "modules.x"),
        ("[modules.x]\ntries = 0", "[modules.x]"),
        ("[modules.x]\nquick = 1", "quick is true or false"),
        ("[modules.x]\nconnect = '127.0.0.1'", "connect"),
        ("[modules.x]\nreplay-early-data = 'GET /'", "replay-early-data"),
        ("[modules.x]\nquick = true\nmin-rate = 0.9", "min-rate"),
        ("[modules.x]\ncafile = 'no-such-file.pem'", "no-such-file.pem"),
        ("[modules.x]\npolicy = 'no-such-policy'", "no-such-policy"),
        ("[web]\ntls-key = 'k'", "tls-cert"),
        ("[web]\ntls-cert = 'no-such.pem'", "no-such.pem"),
        ("[web.users]\nx = ''", "password is empty"),
        ("[[[", "not TOML"),
    ):
        status, out, err = run("exporter", "--config", config(tmp_path, text))
        assert (status, out) == (7, ""), text
        assert words in err, (text, err)
    assert run("exporter", "--config", str(tmp_path / "none.toml"))[0] == 7
    for listen in ("x", "127.0.0.1:99999", "a.example:80"):
        assert run("exporter", "--listen", listen)[0] == 2
    status, _, err = run("exporter", "--listen", "0.0.0.0:0")
    assert status == 2
    assert "allow" in err
    with refused_port() as taken:
        status, _, err = run("exporter", "--listen", f"127.0.0.1:{taken}")
    assert status == 2
    assert "cannot listen" in err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "tlsresume.features.exporter.serving", raising=False)
    status, _, err = run("exporter")
    assert status == 1
    assert "pip install 'tlsresume[exporter]'" in err
