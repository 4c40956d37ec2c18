"""Servers of chat, news and files, where TLS starts after a command: a recipe for each.

Like `reach_servers.py`: the first node's port is for clear text.
"""

from __future__ import annotations

from pathlib import Path

from tests.servers.harness import HOST, Layout, Program, Recipe, Site, find_program
from tests.servers.reach_servers import as_user, certificate, folder


def inspircd(site: Site, lines: tuple[str, ...]) -> Layout:
    """Ports: irc, ircs. Lines are attributes of the sslprofile."""
    clear, tls = site.free_port(), site.free_port()
    pem = certificate(site, "irc")
    data = folder(site, "data", "irc")
    path = site.write(
        "inspircd.conf",
        '<server name="irc.resume.test" description="test" network="test" id="1AA">\n'
        '<admin name="a" nick="a" email="a@resume.test">\n'
        '<module name="ssl_gnutls">\n<module name="starttls">\n'
        f'<sslprofile name="own" provider="gnutls" certfile="{pem}" keyfile="{pem}"'
        f" {' '.join(lines)}>\n"
        f'<bind address="{HOST}" port="{clear}" type="clients">\n'
        f'<bind address="{HOST}" port="{tls}" type="clients" sslprofile="own">\n'
        '<connect name="all" allow="*" resolvehostnames="no" localmax="99" globalmax="99">\n'
        f'<path configdir="{site.folder}" datadir="{data}" logdir="{data}">\n',
    )
    command = as_user("irc", "inspircd", "--nofork", "--nopid", "--config", path)
    return Layout((Program(command, (clear, tls)),), clear, (clear, tls))


#: An overview without groups, for the method tradindexed: a header of so many zeros.
EMPTY_OVERVIEW = 4 * (16384 + 2)


def nnrpd(site: Site, lines: tuple[str, ...]) -> Layout:
    """The reader's half of INN, which serves by itself. Lines are of inn.conf."""
    port = site.free_port()
    pem = certificate(site, "news")
    etc, db = (Path(folder(site, name, "news")) for name in ("etc", "db"))
    paths = "".join(f"path{name}: {db}\n" for name in ("run", "log", "tmp", "spool", "overview"))
    files = {
        etc / "inn.conf": f"mta: /bin/true\nhismethod: hisv6\novmethod: tradindexed\n{paths}"
        f"pathnews: {etc}\npathetc: {etc}\npathdb: {db}\npathhost: news.resume.test\n"
        "domain: resume.test\nrunasuser: news\nrunasgroup: news\n"
        f"tlscertfile: {pem}\ntlskeyfile: {pem}\ntlscapath: {etc}\n"
        + "".join(f"{line}\n" for line in lines),
        etc / "readers.conf": "auth all {\n  hosts: *\n  default: reader\n}\n"
        "access all {\n  users: *\n  newsgroups: *\n}\n",
        etc / "storage.conf": "method tradspool {\n  newsgroups: *\n  class: 0\n}\n",
        db / "active": "",
        db / "newsgroups": "",
    }
    for path, text in files.items():
        path.write_text(text)
    (db / "group.index").write_bytes(bytes(EMPTY_OVERVIEW))
    program = find_program("nnrpd") or "nnrpd"
    command = ("env", f"INNCONF={etc}/inn.conf", program, "-D", "-f", "-b", HOST, "-p", str(port))
    return Layout((Program(command, (port,)),), port, (port,))


def pure_ftpd(site: Site, lines: tuple[str, ...]) -> Layout:
    """Lines are options; anonymous logins need the user ftp."""
    port = site.free_port()
    root = folder(site, "ftp", "ftp")
    program = find_program("pure-ftpd") or "pure-ftpd"
    command = (
        *("env", f"FTP_ANON_DIR={root}", program, "-S", f"{HOST},{port}", "-H", "-e"),
        *("-2", certificate(site), "-g", f"{site.folder}/pure-ftpd.pid", *lines),
    )
    return Layout((Program(command, (port,)),), port, (port,))


TALK_RECIPES: dict[str, Recipe] = {
    "inspircd": inspircd,
    "nnrpd": nnrpd,
    "pure-ftpd": pure_ftpd,
}

#: The programs that a recipe runs, and the Debian packages that bring them.
TALK_PROGRAMS: dict[str, dict[str, str]] = {
    "inspircd": {"inspircd": "inspircd"},
    "nnrpd": {"nnrpd": "inn2"},
    "pure-ftpd": {"pure-ftpd": "pure-ftpd"},
}
