"""What real servers answer on resumed connections, under other names, and at their limits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.servers.command import Answer, tlsresume
from tests.servers.harness import HOST, Layout, Program, Recipe, Running, Site, find_program, serve
from tests.servers.material import Material
from tests.servers.reach_servers import own

#: Answers and a verdict in few connections.
QUICK = ("--format", "json", "--tries", "2", "--ticket-wait", "1")

NAMES = ("a.test", "b.test")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A server for both names, clients of two authorities, one of them expired."""
    folder = tmp_path_factory.mktemp("names")
    files: dict[str, Path] = {}
    authorities = {"ca": trustme.CA(), "other_ca": trustme.CA()}
    for name, authority in authorities.items():
        files[name] = folder / f"{name}.pem"
        authority.cert_pem.write_to_path(str(files[name]))
    authority = authorities["ca"]
    past = datetime.now(UTC) - timedelta(days=5)
    leaves = {
        "certificate": authority.issue_cert(*NAMES, "localhost", HOST),
        "client_certificate": authority.issue_cert("client@a.test"),
        "expired_certificate": authority.issue_cert("old@a.test", not_after=past),
        "old_certificate": authorities["other_ca"].issue_cert("localhost", not_after=past),
    }
    for name, leaf in leaves.items():
        files[name] = folder / f"{name}.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(str(files[name]))
    return Material(files, {})


@contextmanager
def running(recipe: Recipe, material: Material, *lines: str) -> Iterator[Running]:
    with serve(recipe, lines, material) as server:
        yield server


@pytest.fixture
def start(material: Material) -> Iterator[Any]:
    """Start a server by its recipe; the test's end stops it."""
    with ExitStack() as stack:

        def started(recipe: Recipe, *lines: str) -> Running:
            return stack.enter_context(running(recipe, material, *lines))

        yield started


def need(program: str) -> None:
    if find_program(program) is None:
        pytest.fail(f"{program} is missing: run tools/install-servers.sh", pytrace=False)


def findings(answer: Answer) -> dict[str, dict[str, Any]]:
    (target,) = answer.document["targets"]
    return {finding["code"]: finding for finding in target["findings"]}


def grave(answer: Answer) -> dict[str, str]:
    """The codes that are more than information, with their severity."""
    (target,) = answer.document["targets"]
    return {f["code"]: f["severity"] for f in target["findings"] if f["severity"] != "info"}


def certificate(material: Material, name: str = "client_certificate") -> tuple[str, ...]:
    file = str(material.files[name])
    return ("--cert", file, "--key", file)


def crossed(server: Running, *more: str) -> Answer:
    at = ("--connect", HOST, "--cross-name", "b.test")
    return tlsresume("probe", f"https://a.test:{server.port}", *QUICK, *at, *more)


# ------------------------------------------------------------------------ recipes


def nginx(site: Site, lines: tuple[str, ...]) -> Layout:
    """One nginx whose server block has the lines."""
    need("nginx")
    port = site.free_port()
    temporary = "".join(
        f"{kind}_temp_path {site.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = site.write(
        "nginx.conf",
        f"{'user nobody nogroup;' if os.geteuid() == 0 else ''} daemon off;"
        f" pid {site.folder}/nginx.pid; error_log {site.folder}/nginx.log;"
        " events {}"
        f" http {{ access_log off; {temporary} ssl_protocols TLSv1.2 TLSv1.3;"
        " ssl_session_cache shared:S:1m;"
        f" server {{ listen {HOST}:{port} ssl; {' '.join(lines)} }} }}\n",
    )
    command = ("nginx", "-e", f"{site.folder}/nginx.log", "-c", path, "-p", str(site.folder))
    return Layout((Program(command, (port,)),), port, (port,))


CERTIFICATE = "ssl_certificate {certificate}; ssl_certificate_key {certificate};"
MUTUAL = f"{CERTIFICATE} ssl_client_certificate {{ca}}; ssl_verify_client on;"
SERVED = 'location / { return 200 "$ssl_client_verify\\n"; }'
#: The application reads what only a full handshake has: here, that it was one.
RESUMED_IS = "if ($ssl_session_reused = r) {{ return {}; }} return 200 good;"


def haproxy(site: Site, lines: tuple[str, ...]) -> Layout:
    """HAProxy with a crt-list of the lines, and strict about names."""
    need("haproxy")
    port = site.free_port()
    listed = site.write("list", "\n".join(lines) + "\n")
    path = site.write(
        "haproxy.cfg",
        "defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 2s\n"
        f"frontend f\n  bind {HOST}:{port} ssl crt-list {listed} strict-sni\n"
        '  http-request return status 200 content-type text/plain lf-string "%[ssl_c_used]\\n"\n',
    )
    return Layout((Program(("haproxy", "-db", "-f", path), (port,)),), port, (port,))


