"""How each server is configured and started: a recipe per server, and nothing about truth.

A recipe takes the lines of a case, puts them where that server's manual wants them, and
adds only what the server needs to run at all: a port on loopback, a certificate, an
answer to HEAD / (a server that answers is closer to the real thing than one that does
not), and both TLS versions. Defaults that matter to resumption are left alone.

gnutls-serv alone cannot be bound to loopback: it has no option for it.
"""

from __future__ import annotations

import os

from tests.servers.harness import HOST, Layout, Program, Recipe, Site
from tests.servers.pools import in_turn
from tests.servers.stack_servers import STACK_PROGRAMS, STACK_RECIPES

#: A user for workers that must not stay root.
WORKER = "nobody"


def nginx_program(site: Site, lines: tuple[str, ...]) -> Program:
    """One nginx with a master and two workers; lines go into its server block."""
    port = site.free_port()
    if not any(line.startswith("ssl_certificate ") for line in lines):
        lines = (
            "ssl_certificate {certificate};",
            "ssl_certificate_key {certificate};",
            *lines,
        )
    if not any(line.startswith("ssl_protocols ") for line in lines):
        # What newer versions have as their default; nginx before 1.23.4 leaves out TLS 1.3.
        lines = ("ssl_protocols TLSv1.2 TLSv1.3;", *lines)
    temporary = "".join(
        f"  {kind}_temp_path {site.folder}/{kind}-{port};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = site.write(
        f"nginx-{port}.conf",
        f"{f'user {WORKER} nogroup;' if os.geteuid() == 0 else ''}\n"
        f"daemon off;\nworker_processes 2;\npid {site.folder}/nginx-{port}.pid;\n"
        f"error_log {site.folder}/nginx-{port}.log;\n"
        "events { worker_connections 256; }\n"
        f"http {{\n  access_log off;\n{temporary}"
        f"  server {{\n    listen {HOST}:{port} ssl;\n    "
        + "\n    ".join(lines)
        + f'\n    location / {{ return 200 "node {port}\\n"; }}\n  }}\n}}\n',
    )
    error_log = f"{site.folder}/nginx-{port}.log"
    return Program(("nginx", "-e", error_log, "-c", path, "-p", str(site.folder)), (port,))


def nginx(site: Site, lines: tuple[str, ...]) -> Layout:
    program = nginx_program(site, lines)
    return Layout((program,), program.ports[0], program.ports)


def nginx_hosts(site: Site, lines: tuple[str, ...]) -> Layout:
    """One nginx with two server blocks at one port; lines of the second begin with `b:`."""
    second = tuple(line.removeprefix("b:").strip() for line in lines if line.startswith("b:"))
    program = nginx_program(site, tuple(line for line in lines if not line.startswith("b:")))
    (port,) = program.ports
    path = site.folder / f"nginx-{port}.conf"
    block = (
        f"  server {{\n    listen {HOST}:{port} ssl;\n"
        "    ssl_certificate {certificate};\n    ssl_certificate_key {certificate};\n"
        "    ssl_protocols TLSv1.2 TLSv1.3;\n    "
        + "\n    ".join(second)
        + '\n    location / { return 200 "second\\n"; }\n  }\n}\n'
    )
    path.write_text(path.read_text().rstrip().removesuffix("}") + site.material.fill(block))
    return Layout((program,), port, (port,))


def nginx_pool(site: Site, lines: tuple[str, ...]) -> Layout:
    """Two nginx nodes behind HAProxy, which passes TCP to each in turn.

    A line that begins with `a:` or `b:` goes to that node only.
    """
    nodes = tuple(
        nginx_program(
            site,
            tuple(
                line.removeprefix(node).strip()
                for line in lines
                if line.startswith(node) or not line.startswith(("a:", "b:"))
            ),
        )
        for node in ("a:", "b:")
    )
    return in_turn(site, nodes)


HAPROXY_FRONT = ("stick-table ", "tcp-request ")


