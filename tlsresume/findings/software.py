"""The software that findings have settings for, and the lines that say what to set in it."""

from __future__ import annotations

from enum import Enum

from tlsresume.value import Value


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
    H2O = "h2o"
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


class ServerSetting(Value, frozen=True):
    """A line that says what to set, beginning with the software's name, and whose it is."""

    text: str
    software: tuple[Software, ...]


#: The words with which lines of settings begin, and whose they are.
_WORDS: dict[str, tuple[Software, ...]] = {
    "Apache": (Software.HTTPD,),
    "Client": (Software.CLIENT,),
    "Exim": (Software.EXIM,),
    "fail2ban": (Software.FIREWALL,),
    "gnutls_session_ticket_key_generate": (Software.GNUTLS,),
    "HAProxy": (Software.HAPROXY,),
    "httpd": (Software.HTTPD,),
    "iptables": (Software.FIREWALL,),
    "memcached, Redis": (Software.STORE,),
    "nginx, Envoy": (Software.NGINX, Software.ENVOY),
    "Node, Bun": (Software.NODE,),
    "postfix": (Software.POSTFIX,),
    "proftpd": (Software.PROFTPD,),
    "pure-ftpd": (Software.PURE_FTPD,),
    "exim": (Software.EXIM,),
} | {software.value: (software,) for software in Software}


def set_in(**settings: str | tuple[str, ...]) -> tuple[ServerSetting, ...]:
    """Lines of settings, each by the word with which it begins: `nginx="ssl_protocols"`.

    A tuple where a word has several lines; what begins with a colon is joined to the word.
    Raises KeyError for a word of no software that is known.
    """
    lines = []
    for word, of_word in settings.items():
        for what in (of_word,) if isinstance(of_word, str) else of_word:
            text = word + what if what[:1] in ("", ":") else f"{word} {what}"
            lines.append(ServerSetting(text, _WORDS[word]))
    return tuple(lines)
