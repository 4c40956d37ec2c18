"""`--ticket-keys`, weak keys and `watch` against servers whose ticket keys are known."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers import conftest
from tests.servers.command import resume, save, tlsresume
from tests.servers.harness import Program, Running, Site, find_program, serve, stop
from tests.servers.harness import run as harness_run
from tests.servers.key_servers import KEY_PROGRAMS, KEY_RECIPES, go_program
from tests.servers.material import Material

SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCase:
    """A server with keys, the files that the user names, and the right answer.

    `files` are names in Material, or of files that are made for the case, by length.
    """

    name: str
    server: str
    lines: tuple[str, ...]
    files: tuple[str, ...]
    made_by: str
    number: int = 1
    role: str = "only"
    order: str
    layout: str = "openssl"
    #: What the MAC is seen to be; httpd 2.4 on OpenSSL 3 makes it with what lies on its stack,
    #: an empty key more often than not.
    mac: tuple[str, ...] = ("matches",)


NGINX = "ssl_session_ticket_key {stek48};"
CASES = (
    KeyCase(
        name="nginx-48",
        server="nginx",
        lines=(NGINX,),
        files=("stek48",),
        made_by="stek48",
        order="name, AES-128, MAC (nginx)",
    ),
    KeyCase(
        name="nginx-80-current-and-old",
        server="nginx",
        lines=("ssl_session_ticket_key {stek80};", NGINX),
        files=("stek80", "stek48"),
        made_by="stek80",
        role="current",
        order="name, MAC, AES-256 (nginx, Envoy, lighttpd)",
    ),
    KeyCase(
        name="nginx-whose-files-are-named-in-another-order",
        server="nginx",
        lines=("ssl_session_ticket_key {stek80};", NGINX),
        files=("stek48", "stek80"),
        made_by="stek80",
        role="older",
        order="name, MAC, AES-256 (nginx, Envoy, lighttpd)",
    ),
    KeyCase(
        name="haproxy-three-lines",
        server="haproxy",
        lines=("tls-ticket-keys {stek_lines}",),
        files=("stek48", "stek_lines"),
        made_by="stek_lines",
        number=2,
        role="current",
        order="name, AES-256, MAC (HAProxy, nghttpx)",
    ),
    KeyCase(
        name="apache",
        server="apache",
        lines=("SSLSessionTicketKeyFile {stek48}",),
        files=("stek48",),
        made_by="stek48",
        order="name, MAC, AES-128 (Apache, Node, ATS)",
        mac=("matches", "does-not-match"),
    ),
    KeyCase(
        name="node",
        server="node",
        lines=("ticketKeys: fs.readFileSync('{stek48}')",),
        files=("stek48",),
        made_by="stek48",
        order="name, MAC, AES-128 (Apache, Node, ATS)",
    ),
    KeyCase(
        name="nghttpx-80",
        server="nghttpx",
        lines=("--tls-ticket-key-file={stek80}", "--tls-ticket-key-cipher=aes-256-cbc"),
        files=("stek80",),
        made_by="stek80",
        order="name, AES-256, MAC (HAProxy, nghttpx)",
    ),
    KeyCase(
        name="lighttpd",
        server="lighttpd",
        lines=('ssl.stek-file = "{stek_lighttpd}"',),
        files=("stek_lighttpd",),
        made_by="stek_lighttpd",
        order="name, MAC, AES-256 (nginx, Envoy, lighttpd)",
    ),
    KeyCase(
        name="trafficserver-two-keys",
        server="trafficserver",
        lines=("proxy.config.ssl.server.ticket_key.filename STRING {stek_ats}",),
        files=("stek_ats",),
        made_by="stek_ats",
        role="current",
        order="name, MAC, AES-128 (Apache, Node, ATS)",
    ),
    KeyCase(
        name="gnutls",
        server="gnutls-key",
        lines=("{64}",),
        files=("64",),
        made_by="64",
        order="name, AES, MAC",
        layout="gnutls",
    ),
    KeyCase(
        name="go",
        server="go",
        lines=("{32}",),
        files=("32",),
        made_by="32",
        order="a seed of 32 bytes",
        layout="go",
    ),
)


@pytest.fixture
def keys(material: Material, tmp_path: Path) -> dict[str, str]:
    """The paths of key files, by name; those of GnuTLS and Go are made here."""
    paths = {name: str(path) for name, path in material.files.items()}
    for length in (32, 64):
        path = tmp_path / f"key-{length}"
        path.write_bytes(os.urandom(length))
        paths[str(length)] = str(path)
    return paths


@contextmanager
def run(
    server: str, lines: tuple[str, ...], keys: dict[str, str], material: Material
) -> Iterator[Running]:
    for program, package in KEY_PROGRAMS[server].items():
        if find_program(program) is None and conftest.debian_lacks(package):
            pytest.skip(f"this release of Debian has no package {package}")
        assert find_program(program), f"{program} is missing: run tools/install-servers.sh"
    filled = tuple(line.replace("{32}", keys["32"]).replace("{64}", keys["64"]) for line in lines)
    with serve(KEY_RECIPES[server], filled, material) as running:
        yield running


def key_options(case: KeyCase, keys: dict[str, str]) -> list[str]:
    return [word for name in case.files for word in ("--ticket-keys", keys[name])]


def check(case: KeyCase, use: dict[str, Any], keys: dict[str, str]) -> None:
    assert use["file"] == keys[case.made_by], use
    assert (use["key"], use["role"], use["order"]) == (case.number, case.role, case.order), use
    assert use["layout"].startswith(case.layout), use
    assert use["mac"] in case.mac, use
    assert use["same_secret"], use
    if use["mac"] == "does-not-match":
        assert use["note"].startswith("decrypted, MAC does not match"), use


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_key_that_the_server_was_given(
    case: KeyCase, keys: dict[str, str], material: Material, tmp_path: Path
) -> None:
    """For TLS 1.2 and 1.3, live and offline, the answer is the key the server uses, its MAC is
    right, and the session inside is ours."""
    with run(case.server, case.lines, keys, material) as running:
        options = key_options(case, keys)
        probed = tlsresume(
            "probe", running.target, "--format", "json", "--tries", "2", "--ticket-wait", "1",
            *options,
        )  # fmt: skip
        (target,) = probed.document["targets"]
        assert {m for use in target["ticket_keys"] for m in use["mechanisms"]} == {"psk", "ticket"}
        for use in target["ticket_keys"]:
            check(case, use, keys)
        for mechanism in ("psk", "ticket"):
            path = tmp_path / mechanism
            assert save(running.target, mechanism, path).status == 0
            inspected = tlsresume("inspect", str(path), "--format", "json", *options)
            (file,) = inspected.document["files"]
            check(case, file["inspection"]["ticket"]["made_by"], keys)
            if case.layout == "openssl":
                sealed = file["inspection"]["ticket"]["made_by"]["session"]
                assert sealed["tls_version"] == file["inspection"]["tls_version"]
                assert sealed["cipher"] == file["inspection"]["cipher"]


def test_a_ticket_of_none_of_the_keys(
    material: Material, keys: dict[str, str], tmp_path: Path
) -> None:
    """A ticket that another key made is of none of the given keys; a file with its name but
    other bytes is said to have the name only."""
    forged = tmp_path / "forged"
    forged.write_bytes(material.files["stek48"].read_bytes()[:16] + os.urandom(32))
    with run("nginx", (NGINX,), keys, material) as running:
        path = tmp_path / "session"
        assert save(running.target, "psk", path).status == 0
        other = inspected(path, "--ticket-keys", keys["other_stek48"])
        assert other["file"] is None
        assert other["note"] == "none of the given keys"
        same_name = inspected(path, "--ticket-keys", str(forged))
        assert same_name["file"] is None
        assert "has the name of key 1" in same_name["note"]


def inspected(path: Path, *options: str) -> dict[str, Any]:
    answer = tlsresume("inspect", str(path), "--format", "json", *options)
    found = answer.document["files"][0]["inspection"]["ticket"]["made_by"]
    assert isinstance(found, dict)
    return found


def test_a_session_from_before_a_rotation(
    material: Material, keys: dict[str, str], tmp_path: Path
) -> None:
    """`resume` says that the saved session is of the older key and the new ticket of the
    current one, and the session is resumed while the old key is kept."""
    path = tmp_path / "session"
    with run("nginx", (NGINX,), keys, material) as running:
        assert save(running.target, "psk", path).status == 0
    rotated = ("ssl_session_ticket_key {other_stek48};", NGINX)
    with run("nginx", rotated, keys, material) as running:
        answer = resume(
            path, running.target, "--ticket-keys", keys["other_stek48"],
            "--ticket-keys", keys["stek48"],
        )  # fmt: skip
    assert answer.document["session_reused"], str(answer)
    old, new = answer.document["ticket_keys"]
    assert (old["file"], old["role"]) == (keys["stek48"], "older"), str(answer)
    assert (new["file"], new["role"]) == (keys["other_stek48"], "current"), str(answer)


WEAK = (
    ("nginx", "ssl_session_ticket_key {weak};", bytes(48), "all zero"),
    ("nginx", "ssl_session_ticket_key {weak};", bytes(range(80)), "counting up from 48"),
    ("apache", "SSLSessionTicketKeyFile {weak}", b"1" * 48, "every byte 0x31"),
    ("gnutls-key", "{weak}", bytes(64), "all zero"),
    ("go", "{weak}", bytes(32), "all zero"),
)


@pytest.mark.parametrize(("server", "line", "key", "pattern"), WEAK)
def test_a_weak_key_is_an_error(
    server: str, line: str, key: bytes, pattern: str,
    material: Material, keys: dict[str, str], tmp_path: Path,
) -> None:  # fmt: skip
    """A guessable key is an error finding that names it, on TLS 1.2 and 1.3, without the key
    being given."""
    weak = tmp_path / "weak"
    weak.write_bytes(key)
    with run(server, (line.replace("{weak}", str(weak)),), keys, material) as running:
        answer = tlsresume(
            "probe", running.target, "--format", "json", "--tries", "1", "--ticket-wait", "1"
        )
    (target,) = answer.document["targets"]
    (found,) = [each for each in target["findings"] if each["code"] == "weak-ticket-key"]
    assert found["severity"] == "error"
    assert found["mechanism"] is None, "seen on psk and on ticket"
    assert any(pattern in line for line in found["evidence"]), found


# -------------------------------------------------------------------- rotation


@contextmanager
def watching(target: str, history: Path) -> Iterator[subprocess.Popen[str]]:
    """`tlsresume watch` in the background; its report is on stdout when it is interrupted."""
    command = [
        sys.executable, "-m", "tlsresume", "watch", target, "--every", "1s", "--tries", "4",
        "--ticket-wait", "1", "--history", str(history), "--format", "json",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def samples_until(process: subprocess.Popen[str], wanted: set[str]) -> None:
    """Read sample lines until one shows exactly these key names."""
    assert process.stderr is not None
    deadline = time.monotonic() + SECONDS
    seen = []
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        seen.append(line)
        shown = re.search(r": [0-9.]+:[0-9]+ ([0-9a-f+]+)(,|$)", line)
        names = set(shown[1].split("+")) if shown else set()
        if names == wanted:
            return
        assert line, "".join(seen)
    raise AssertionError("".join(seen))


def test_a_rotation_behind_a_balancer_watched_live(
    material: Material, keys: dict[str, str], tmp_path: Path
) -> None:
    """Two nginx behind HAProxy get a new key one after the other, and keep the old one: `watch`
    reports the rotation, the time out of step, and that sessions from before were resumed."""
    conftest.require("nginx-pool")
    old, new = (material.files[name].read_bytes() for name in ("stek48", "other_stek48"))
    names = [key[:4].hex() for key in (old, new)]
    lines = []
    for node in "ab":
        for place, key in (("current", old), ("other", new)):
            path = tmp_path / f"{node}-{place}"
            path.write_bytes(key)
            lines.append(f"{node}: ssl_session_ticket_key {path};")
    history = tmp_path / "history"
    with run("nginx-pool", tuple(lines), keys, material) as running:
        with watching(running.target, history) as process:
            samples_until(process, {names[0]})
            for node, port, expected in (
                ("a", running.nodes[0], set(names)),
                ("b", running.nodes[1], {names[1]}),
            ):
                (tmp_path / f"{node}-current").write_bytes(new)
                (tmp_path / f"{node}-other").write_bytes(old)
                pid = int((running.folder / f"nginx-{port}.pid").read_text())
                os.kill(pid, signal.SIGHUP)
                samples_until(process, expected)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 130, err
        report = tlsresume("watch", "report", "--history", str(history), "--format", "json")
    for document in (json.loads(out), report.document):
        (target,) = document["targets"]
        (rotation,) = target["rotations"]
        assert rotation["old_key"].startswith(names[0]), target
        assert rotation["new_key"].startswith(names[1]), target
        assert target["out_of_step"], target
        assert target["out_of_step"][-1]["until"] is not None, target
        for across in target["across"]:
            assert across["resumed"] == across["offered"] > 0, target
        gone, used = sorted(target["keys"], key=lambda key: str(key["first"]))
        assert (gone["current"], used["current"]) == (False, True), target
    shown = tlsresume("watch", "report", "--history", str(history))
    assert f"Rotation: {running.target}: {names[0]} to {names[1]}" in shown.stdout, str(shown)


def test_a_fleet_with_an_odd_one(material: Material, keys: dict[str, str], tmp_path: Path) -> None:
    """Of two addresses behind one name one uses the first key file and the other the second:
    the table has a row for each, and the sentence above it names both."""
    site = Site(tmp_path, material)
    other = tmp_path / "other"
    other.write_bytes(os.urandom(32))
    if find_program("go") is None and conftest.debian_lacks("golang-go"):
        pytest.skip("this release of Debian has no package golang-go")
    port = site.free_port()
    certificate = str(material.files["certificate"])
    server = go_program(str(material.files["certificate"].parent))
    with ExitStack() as stack:
        for host, key in (("127.0.0.2", str(other)), ("127.0.0.1", keys["32"])):
            command = (server, f"{host}:{port}", certificate, key)
            folder = tmp_path / host
            folder.mkdir()
            program = Program(command, (port,))
            if host == "127.0.0.2":
                stack.enter_context(start_elsewhere(program, host))
            else:
                stack.enter_context(harness_run(program, folder))
        name = f"fleet.test:{port}"
        answer = tlsresume(
            "probe", name, "--resolve", f"{name}:127.0.0.1,127.0.0.2", "--tries", "1",
            "--ticket-wait", "1", "--ticket-keys", keys["32"], "--ticket-keys", str(other),
        )  # fmt: skip
    said = " ".join(answer.stdout.split())
    assert f"127.0.0.1 uses {keys['32']} (current)" in said, str(answer)
    assert f"127.0.0.2 uses {other} (an older one)" in said, str(answer)


@contextmanager
def start_elsewhere(program: Program, host: str) -> Iterator[None]:
    """A program on an address of loopback that the harness does not look at."""
    process = subprocess.Popen(program.command, start_new_session=True)
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection((host, program.ports[0]), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the server did not start"
                assert process.poll() is None, "the server ended"
                time.sleep(0.01)  # between two looks; the loop ends by what it sees
        yield
    finally:
        stop(process)