def node(site: Site, lines: tuple[str, ...]) -> Layout:
    """Node: a.test wants clients of one authority, b.test (addContext) those of another."""
    need("node")
    port = site.free_port()
    path = site.write(
        "server.js",
        "const https = require('https'), fs = require('fs');\n"
        "const pem = fs.readFileSync('{certificate}');\n"
        "const server = https.createServer({ key: pem, cert: pem, ca: fs.readFileSync('{ca}'),\n"
        "  requestCert: true, rejectUnauthorized: true }, (q, r) => r.end('ok'));\n"
        "server.addContext('b.test', { key: pem, cert: pem, ca: fs.readFileSync('"
        + lines[0]
        + "') });\n"
        f"server.listen({port}, '{HOST}');\n",
    )
    return Layout((Program(("node", path), (port,)),), port, (port,))


def postfix(site: Site, lines: tuple[str, ...]) -> Layout:
    """A Postfix of its own, in the foreground; lines go into main.cf."""
    if find_program("postfix") is None:
        pytest.skip("Debian has room for one mail server, and other tests need Exim")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    port = site.free_port()
    queue, data = site.folder / "queue", site.folder / "data"
    queue.mkdir()
    data.mkdir()
    own(data, "postfix")
    log = site.folder / "maillog"
    (site.folder / "main.cf").write_text(
        site.material.fill(
            "\n".join(
                (
                    "compatibility_level = 3.6",
                    f"queue_directory = {queue}",
                    f"data_directory = {data}",
                    "command_directory = /usr/sbin",
                    "daemon_directory = /usr/lib/postfix/sbin",
                    "mail_owner = postfix",
                    "setgid_group = postdrop",
                    "myhostname = mx1.resume.test",
                    f"inet_interfaces = {HOST}",
                    "inet_protocols = ipv4",
                    "alias_maps =",
                    "local_recipient_maps =",
                    "mynetworks = 192.0.2.0/24",
                    "smtp_dns_support_level = disabled",
                    "smtpd_peername_lookup = no",
                    "smtpd_tls_security_level = may",
                    "smtpd_tls_cert_file = {certificate}",
                    "smtpd_tls_key_file = {certificate}",
                    f"maillog_file = {log}",
                    f"maillog_file_prefixes = {site.folder}",
                    *lines,
                )
            )
            + "\n"
        )
    )
    (site.folder / "master.cf").write_text(
        f"{HOST}:{port} inet n - n - - smtpd\n"
        "tlsmgr unix - - n 1000? 1 tlsmgr\nanvil unix - - n - 1 anvil\n"
        "rewrite unix - - n - - trivial-rewrite\ncleanup unix n - n - 0 cleanup\n"
        "postlog unix-dgram n - n - 1 postlogd\n"
    )
    command = ("postfix", "-c", str(site.folder), "start-fg")
    return Layout((Program(command, (port,)),), port, (port,))


def pyftpdlib(site: Site, lines: tuple[str, ...]) -> Layout:
    """A pyftpdlib with TLS on both connections; lines set its handler up further."""
    pytest.importorskip("pyftpdlib", reason="pip install pyftpdlib")
    port = site.free_port()
    path = site.write(
        "ftp.py",
        "from pyftpdlib.authorizers import DummyAuthorizer\n"
        "from pyftpdlib.handlers import TLS_FTPHandler as handler\n"
        "from pyftpdlib.servers import FTPServer\n"
        "handler.authorizer = DummyAuthorizer()\n"
        f"handler.authorizer.add_anonymous({str(site.folder)!r})\n"
        "handler.certfile = '{certificate}'\n"
        "handler.tls_control_required = handler.tls_data_required = True\n"
        + "".join(f"{line}\n" for line in lines)
        + f"FTPServer(({HOST!r}, {port}), handler).serve_forever()\n",
    )
    return Layout((Program((sys.executable, path), (port,)),), port, (port,))


# -------------------------------------------------------------------------- tests


@pytest.mark.parametrize("status", [302, 404, 503])
def test_nginx_that_refuses_what_is_resumed(start: Any, status: int, tmp_path: Path) -> None:
    """Full handshakes get 200 and resumed ones another status: a warning, by both commands, and
    both statuses are in the document."""
    server = start(nginx, CERTIFICATE, RESUMED_IS.format(status))
    answer = tlsresume("probe", f"https://{server.target}", *QUICK)
    assert grave(answer) == {"resumed-then-refused": "warning"}, str(answer)
    (target,) = answer.document["targets"]
    for row in target["addresses"][0]["mechanisms"][:2]:
        assert {each["http_status"] for each in row["answers"]["full"]} == {200}
        assert {each["http_status"] for each in row["answers"]["resumed"]} == {status}
    path = str(tmp_path / "session.pem")
    tlsresume("save", f"https://{server.target}", "-o", path)
    answer = tlsresume("resume", path, "--format", "json")
    codes = [finding["code"] for finding in answer.document["findings"]]
    assert "resumed-then-refused" in codes, str(answer)


