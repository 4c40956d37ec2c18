"""The software that findings have settings for, and a setting of some of it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Software(Enum):
    """What ends TLS, or stands before it, as far as settings name it."""

    BORINGSSL = "BoringSSL"
    CADDY = "Caddy"
    CLIENT = "client"
    DOVECOT = "Dovecot"
    ENVOY = "Envoy"
    ERLANG = "Erlang"
    EXIM = "Exim"
    FIREWALL = "firewall"
    GNUTLS = "GnuTLS"
    GO = "Go"
    HAPROXY = "haproxy"
    HTTPD = "Apache httpd"
    JAVA = "Java"
    LIGHTTPD = "lighttpd"
    NGHTTPX = "nghttpx"
    NGINX = "nginx"
    NODE = "Node"
    OPENSSL = "OpenSSL"
    POSTFIX = "Postfix"
    PROFTPD = "ProFTPD"
    PURE_FTPD = "Pure-FTPd"
    PYFTPDLIB = "pyftpdlib"
    PYTHON = "Python"
    RUSTLS = "rustls"
    STORE = "session store"
    TLSRESUME = "tlsresume"
    TRAEFIK = "Traefik"
    VSFTPD = "vsftpd"
    WOLFSSL = "wolfSSL"


class ServerSetting(NamedTuple):
    """A line that says what to set, beginning with the software's name, and whose it is."""

    text: str
    software: tuple[Software, ...]

    @classmethod
    def of(cls, *software: Software, text: str) -> ServerSetting:
        """A setting of some software."""
        return cls(text, software)
