"""Servers that take early data (0-RTT), each with a log of its own that shows requests.

Recipes only, and nothing about truth. The log is what the server writes when it executes a
request, so it is a second method beside what our client sees.
"""

from __future__ import annotations

import re
import sys
from collections import Counter

from tests.servers.harness import HOST, Layout, Program, Recipe, Running, Site
from tests.servers.servers import nginx

#: A request of ours in a log: its ID stands behind the mark.
_MARKED = re.compile(rb"tlsresume[=-]([0-9a-f]{8}-[a-z0-9.]+)")


def nginx_early(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines go into the server block; its access log is a file."""
    log = site.folder / "access.log"
    log.touch()
    log.chmod(0o666)
    return nginx(site, ("ssl_early_data on;", f"access_log {log};", *lines))


#: What is behind a proxy, and does as RFC 8470 section 5.1 says of the header Early-Data.
APPLICATION = """\
import http.server, sys
class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(425 if self.headers.get("Early-Data") == "1" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_HEAD = do_POST = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Application).serve_forever()
"""


def nginx_proxy(site: Site, lines: tuple[str, ...]) -> Layout:
    """Nginx before an application that knows the header Early-Data; lines as for nginx."""
    behind = site.free_port()
    script = site.folder / "application.py"
    script.write_text(APPLICATION)
    application = Program((sys.executable, "-u", str(script), str(behind)), (behind,))
    front = nginx_early(site, lines)
    path = site.folder / f"nginx-{front.port}.conf"
    plain = f'return 200 "node {front.port}\\n";'
    path.write_text(path.read_text().replace(plain, f"proxy_pass http://{HOST}:{behind};"))
    return Layout((application, *front.programs), front.port, front.nodes)


def haproxy_early(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines go into the frontend; it logs to its standard output. What stands behind it is a
    plain HTTP server."""
    port, behind = site.free_port(), backend(site)
    path = site.write(
        "haproxy.cfg",
        "global\n  log stdout format raw local0\ndefaults\n  mode http\n  log global\n"
        "  option httplog\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"frontend front\n  bind {HOST}:{port} ssl crt {{certificate}} allow-0rtt\n"
        + "".join(f"  {line}\n" for line in lines)
        + "  default_backend back\n"
        f"backend back\n  server one {HOST}:{behind.ports[0]}\n",
    )
    return Layout((behind, Program(("haproxy", "-db", "-f", path), (port,))), port, (port,))


def nghttpx_early(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines are options."""
    port, behind = site.free_port(), backend(site)
    pem = str(site.material.files["certificate"])
    command = (
        *("nghttpx", f"--conf={site.write('nghttpx.conf', '')}", f"--frontend={HOST},{port}"),
        *(f"--backend={HOST},{behind.ports[0]}", "--accesslog-file=/dev/null", *lines, pem, pem),
    )
    return Layout((behind, Program(command, (port,))), port, (port,))


def backend(site: Site) -> Program:
    """Python's HTTP server, that logs each request to its standard error."""
    root, port = site.folder / "www", site.free_port()
    root.mkdir()
    (root / "index.html").write_text("ok\n")
    command = ("-u", "-m", "http.server", str(port), "--bind", HOST, "--directory", str(root))
    return Program((sys.executable, *command), (port,))


def s_server(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines are options. It prints what it receives, and answers nothing."""
    port = site.free_port()
    pem = str(site.material.files["certificate"])
    command = ("openssl", "s_server", "-accept", f"{HOST}:{port}", "-cert", pem, "-early_data")
    return Layout((Program((*command, *lines), (port,), stdin=True),), port, (port,))


def gnutls_early(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines are options. It reads early data and throws it away."""
    port = site.free_port()
    pem = str(site.material.files["certificate"])
    command = (
        *("gnutls-serv", "--http", "--disable-client-cert", "--earlydata", "--port", str(port)),
        *("--x509certfile", pem, "--x509keyfile", pem, *lines),
    )
    return Layout((Program(command, (port,)),), port, (port,))


EARLY_RECIPES: dict[str, Recipe] = {
    "nginx": nginx_early,
    "nginx-proxy": nginx_proxy,
    "haproxy": haproxy_early,
    "nghttpx": nghttpx_early,
    "s_server": s_server,
    "gnutls": gnutls_early,
}


def logged(running: Running) -> bytes:
    """All that the programs of a server have written, their access log first."""
    paths = [running.folder / "access.log", *sorted(running.folder.glob("*.out"))]
    return b"".join(path.read_bytes() for path in paths if path.exists())


def executed(running: Running) -> Counter[str]:
    """How often each marked request stands in a log; where a proxy logs it, and what is behind
    it, too, the one behind it."""
    behind = [p for p in running.folder.glob("python*.out") if p.exists()]
    data = b"".join(path.read_bytes() for path in behind) if behind else logged(running)
    return Counter(mark.decode() for mark in _MARKED.findall(data))