@pytest.mark.parametrize("what", ["return 404;", "return 302 /login;", "return 444;"])
def test_nginx_that_treats_both_alike(start: Any, what: str) -> None:
    """The same 404 or 302, or the same silence, on both sides is nothing to tell."""
    server = start(nginx, CERTIFICATE, what)
    answer = tlsresume("probe", f"https://{server.target}", *QUICK)
    assert grave(answer) == {}, str(answer)


def test_nginx_that_closes_what_is_resumed(start: Any) -> None:
    """444 closes without an answer: an error."""
    server = start(nginx, CERTIFICATE, RESUMED_IS.format(444))
    answer = tlsresume("probe", f"https://{server.target}", *QUICK)
    assert grave(answer) == {"resumed-then-unanswered": "error"}, str(answer)


@pytest.mark.parametrize("more", ["", "ssl_session_tickets off;"])
def test_nginx_that_wants_a_client_certificate(start: Any, material: Material, more: str) -> None:
    """Without one: that is the warning, and no cache is blamed. With an expired one: that is the
    warning, and nobody is called authenticated. With a good one there is none."""
    server = start(nginx, MUTUAL, more, SERVED)
    url = f"https://localhost:{server.port}"
    answer = tlsresume("probe", url, *QUICK)
    assert grave(answer) == {"client-certificate-missing": "warning"}, str(answer)
    answer = tlsresume("probe", url, *QUICK, *certificate(material, "expired_certificate"))
    assert grave(answer) == {"client-certificate-expired": "warning"}, str(answer)
    assert "still authenticated" not in answer.stdout
    answer = tlsresume("probe", url, *QUICK, *certificate(material))
    assert grave(answer) == {}, str(answer)
    assert "still authenticated" in answer.stdout


def test_a_crt_list_that_lets_sessions_pass_the_client_certificate(
    start: Any, material: Material
) -> None:
    """HAProxy: a.test asks for none, b.test requires one, and a.test's session passes it."""
    server = start(
        haproxy,
        "{certificate} [verify none] a.test",
        "{certificate} [verify required ca-file {ca}] b.test",
    )
    for more in ((), certificate(material)):
        answer = crossed(server, *more)
        found = grave(answer)
        assert found == {"client-certificate-bypassed": "error"}, str(answer)
    assert "certificate-carried" in findings(answer), str(answer)
    answer = crossed(start(haproxy, "{certificate} [verify none] a.test b.test"))
    assert grave(answer) == {}, str(answer)
    assert "cross-name-accepted" in findings(answer), str(answer)


def test_node_with_two_authorities(start: Any, material: Material) -> None:
    """b.test refuses the client's certificate, and takes the session that a.test made with it."""
    answer = crossed(start(node, "{other_ca}"), *certificate(material))
    assert grave(answer) == {"client-certificate-bypassed": "error"}, str(answer)
    answer = crossed(start(node, "{ca}"), *certificate(material))
    assert "client-certificate-bypassed" not in grave(answer), str(answer)


def test_an_expired_server_certificate_of_an_unknown_issuer(start: Any) -> None:
    """That it has expired is said, although OpenSSL finds the issuer first."""
    lines = "ssl_certificate {old_certificate}; ssl_certificate_key {old_certificate};"
    server = start(nginx, lines, SERVED)
    answer = tlsresume("probe", f"https://localhost:{server.port}", "--tries", "1")
    assert "EXPIRED 5 days ago; " in " ".join(answer.stdout.split()), str(answer)


def test_postfix_that_limits_connections_in_a_minute(start: Any) -> None:
    """421 is a limit, not a crash: few tries are made and judged, and --tries 1 is the advice."""
    limit = ("smtpd_client_connection_rate_limit = 12", "smtpd_client_event_limit_exceptions =")
    server = start(postfix, *limit)
    answer = tlsresume("probe", f"smtp://{server.target}", "--format", "json", "--concurrency", "1")
    assert grave(answer) == {}, str(answer)
    assert "rate-limited" in findings(answer), str(answer)
    assert "--tries 1" in answer.stdout
    assert "crash" not in answer.stdout
    (target,) = answer.document["targets"]
    assert target["connections"] <= 20, str(answer)
    answer = tlsresume("probe", f"smtp://{start(postfix).target}", *QUICK)
    assert "rate-limited" not in findings(answer), str(answer)


def test_pasv_that_names_another_address(start: Any) -> None:
    """A warning whether or not EPSV is known; none where PASV names the server's own address."""
    elsewhere = "handler.masquerade_address = '127.9.9.9'"
    old = (
        "handler.proto_cmds = {k: v for k, v in handler.proto_cmds.items()"
        " if k not in ('EPSV', 'EPRT')}"
    )
    for lines, found in (
        ((elsewhere, old), {"pasv-address-ignored": "warning"}),
        ((elsewhere,), {"pasv-address-ignored": "warning"}),
        ((old,), {}),
        ((), {}),
    ):
        server = start(pyftpdlib, *lines)
        answer = tlsresume("probe", f"ftp://{server.target}", *QUICK)
        assert grave(answer) == found, str(answer)
