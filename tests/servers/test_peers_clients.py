"""Where gnutls-cli and curl mislead, with ours beside them on the same server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.servers.causes import (
    check,
    nginx,
)
from tests.servers.command import probe
from tests.servers.conftest import require
from tests.servers.harness import HOST, serve
from tests.servers.material import Material
from tests.servers.peer_commands import run
from tests.servers.servers import RECIPES


def test_gnutls_cli_completes_what_was_not_resumed(material: Material) -> None:
    """`gnutls-cli -r` says that the resume handshake was completed, and exits 0, though
    nothing was resumed."""
    with nginx(material, "ssl_session_tickets off;") as running:
        done = run("gnutls-cli", "-r", "--insecure", "-p", str(running.port), HOST)
        assert done.returncode == 0
        assert "Resume Handshake was completed" in done.stdout
        assert "This is a resumed session" not in done.stdout
        check(probe(running.target, "--tls", "1.3"), "never-honoured")


def test_gnutls_cli_waits_for_ever(material: Material) -> None:
    """`gnutls-cli -r --waitresumption` never returns where no ticket comes; ours says for how
    long it waited."""
    require("s_server")
    with serve(RECIPES["s_server"], ("-www", "-num_tickets", "0"), material) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            run(
                *("gnutls-cli", "-r", "--waitresumption", "--insecure"),
                *("-p", str(running.port), HOST),
                seconds=6,
            )
        finding = check(probe(running.target, "--tls", "1.3"), "not-issued")
    assert re.search(r"none within \d", " ".join(finding["evidence"]))


def test_curl_says_reusing_when_it_offers(material: Material) -> None:
    """Curl says that it reuses a session when it offers one: also where the server declines
    each, as without tickets and cache."""
    with nginx(material, "ssl_session_tickets off;", "keepalive_timeout 0;") as running:
        url = f"https://{running.target}/"
        done = run("curl", "-skv", "--tlsv1.3", "-o", "/dev/null", url, "-o", "/dev/null", url)
        assert done.returncode == 0
        assert re.search(r"SSL re-?using session", done.stdout), done.stdout
        check(probe(running.target, "--tls", "1.3"), "never-honoured")


def test_curl_keeps_a_session_that_is_worthless(material: Material, tmp_path: Path) -> None:
    """`curl --ssl-sessions` offers from its file what was declined before, and exits 0 without
    a word about it."""
    version = run("curl", "--version").stdout
    if "SSLS-EXPORT" not in version:
        pytest.skip("this curl has no --ssl-sessions (SSLS-EXPORT)")
    file = str(tmp_path / "sessions")
    with nginx(material, "ssl_session_tickets off;") as running:
        url = f"https://{running.target}/"
        for _ in range(2):
            done = run("curl", "-skv", "--tlsv1.3", "--ssl-sessions", file, "-o", "/dev/null", url)
            assert done.returncode == 0
        assert re.search(r"SSL re-?using session", done.stdout), done.stdout
        check(probe(running.target, "--tls", "1.3"), "never-honoured")
