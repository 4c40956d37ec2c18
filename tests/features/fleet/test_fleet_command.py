"""`tlsresume probe` on a list: good, bad, hanging and closed targets, few descriptors, kill -9."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import certificates
from tests.helpers.commands import runner
from tests.helpers.peers import MutePeer, RawPeer, refused_port
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server

pytestmark = pytest.mark.slow

FAST = ("--timeout", "3", "--ticket-wait", "0.3", "--quick")


@pytest.fixture
def run(capsys):
    return runner(capsys)


@dataclass
class Place:
    good: int
    bad: int
    silent: int
    closed: int
    hosts: tuple[str, ...]

    def lines(self) -> list[str]:
        """Mostly good targets, on many addresses; some bad, one closed, one hanging."""
        lines = [f"{host}:{self.good}" for host in self.hosts]
        lines += [f"127.0.0.1:{self.bad} --servername b{n}.example" for n in range(3)]
        return [*lines, f"127.0.0.1:{self.silent} --timeout 0.4", f"127.0.0.1:{self.closed}"]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    hosts = tuple(f"127.0.9.{n}" for n in range(1, 25))
    with ExitStack() as stack:
        identity = certificates.localhost()
        good = Server(Behaviour(), hosts[0], also=hosts[1:], identity=identity)
        bad = Server(Behaviour(honoured=False), "127.0.0.1", identity=identity)
        yield Place(
            stack.enter_context(good).port,
            stack.enter_context(bad).port,
            stack.enter_context(RawPeer("silent")).port,
            stack.enter_context(refused_port()),
            hosts,
        )


def listed(folder: Path, lines: list[str]) -> str:
    path = folder / "targets"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def verdicts(path: Path) -> dict[str, str]:
    """The verdict of each line by target and name."""
    found = {}
    for line in path.read_text().splitlines():
        whole = json.loads(line)
        if "error" in whole:
            continue  # the run failed
        name = (whole["options"] or {}).get("servername", "")
        found[f"{whole['target']['target']} {name}"] = whole["target"]["verdict"]
    return found


def test_verdicts_are_the_same_however_it_is_run(run, place, tmp_path):
    """One at a time, all at once, and in two processes; one status line names the worst."""
    path = listed(tmp_path, place.lines())
    seen = []
    for number, how in enumerate((["--parallel", "1"], ["--parallel", "500"], ["--jobs", "2"])):
        out = tmp_path / f"{number}.jsonl"
        status, text, err = run("probe", "--targets", path, *FAST, *how, "--format", f"jsonl={out}")
        assert status == 3, err
        last = text.splitlines()[-2:]
        assert any("FAIL (exit 3): 5 of 29; " in line for line in last), text
        seen.append(verdicts(out))
    assert seen[0] == seen[1] == seen[2]
    assert Counter(seen[0].values()) == {"resumes": 24, "does-not-resume": 3, "untested": 2}


def test_an_interrupt_tells_what_each_process_knows(tmp_path):
    """Ctrl-C loses nothing of a target under way, in one process, behind --exclude, or in two."""
    for number, how in enumerate(([], ["--exclude", "none"], ["--jobs", "2"])):
        with MutePeer() as peer:
            (tmp_path / "none").write_text("192.0.2.1\n")
            listed(tmp_path, [f"127.0.0.1:{peer.port}"])
            out = tmp_path / f"{number}.jsonl"
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "tlsresume", "probe", "--targets", "targets",
                    "--timeout", "60", *how, "--format", f"jsonl={out}",
                ],
                cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            try:
                assert peer.heard.wait(60)
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=60)
            finally:
                process.kill()
                process.wait()
        assert process.returncode == 130, err
        target = json.loads(out.read_text().splitlines()[0])["target"]
        assert target["interrupted"], how
        assert target["connections"] >= 1, how


def test_options_that_cannot_be_carried_out_end_a_run_in_processes(run, place, tmp_path):
    """What another process says of options ends the run here, with its status."""
    path = listed(tmp_path, place.lines()[:3])
    for options, status in ((["--ciphers", "NO-SUCH-CIPHER"], 2), (["--groups", "none"], 2)):
        found, _, err = run("probe", "--targets", path, *FAST, "--jobs", "2", *options)
        assert found == status, err


def test_few_descriptors_make_no_finding(place, tmp_path):
    """What this process runs out of is waited for, and no target is judged by it."""
    path = listed(tmp_path, place.lines()[:24])

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))

    done = subprocess.run(
        [sys.executable, "-m", "tlsresume", "probe", "--targets", path, *FAST, "--parallel", "100"],
        preexec_fn=few,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "24 targets: 24 resumes" in done.stdout


def test_a_run_that_was_killed_is_gone_on_with(run, place, tmp_path):
    """Kill -9 loses what was running; the rest is not probed again, and all are counted."""
    path = listed(tmp_path, place.lines())
    out = tmp_path / "out.jsonl"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "tlsresume", "probe", "--targets", path, *FAST,
            "--parallel", "1", "--format", f"jsonl={out}",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and (not out.exists() or out.read_bytes().count(b"\n") < 3):
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = out.read_bytes().count(b"\n")
    assert 3 <= before < 29
    with out.open("ab") as torn:
        torn.write(b'{"schema": 1, "tar')
    whole = tmp_path / "whole.json"
    status, text, err = run(
        "probe", "--targets", path, *FAST, "--continue", str(out), "--format", f"json={whole}"
    )
    assert status == 3
    assert f"{before} finished results" in err
    assert "5 of 29" in text
    assert out.read_bytes().count(b"\n") == 29
    assert len(json.loads(whole.read_text())["targets"]) == 29
    # Again, and nothing is left to do but what was not reached, where that is asked for.
    status, text, _ = run("probe", "--targets", path, *FAST, "--continue", str(out), "-q")
    assert (status, out.read_bytes().count(b"\n")) == (3, 29)
    assert "5 of 29" in text
    again = ["--retry-unreachable", "-q"]
    run("probe", "--targets", path, *FAST, "--continue", str(out), *again)
    assert out.read_bytes().count(b"\n") == 31
    # Other options are another question.
    run("probe", f"{place.hosts[0]}:{place.good}", "--tries", "1", "--continue", str(out), "-q")
    assert out.read_bytes().count(b"\n") == 32


def test_the_deadline_holds_for_any_number(run, place, tmp_path):
    """Targets that hang hold up nobody; those that had no turn are told of, or counted."""
    lines = [f"127.3.{n // 250}.{n % 250 + 1}:{place.closed}" for n in range(2000)]
    lines[::50] = [f"127.0.0.1:{place.silent}"] * 40
    path = listed(tmp_path, lines)
    out = tmp_path / "out.jsonl"
    status, text, _ = run(
        "probe", "--targets", path, "--timeout", "30", "--deadline", "2", "-q", "--parallel", "20",
        "--format", f"jsonl={out}",
    )  # fmt: skip
    assert status in (4, 5)
    told = out.read_bytes().count(b"\n")
    words = f"{2000 - told} more had no turn (the deadline of 2 s)"
    assert told == 2000 or words in " ".join(text.split())
    line = json.loads(out.read_text().splitlines()[-1])
    assert line["target"]["incomplete"]


def test_an_address_that_is_down_is_not_dialled_for_each_name(run, tmp_path):
    """After three that were refused, its other names are skipped, and not reached."""
    with refused_port() as closed:
        lines = [f"127.0.0.1:{closed} --servername n{n}.example" for n in range(8)]
        out = tmp_path / "out.jsonl"
        status, _, _ = run(
            "probe", "--targets", listed(tmp_path, lines), *FAST, "--parallel", "1", "-q",
            "--format", f"jsonl={out}",
        )  # fmt: skip
    found = [json.loads(line)["target"] for line in out.read_text().splitlines()]
    assert status == 5
    assert [each["connections"] for each in found] == [1, 1, 1, 0, 0, 0, 0, 0]
    assert {each["error"]["kind"] for each in found[3:]} == {"down"}
    assert all("address down" in each["skipped"][0]["reason"] for each in found[3:])


def test_lists_in_every_form(run, place, tmp_path, monkeypatch):
    """Networks, zgrab2's lines, pipes, exclusions, shards, and lines that make no sense."""
    first, port = place.hosts[0], place.good

    def asked(lines: list[str], *options: str) -> tuple[int, set[str], str]:
        out = tmp_path / "out.jsonl"
        status, _, err = run(
            "probe", "--targets", listed(tmp_path, lines), *FAST, "-q", *options,
            "--format", f"jsonl={out}",
        )  # fmt: skip
        names = {name.split()[0] for name in verdicts(out)} if out.exists() else set()
        out.unlink(missing_ok=True)
        return status, names, err

    status, names, _ = asked([f"127.0.9.0/29:{port}"], "--expand")
    assert (status, names) == (0, {f"127.0.9.{n}:{port}" for n in range(1, 7)})
    status, names, err = asked([f"127.0.9.0/29:{port}"])
    assert (status, names) == (2, set())
    assert "--expand" in err
    status, names, _ = asked([f"{first},a.example,tag,{port}", f"{first},,,{port}"])
    assert (status, names) == (0, {f"a.example:{port}", f"{first}:{port}"})
    bad = [f"{first}:{port}", "a b c", "x:99999", f"{place.hosts[1]}:{port}"]
    status, names, err = asked(bad)
    assert (status, names) == (2, set())
    assert "line 2" in err
    assert "line 3" in err
    long = ["# " + "no target " * 20_000, "ü" * 200_000, " " * 200_000 + f"{first}:{port}", "a b c"]
    status, names, err = asked([*long, f"{first}:{port}"], "--skip-bad-lines")
    assert (status, names) == (0, {f"{first}:{port}"})
    assert re.findall(r"line (\d+):", err) == ["2", "3", "4"], err
    (tmp_path / "wide").write_bytes(f"{first}:{port}\r\n".encode("utf-16"))
    status, _, err = run("probe", "--targets", str(tmp_path / "wide"), *FAST)
    assert status == 7
    assert "hint: it is UTF-16" in err
    status, names, err = asked(bad, "--skip-bad-lines")
    assert (status, len(names)) == (0, 2)
    assert "line 2" in err
    assert "line 3" in err
    (tmp_path / "no").write_text(f"# not these\n{first}\n*.internal\n")
    lines = [f"{first}:{port}", f"h.example:{port} --connect {first}", f"x.internal:{port}",
             f"{place.hosts[1]}:{port}"]  # fmt: skip
    status, names, err = asked(lines, "--exclude", str(tmp_path / "no"))
    assert (status, names) == (0, {f"{place.hosts[1]}:{port}"})
    (tmp_path / "no").write_text("10.0.0.0/99\n")
    assert asked(lines, "--exclude", str(tmp_path / "no"))[0] == 7
    parts = [
        asked([f"{h}:{port}" for h in place.hosts[:9]], "--shard", f"{k}/2")[1] for k in (1, 2)
    ]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 9
    for options in (["--shard", "4/3"], ["--retry-unreachable"], ["--rate", "0"],
                    ["--dask", "x", "--jobs", "2"], ["--parallel", "0"]):  # fmt: skip
        assert asked(lines, *options)[0] == 2, options


def test_a_pipe_is_read_as_it_comes(place):
    """The first result is there while the list is still being written."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "tlsresume", "probe", "--targets", "-", *FAST,
            "--format", "jsonl",
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for host in place.hosts[:2]:
            process.stdin.write(f"{host}:{place.good}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["target"]["verdict"] == "resumes"
        process.stdin.close()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
