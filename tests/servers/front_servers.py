"""More web servers and TLS terminators, with ticket keys and caches of their own kinds.

Like `servers.py`: a recipe for each, and nothing about truth.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.servers.harness import HOST, Layout, Program, Recipe, Site
from tests.servers.pools import in_turn
from tests.servers.reach_servers import certificate, folder, own
from tests.servers.servers import BACKEND_SCRIPT, WORKER, nginx_program


def backend(site: Site) -> Program:
    """A plain HTTP server for others to stand in front of."""
    port = site.free_port()
    return Program(("node", site.write("backend.js", BACKEND_SCRIPT % port)), (port,))


def page(site: Site) -> str:
    """A folder with a page to serve."""
    root = folder(site, "www")
    Path(root, "index.html").write_text("ok\n")
    return root


def lighttpd(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    path = site.write(
        "lighttpd.conf",
        f'server.document-root = "{page(site)}"\nserver.bind = "{HOST}"\nserver.port = {port}\n'
        'index-file.names = ( "index.html" )\nserver.modules = ( "mod_openssl" )\n'
        'ssl.engine = "enable"\nssl.pemfile = "{certificate}"\n'
        + "".join(f"{line}\n" for line in lines),
    )
    return Layout((Program(("lighttpd", "-D", "-f", path), (port,)),), port, (port,))


def hitch(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    behind = backend(site)
    user = f'user = "{WORKER}"\ngroup = "nogroup"\n' if os.geteuid() == 0 else ""
    path = site.write(
        "hitch.conf",
        f'frontend = "[{HOST}]:{port}"\nbackend = "[{HOST}]:{behind.ports[0]}"\n{user}'
        'pem-file = "{certificate}"\n' + "".join(f"{line}\n" for line in lines),
    )
    return Layout((behind, Program(("hitch", f"--config={path}"), (port,))), port, (port,))


def nghttpx(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines are options."""
    port = site.free_port()
    behind = backend(site)
    pem = str(site.material.files["certificate"])
    command = (
        *("nghttpx", f"--conf={site.write('nghttpx.conf', '')}", f"--frontend={HOST},{port}"),
        *(f"--backend={HOST},{behind.ports[0]}", "--accesslog-file=/dev/null", *lines, pem, pem),
    )
    return Layout((behind, Program(command, (port,))), port, (port,))


def h2o(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines go to the top of the file, in YAML."""
    port = site.free_port()
    user = f"user: {WORKER}\n" if os.geteuid() == 0 else ""
    path = site.write(
        "h2o.conf",
        f"{user}listen:\n  host: {HOST}\n  port: {port}\n  ssl:\n"
        "    certificate-file: {certificate}\n    key-file: {certificate}\n"
        + "".join(f"{line}\n" for line in lines)
        + f"hosts:\n  default:\n    paths:\n      /:\n        file.dir: {page(site)}\n",
    )
    return Layout((Program(("h2o", "-c", path), (port,)),), port, (port,))


#: The folders of Traffic Server's run root, by the names that it has for them.
RUN_ROOT = {
    **dict.fromkeys(("prefix", "exec_prefix"), ""),
    **dict.fromkeys(("bindir", "sbindir", "libdir", "libexecdir", "includedir"), "/bin"),
    **dict.fromkeys(("localstatedir", "runtimedir", "logdir"), "/run"),
    **dict.fromkeys(("datadir", "cachedir"), "/cache"),
    "sysconfdir": "/etc",
}


def trafficserver(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines are records: name, type and value. A file of Material is copied to where the
    server's user can read it."""
    port = site.free_port()
    behind = backend(site)
    user = "trafficserver" if os.geteuid() == 0 else None
    for name in ("bin", "run", "cache", "etc"):
        folder(site, name, user)
    etc = site.folder / "etc"
    for name, path in site.material.files.items():
        if any(line.endswith(f" {path}") for line in lines):
            own(Path(shutil.copyfile(path, etc / name)), user)
            lines = tuple(line.replace(str(path), str(etc / name)) for line in lines)
    pem = certificate(site, user)
    records = (
        f"proxy.config.http.server_ports STRING {port}:ssl:ip-in={HOST}",
        "proxy.config.ssl.server.cert.path STRING /",
        "proxy.config.ssl.server.private_key.path STRING /",
        "proxy.config.http.cache.http INT 0",
        f"proxy.config.admin.user_id STRING {user or '#-1'}",
        "proxy.config.exec_thread.autoconfig.enabled INT 0",
        "proxy.config.exec_thread.limit INT 2",
        *lines,
    )
    (etc / "records.config").write_text("".join(f"CONFIG {record}\n" for record in records))
    (etc / "ssl_multicert.config").write_text(f"dest_ip=* ssl_cert_name={pem} ssl_key_name={pem}\n")
    (etc / "remap.config").write_text(f"map / http://{HOST}:{behind.ports[0]}/\n")
    (etc / "storage.config").write_text(f"{site.folder}/cache 16M\n")
    root = site.write(
        "runroot.yaml",
        "".join(f"{name}: {site.folder}{where}\n" for name, where in RUN_ROOT.items()),
    )
    command = ("traffic_server", f"--run-root={root}")
    return Layout((behind, Program(command, (port,))), port, (port,))


def half_dead_pool(site: Site, lines: tuple[str, ...]) -> Layout:
    """One nginx node behind HAProxy, and one that is down and still gets every other client."""
    down = f"server down {HOST}:{site.free_port()}"
    return in_turn(site, (nginx_program(site, lines),), "retries 0", down)


FRONT_RECIPES: dict[str, Recipe] = {
    "lighttpd": lighttpd,
    "hitch": hitch,
    "nghttpx": nghttpx,
    "h2o": h2o,
    "trafficserver": trafficserver,
    "half-dead-pool": half_dead_pool,
}

#: The programs that a recipe runs, and the Debian packages that bring them.
FRONT_PROGRAMS: dict[str, dict[str, str]] = {
    "lighttpd": {"lighttpd": "lighttpd"},
    "hitch": {"hitch": "hitch", "node": "nodejs"},
    "nghttpx": {"nghttpx": "nghttp2-proxy", "node": "nodejs"},
    "h2o": {"h2o": "h2o"},
    "trafficserver": {"traffic_server": "trafficserver", "node": "nodejs"},
    "half-dead-pool": {"nginx": "nginx", "haproxy": "haproxy"},
}
