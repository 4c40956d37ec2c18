"""Servers that speak something else than HTTPS, and proxies: a recipe for each.

Like `servers.py`; the first node's port is for clear text with STARTTLS, further ones
are named in each recipe. Most of these give up root for a user of their own, so their
certificate is copied to where that user can read it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.servers.harness import HOST, Layout, Program, Recipe, Site, find_program


def own(path: Path, user: str | None) -> Path:
    """Give a file or folder to a user, where we may and the user exists."""
    if user is not None and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


def certificate(site: Site, user: str | None = None) -> str:
    """A copy of the certificate with its key that a user can read, and nobody else."""
    path = site.folder / f"certificate-{user or 'root'}.pem"
    shutil.copyfile(site.material.files["certificate"], path)
    path.chmod(0o600)
    return str(own(path, user))


def folder(site: Site, name: str, user: str | None = None) -> str:
    path = site.folder / name
    path.mkdir()
    return str(own(path, user))


def as_user(user: str, *command: str) -> tuple[str, ...]:
    """A command run as a user, by its full path."""
    path = find_program(command[0]) or command[0]
    return ("setpriv", "--reuid", user, "--regid", user, "--clear-groups", path, *command[1:])


def exim(site: Site, lines: tuple[str, ...]) -> Layout:
    if not any(line.startswith("tls_advertise_hosts") for line in lines):
        lines = ("tls_advertise_hosts = *", *lines)
    port = site.free_port()
    spool = folder(site, "spool", "Debian-exim")
    path = site.write(
        "exim.conf",
        f"primary_hostname = mx1.resume.test\nlocal_interfaces = {HOST}\n"
        f"daemon_smtp_ports = {port}\nspool_directory = {spool}\nlog_file_path = {spool}/%s.log\n"
        f"tls_certificate = {certificate(site, 'Debian-exim')}\n"
        "host_lookup =\nkeep_environment =\n"
        + "".join(f"{line}\n" for line in lines)
        + "begin acl\nbegin routers\nbegin transports\nbegin retry\nbegin rewrite\n"
        "begin authenticators\n",
    )
    Path(path).chmod(0o644)
    return Layout((Program(("exim4", "-bdf", "-C", path), (port,)),), port, (port,))


def dovecot(site: Site, lines: tuple[str, ...]) -> Layout:
    """Ports: imap, imaps, pop3, sieve, lmtp."""
    ports = tuple(site.free_port() for _ in range(5))
    imap, imaps, pop3, sieve, lmtp = ports
    pem = certificate(site)
    path = site.write(
        "dovecot.conf",
        f"base_dir = {folder(site, 'run')}\nstate_dir = {folder(site, 'state')}\n"
        f"log_path = {site.folder}/dovecot.log\nlisten = {HOST}\nmail_location = maildir:~/mail\n"
        f"ssl = yes\nssl_cert = <{pem}\nssl_key = <{pem}\nprotocols = imap pop3 sieve lmtp\n"
        "passdb {\n  driver = static\n  args = nopassword=y\n}\n"
        f"userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={site.folder}/home\n}}\n"
        "service imap-login {\n"
        f"  inet_listener imap {{\n    port = {imap}\n  }}\n"
        f"  inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n"
        f"service pop3-login {{\n  inet_listener pop3 {{\n    port = {pop3}\n  }}\n"
        "  inet_listener pop3s {\n    port = 0\n  }\n}\n"
        f"service managesieve-login {{\n  inet_listener sieve {{\n    port = {sieve}\n  }}\n}}\n"
        f"service lmtp {{\n  inet_listener lmtp {{\n    port = {lmtp}\n  }}\n}}\n"
        + "".join(f"{line}\n" for line in lines),
    )
    return Layout((Program(("dovecot", "-F", "-c", path), ports),), imap, ports)


def vsftpd(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    root = Path(folder(site, "ftp"))
    (root / "file").write_text("file\n")
    empty = folder(site, "empty")
    pem = certificate(site)
    settings = (
        *("listen=YES", "background=NO", f"listen_address={HOST}", f"listen_port={port}"),
        *("anonymous_enable=YES", f"anon_root={root}", "ftp_username=daemon"),
        *("nopriv_user=nobody", f"secure_chroot_dir={empty}", "seccomp_sandbox=NO"),
        *("ssl_enable=YES", "allow_anon_ssl=YES", "force_anon_data_ssl=YES", "ssl_tlsv1=YES"),
        *("ssl_ciphers=HIGH", f"rsa_cert_file={pem}", f"rsa_private_key_file={pem}"),
        *("isolate_network=NO", "isolate=NO", "xferlog_enable=NO", "debug_ssl=YES"),
        *(f"vsftpd_log_file={site.folder}/vsftpd.log", "log_ftp_protocol=YES"),
    )
    path = site.write("vsftpd.conf", "\n".join((*settings, *lines)) + "\n")
    return Layout((Program(("vsftpd", path), (port,)),), port, (port,))


#: Who may log in to proftpd, whose anonymous logins need an account of the system.
FTP_USER, FTP_PASSWORD = "tester", "open sesame"


def proftpd(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    root = folder(site, "ftp", "nobody")
    pem = certificate(site)
    owner = pwd.getpwnam("nobody")
    hashed = run(("openssl", "passwd", "-6", FTP_PASSWORD))
    users = site.folder / "users"
    users.write_text(f"{FTP_USER}:{hashed}:{owner.pw_uid}:{owner.pw_gid}::{root}:/bin/sh\n")
    users.chmod(0o600)
    path = site.write(
        "proftpd.conf",
        "ModulePath /usr/lib/proftpd\nLoadModule mod_tls.c\nServerType standalone\n"
        f"DefaultAddress {HOST}\nPort {port}\nUseIPv6 off\nUseReverseDNS off\nWtmpLog off\n"
        f"User nobody\nGroup nogroup\nPidFile {site.folder}/proftpd.pid\n"
        f"ScoreboardFile {site.folder}/scoreboard\nTransferLog none\nRequireValidShell off\n"
        f"SystemLog {site.folder}/proftpd.log\nAuthUserFile {users}\nAuthOrder mod_auth_file.c\n"
        f"TLSEngine on\nTLSLog {site.folder}/tls.log\nTLSRequired on\nTLSProtocol TLSv1.2 TLSv1.3\n"
        f"TLSRSACertificateFile {pem}\nTLSRSACertificateKeyFile {pem}\nTLSVerifyClient off\n"
        + "".join(f"{line}\n" for line in lines),
    )
    return Layout((Program(("proftpd", "-n", "-c", path), (port,)),), port, (port,))


def slapd(site: Site, lines: tuple[str, ...]) -> Layout:
    """Ports: ldap, ldaps."""
    clear, tls = site.free_port(), site.free_port()
    pem = certificate(site)
    path = site.write(
        "slapd.conf",
        f"include /etc/ldap/schema/core.schema\npidfile {site.folder}/slapd.pid\n"
        f"TLSCertificateFile {pem}\nTLSCertificateKeyFile {pem}\n"
        + "".join(f"{line}\n" for line in lines)
        + f"database ldif\nsuffix dc=resume,dc=test\ndirectory {folder(site, 'db')}\n",
    )
    urls = f"ldap://{HOST}:{clear} ldaps://{HOST}:{tls}"
    program = Program(("slapd", "-d", "0", "-h", urls, "-f", path), (clear, tls))
    return Layout((program,), clear, (clear, tls))


def prosody(site: Site, lines: tuple[str, ...]) -> Layout:
    """Ports: clients, servers."""
    clients, servers = site.free_port(), site.free_port()
    pem = certificate(site, "prosody")
    data = folder(site, "data", "prosody")
    path = site.write(
        "prosody.cfg.lua",
        f'pidfile = "{data}/prosody.pid"\ndata_path = "{data}"\n'
        f'daemonize = false\ninterfaces = {{ "{HOST}" }}\nc2s_ports = {{ {clients} }}\n'
        f"s2s_ports = {{ {servers} }}\nc2s_direct_tls_ports = {{}}\ns2s_direct_tls_ports = {{}}\n"
        'modules_enabled = { "tls", "saslauth", "dialback" }\nlog = { info = "*console" }\n'
        f'ssl = {{ key = "{pem}", certificate = "{pem}" }}\nhttp_ports = {{}}\nhttps_ports = {{}}\n'
        + "".join(f"{line}\n" for line in lines)
        + 'VirtualHost "resume.test"\n',
    )
    command = as_user("prosody", "prosody", "--config", path, "-F")
    return Layout((Program(command, (clients, servers)),), clients, (clients, servers))


def postgres(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))
    data = folder(site, "data", "postgres")
    run(as_user("postgres", str(binaries / "initdb"), "-D", data, "-A", "trust", "--no-sync"))
    pem = certificate(site, "postgres")
    settings = (
        *("ssl=on", f"ssl_cert_file={pem}", f"ssl_key_file={pem}", f"listen_addresses={HOST}"),
        *(f"port={port}", f"unix_socket_directories={data}", "fsync=off", *lines),
    )
    options = [part for setting in settings for part in ("-c", setting)]
    command = as_user("postgres", str(binaries / "postgres"), "-D", data, *options)
    return Layout((Program(command, (port,)),), port, (port,))


def mariadb(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    user = "mysql" if any(entry.pw_name == "mysql" for entry in pwd.getpwall()) else "nobody"
    data = folder(site, "data", user)
    pem = certificate(site, user)
    command = (
        *("mariadbd", "--no-defaults", f"--user={user}", f"--datadir={data}"),
        *(f"--port={port}", f"--bind-address={HOST}", f"--socket={data}/socket"),
        *(f"--ssl-cert={pem}", f"--ssl-key={pem}", "--skip-grant-tables"),
        *(f"--pid-file={data}/pid", "--skip-log-error", *lines),
    )
    return Layout((Program(command, (port,)),), port, (port,))


def mosquitto(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    pem = certificate(site, "mosquitto")
    path = site.write(
        "mosquitto.conf",
        f"listener {port} {HOST}\ncertfile {pem}\nkeyfile {pem}\nallow_anonymous true\n"
        "user mosquitto\n" + "".join(f"{line}\n" for line in lines),
    )
    return Layout((Program(("mosquitto", "-c", path), (port,)),), port, (port,))


def redis(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    pem = certificate(site)
    command = (
        *("redis-server", "--port", "0", "--tls-port", str(port), "--bind", HOST),
        *("--tls-cert-file", pem, "--tls-key-file", pem, "--tls-auth-clients", "no"),
        *("--tls-ca-cert-file", str(site.material.files["ca"]), "--dir", str(site.folder)),
        *("--save", "", *lines),
    )
    return Layout((Program(command, (port,)),), port, (port,))


def squid(site: Site, lines: tuple[str, ...]) -> Layout:
    """A proxy that lets CONNECT through to every port but those of its lines."""
    port = site.free_port()
    run_folder = folder(site, "squid", "proxy")
    path = site.write(
        "squid.conf",
        f"http_port {HOST}:{port}\npid_filename {run_folder}/squid.pid\n"
        f"access_log none\ncache_log {run_folder}/cache.log\ncoredump_dir {run_folder}\n"
        "cache deny all\nshutdown_lifetime 1 seconds\n"
        + "".join(f"{line}\n" for line in lines)
        + "http_access allow all\n",
    )
    return Layout((Program(("squid", "-N", "-f", path), (port,)),), port, (port,))


def microsocks(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    command = ("microsocks", "-i", HOST, "-p", str(port), *lines)
    return Layout((Program(command, (port,)),), port, (port,))


def run(command: tuple[str, ...]) -> str:
    """A step that makes what a server needs, to its end; what it printed."""
    done = subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")
    return done.stdout.decode().strip()


REACH_RECIPES: dict[str, Recipe] = {
    "exim": exim,
    "dovecot": dovecot,
    "vsftpd": vsftpd,
    "proftpd": proftpd,
    "slapd": slapd,
    "prosody": prosody,
    "postgres": postgres,
    "mariadb": mariadb,
    "mosquitto": mosquitto,
    "redis": redis,
    "squid": squid,
    "microsocks": microsocks,
}

#: The programs that a recipe runs, and the Debian packages that bring them.
REACH_PROGRAMS: dict[str, dict[str, str]] = {
    "exim": {"exim4": "exim4-daemon-light"},
    "dovecot": {"dovecot": "dovecot-core"},
    "vsftpd": {"vsftpd": "vsftpd"},
    "proftpd": {"proftpd": "proftpd-core"},
    "slapd": {"slapd": "slapd"},
    "prosody": {"prosody": "prosody"},
    "postgres": {"pg_ctlcluster": "postgresql"},
    "mariadb": {"mariadbd": "mariadb-server-core"},
    "mosquitto": {"mosquitto": "mosquitto"},
    "redis": {"redis-server": "redis-server"},
    "squid": {"squid": "squid"},
    "microsocks": {"microsocks": "microsocks"},
}