def haproxy(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines that begin with `tune.` go into the global section, those of HAPROXY_FRONT into
    the frontend, others onto the bind line."""
    port = site.free_port()
    outer = [line for line in lines if line.startswith("tune.")]
    front = [line for line in lines if line.startswith(HAPROXY_FRONT)]
    options = [line for line in lines if line not in (*outer, *front)]
    path = site.write(
        "haproxy.cfg",
        "global\n" + "".join(f"  {line}\n" for line in outer) + "defaults\n  mode http\n"
        "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"frontend front\n  bind {HOST}:{port} ssl crt {{certificate}} {' '.join(options)}\n"
        + "".join(f"  {line}\n" for line in front)
        + "  http-request return status 200 content-type text/plain string ok\n",
    )
    return Layout((Program(("haproxy", "-db", "-f", path), (port,)),), port, (port,))


APACHE_MODULES = ("mpm_event", "authz_core", "socache_shmcb", "ssl", "rewrite")


def apache(site: Site, lines: tuple[str, ...]) -> Layout:
    """SSLSessionCache goes into the server's context, other lines into the virtual host."""
    port = site.free_port()
    modules = "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in APACHE_MODULES
    )
    outer = [line for line in lines if line.startswith("SSLSessionCache")]
    inner = [line for line in lines if line not in outer]
    path = site.write(
        "apache.conf",
        f"ServerRoot {site.folder}\nServerName localhost\nPidFile {site.folder}/apache.pid\n"
        f"ErrorLog {site.folder}/apache.log\nDefaultRuntimeDir {site.folder}\n"
        f"{modules}Mutex posixsem\nStartServers 2\nThreadsPerChild 16\n"
        + (f"User {WORKER}\nGroup nogroup\n" if os.geteuid() == 0 else "")
        + "".join(f"{line}\n" for line in outer)
        + f"Listen {HOST}:{port}\n<VirtualHost {HOST}:{port}>\n"
        "SSLEngine on\nSSLCertificateFile {certificate}\n"
        + "".join(f"{line}\n" for line in inner)
        + "RewriteEngine on\nRewriteRule .* - [R=204]\n</VirtualHost>\n",
    )
    program = Program(("apache2", "-DFOREGROUND", "-f", path), (port,))
    return Layout((program,), port, (port,))


def gnutls(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    certificate = str(site.material.files["certificate"])
    command = (
        *("gnutls-serv", "--http", "--disable-client-cert", "--port", str(port)),
        *("--x509certfile", certificate, "--x509keyfile", certificate),
        *lines,
    )
    return Layout((Program(command, (port,)),), port, (port,))


#: A plain HTTP server for stunnel to connect to.
BACKEND_SCRIPT = """\
require('http').createServer((request, response) => response.end('ok\\n'))
  .listen(%d, '127.0.0.1');
"""


def stunnel(site: Site, lines: tuple[str, ...]) -> Layout:
    """Run stunnel as a TLS server in front of a plain HTTP server; lines go into its service."""
    port, backend = site.free_port(), site.free_port()
    script = site.write("backend.js", BACKEND_SCRIPT % backend)
    path = site.write(
        "stunnel.conf",
        "foreground = yes\npid =\nsyslog = no\ndebug = notice\n"
        f"[service]\naccept = {HOST}:{port}\nconnect = {HOST}:{backend}\ncert = {{certificate}}\n"
        + "".join(f"{line}\n" for line in lines),
    )
    programs = (Program(("node", script), (backend,)), Program(("stunnel4", path), (port,)))
    return Layout(programs, port, (port,))


#: The lines of a case are properties of the options of `tls.createServer`, or, when they
#: begin with `server.`, statements.
NODE_SCRIPT = """\
const fs = require('fs');
const https = require('https');
const { constants } = require('crypto');
const sessions = new Map();
const hex = (id) => id.toString('hex');
const pem = fs.readFileSync('{certificate}');
const server = https.createServer({ cert: pem, key: pem,
%s
}, (request, response) => response.end('ok\\n'));
%s
server.listen(%d, '127.0.0.1');
"""


def node(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    options = ",\n".join(line for line in lines if not line.startswith("server."))
    statements = "\n".join(line for line in lines if line.startswith("server."))
    script = site.write("server.js", NODE_SCRIPT % (options, statements, port))
    return Layout((Program(("node", script), (port,)),), port, (port,))


def s_server(site: Site, lines: tuple[str, ...]) -> Layout:
    """OpenSSL's own test server, which serves one connection at a time."""
    port = site.free_port()
    certificate = str(site.material.files["certificate"])
    command = (
        *("openssl", "s_server", "-accept", f"{HOST}:{port}"),
        *("-cert", certificate, "-cert_chain", certificate, "-key", certificate),
        *lines,
    )
    return Layout((Program(command, (port,), stdin=True),), port, (port,))


RECIPES: dict[str, Recipe] = {
    "nginx": nginx,
    "nginx-hosts": nginx_hosts,
    "nginx-pool": nginx_pool,
    "haproxy": haproxy,
    "apache": apache,
    "gnutls": gnutls,
    "stunnel": stunnel,
    "node": node,
    "s_server": s_server,
    **STACK_RECIPES,
}

#: The programs that a recipe runs, and the Debian packages that bring them.
PROGRAMS: dict[str, dict[str, str]] = {
    "nginx": {"nginx": "nginx"},
    "nginx-hosts": {"nginx": "nginx"},
    "nginx-pool": {"nginx": "nginx", "haproxy": "haproxy"},
    "haproxy": {"haproxy": "haproxy"},
    "apache": {"apache2": "apache2-bin"},
    "gnutls": {"gnutls-serv": "gnutls-bin"},
    "stunnel": {"stunnel4": "stunnel4", "node": "nodejs"},
    "node": {"node": "nodejs"},
    "s_server": {"openssl": "openssl"},
    **STACK_PROGRAMS,
}
