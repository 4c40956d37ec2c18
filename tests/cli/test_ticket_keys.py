"""`--ticket-keys` of inspect, resume and probe: what is said, where, and what is not."""

from __future__ import annotations

import json

import pytest

from tests.helpers.commands import runner
from tests.helpers.sessions import altered
from tests.helpers.ticket_vectors import FOLDER, key_of, seal_openssl, server_session, vector
from tlsresume.errors import ExitStatus

SECRET = bytes(range(48))


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("haproxy80", "nginx48", "node48"):
        (tmp_path / f"{name}.key").write_bytes(key_of(name))
        (tmp_path / f"{name}.key").chmod(0o600)
        (tmp_path / name).write_bytes((FOLDER / f"{name}-psk.der").read_bytes())
        (tmp_path / name).chmod(0o600)
    return runner(capsys)


def test_inspect_names_file_key_and_role(run):
    """The file, the key's place in it and what it is for; the MAC, and the session inside."""
    status, out, err = run(
        "inspect", "haproxy80", "--ticket-keys", "nginx48.key", "--ticket-keys", "haproxy80.key"
    )
    assert (status, err) == (ExitStatus.OK, "")
    assert "made by             key 2 of haproxy80.key (current)" in out
    assert "the MAC matches; inside is the secret of our session" in out
    assert "the server's session: TLSv1.3, TLS_AES_256_GCM_SHA384" in out
    assert "looks like          OpenSSL family" in out


def test_nothing_secret_is_printed(run):
    """Neither text nor JSON has key material or the session's secret in it."""
    secrets = [key_of("nginx48")[16:32], key_of("nginx48")[32:]]
    secrets.append(vector("nginx48", "psk").fields.master_key)
    for form in ("text", "json"):
        _, out, _ = run("inspect", "nginx48", "--ticket-keys", "nginx48.key", "--format", form)
        assert not any(secret.hex() in out.replace(":", "").lower() for secret in secrets)


def test_the_kind_decides(run):
    """Nginx's 48 bytes read as Apache's open nothing; read as nginx's they do."""
    for kind, words in (
        ("apache", "does not open it"),
        ("nginx", "made by             nginx48.key"),
    ):
        status, out, _ = run(
            "inspect", "nginx48", "--ticket-keys", "nginx48.key", "--ticket-key-kind", kind
        )
        assert status == ExitStatus.OK
        assert words in " ".join(out.split("\n                      "))


def test_warnings_go_to_stderr(run, tmp_path):
    """A key file that others can read, or that is no random key, is warned about."""
    (tmp_path / "weak.key").write_bytes(bytes(80))
    (tmp_path / "weak.key").chmod(0o644)
    status, out, err = run("inspect", "nginx48", "--ticket-keys", "weak.key", "--format", "json")
    assert status == ExitStatus.OK
    json.loads(out)
    assert err.count("tlsresume: warning: ") == 2
    assert "others can read this file" in err
    assert "all zero" in err


@pytest.mark.parametrize(
    "command", [("inspect", "nginx48"), ("resume", "nginx48", "h"), ("probe", "h")]
)
def test_a_bad_key_file(run, tmp_path, command):
    """A key file that is none is status 7 and connects to nothing; JSON stays a document."""
    (tmp_path / "bad.key").write_bytes(b"no key at all")
    status, out, err = run(*command, "--ticket-keys", "bad.key", "--format", "json")
    assert status == ExitStatus.FILE
    assert json.loads(out)["error"]["kind"] == "keyfile"
    assert "bad.key: line 1 is no ticket key" in err
    status, _, err = run(*command, "--ticket-keys", "missing.key")
    assert status == ExitStatus.FILE
    assert "cannot read missing.key" in err


def test_a_kind_without_keys(run):
    """--ticket-key-kind alone makes no sense."""
    status, _, err = run("inspect", "nginx48", "--ticket-key-kind", "nginx")
    assert status == ExitStatus.USAGE
    assert "needs --ticket-keys" in err


def test_a_weak_key_needs_no_key_file(run, tmp_path):
    """Inspect finds a guessable key by itself, and still exits 0."""
    ticket = seal_openssl(server_session(SECRET).data, bytes(range(16)), bytes(32), bytes(32))
    session = altered("openssl40-ticket", ticket=ticket, master_key=SECRET)
    (tmp_path / "weak").write_bytes(session.data)
    (tmp_path / "weak").chmod(0o600)
    status, out, _ = run("inspect", "weak")
    assert status == ExitStatus.OK
    assert "error  weak-ticket-key: the ticket key is guessable" in out
    assert SECRET.hex() not in out


def test_probe_and_resume_of_a_server(run, server, tmp_path):
    """A live server whose key is none of those given: a table that says so, by address."""
    port = server().port
    keys = ("--ticket-keys", "nginx48.key")
    status, out, _ = run("probe", f"127.0.0.1:{port}", "--tries", "1", "--ticket-wait", "1", *keys)
    assert status == ExitStatus.OK
    assert "127.0.0.1 uses none of the given keys" in out
    assert run("save", f"127.0.0.1:{port}", "-o", "s")[0] == ExitStatus.OK
    status, out, _ = run("resume", "s", *keys, "--format", "json")
    assert status == ExitStatus.OK
    assert {use["note"] for use in json.loads(out)["ticket_keys"]} == {"none of the given keys"}


def test_verbose_says_what_tickets_look_like(run, server):
    """`probe -v` names the family of the tickets, and why."""
    port = server().port
    _, out, _ = run("probe", f"127.0.0.1:{port}", "--tries", "1", "--ticket-wait", "1", "-v")
    assert "psk: looks like: OpenSSL family" in out
    assert "likely" in out
    _, out, _ = run(
        "probe", f"127.0.0.1:{port}", "--tries", "1", "--ticket-wait", "1", "--format", "json"
    )
    (target,) = json.loads(out)["targets"]
    rows = {row["mechanism"]: row["tickets"] for row in target["addresses"][0]["mechanisms"]}
    assert rows["psk"]["looks_like"][0]["layout"] == "openssl"
