"""How to connect: the options that probe, save and resume share.

`connection_options` declares them once and hands a command one `connection`.
A line of a `--targets` file is parsed by the same declarations; what it says
comes before what the command line says.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli import values
from tlsresume.cli.connection_files import look_at_files, passphrase
from tlsresume.cli.grouping import Declaration, check_together, flag, one_argument, option
from tlsresume.cli.proxying import (
    proxy_header_said,
    proxy_said,
    with_proxy_of_environment,
)
from tlsresume.protocols.schemes import MTU_RANGE
from tlsresume.protocols.table import STARTTLS
from tlsresume.targets.endpoints import perhaps_meant

if TYPE_CHECKING:
    from tlsresume.options import ConnectOptions
    from tlsresume.sessions.file import SavedTarget
    from tlsresume.targets.target import Target
    from tlsresume.transports.config import ClientCertificate

ROUTE, OFFER, TRUST, TIME = "Where to connect", "What to offer", "Certificates", "Time and data"
_READABLE = click.Path(exists=True, dir_okay=False, readable=True)
_FOLDER = click.Path(exists=True, file_okay=False, readable=True)


def quic_option(group: str, words: str) -> Declaration:
    """`--quic` of a command; a line of a target list may say it of its own target."""
    return flag(group, "--quic", help=words)


_OPTIONS = (
    option(
        ROUTE, "--servername", "--sni", metavar="NAME", excludes="no_sni",
        help="Send this name as SNI, and expect it in the certificate.",
        short="send another name, and expect it",
    ),
    flag(ROUTE, "--no-sni", help="Send no SNI."),
    option(
        ROUTE, "--connect", metavar="ADDR[:PORT]",
        help="Go there instead, and keep the target's name.",
        short="go there instead, and keep the name",
    ),
    flag(ROUTE, "-4", "ipv4", excludes="ipv6", help="Use IPv4 addresses only."),
    flag(ROUTE, "-6", "ipv6", help="Use IPv6 addresses only."),
    option(
        ROUTE, "--resolve", metavar="HOST:PORT:ADDR", multiple=True,
        help="Take this address for HOST instead of asking DNS, as in curl; may be repeated.",
    ),
    option(
        ROUTE, "--starttls", metavar="PROTO", type=click.Choice(["auto", "none", *STARTTLS]),
        default="auto", show_default=True,
        help="Start TLS as this protocol does: " + ", ".join(STARTTLS) + ". auto goes by the"
        " URL or a well-known port; none starts TLS at once.",
        short="start TLS as smtp, imap, ldap ... do",
    ),
    option(
        ROUTE, "--proxy", metavar="URL", excludes="proxy_env",
        help="Go through a proxy: http://[USER@]HOST:PORT, socks5:// or socks5h:// (which, like"
        " http://, leaves the name to the proxy).",
    ),
    option(
        ROUTE, "--proxy-password-file", metavar="FILE", type=_READABLE, needs="proxy",
        help="The proxy's password is the first line of this file; else it is taken from"
        " $TLSRESUME_PROXY_PASSWORD.",
    ),
    flag(
        ROUTE, "--proxy-env",
        help="Go through the proxy that $HTTPS_PROXY names, except where $NO_PROXY forbids it.",
    ),
    option(
        ROUTE, "--proxy-protocol", type=click.Choice(["v1", "v2"]),
        help="Send a PROXY header first, as a balancer does to its servers.",
    ),
    option(
        ROUTE, "--proxy-source", metavar="ADDR[:PORT]", needs="proxy_protocol",
        help="The client's address in the PROXY header; the default is our own.",
    ),
    option(
        OFFER, "--tls", multiple=True, type=values.Version(),
        help="A TLS version that is allowed; give it twice for both (the default).",
        short={"probe": "test this version only", "save": "allow this version only"},
    ),
    option(
        OFFER, "--ciphers", metavar="LIST", callback=values.openssl_list,
        help="Ciphers of TLS 1.2, as an OpenSSL list.",
    ),
    option(
        OFFER, "--ciphersuites", metavar="LIST", callback=values.openssl_list,
        help="Cipher suites of TLS 1.3, separated by colons.",
    ),
    option(
        OFFER, "--groups", metavar="LIST", callback=values.openssl_list,
        help="Key exchange groups, separated by colons.",
    ),
    option(
        OFFER, "--alpn", metavar="PROTO", multiple=True, callback=values.protocols,
        help="Offer this protocol by ALPN; may be repeated. The default is http/1.1 for https;"
        " '' offers none.",
    ),
    option(
        TRUST, "--cafile", metavar="FILE", type=_READABLE,
        help="Trust the certificates in this PEM file instead of the system's.",
    ),
    option(
        TRUST, "--capath", metavar="DIR", type=_FOLDER,
        help="Trust the certificates in this folder (see openssl-rehash(1)).",
    ),
    flag(
        TRUST, "--verify",
        help="Fail when the certificate is not trusted or not for this name. A full handshake"
        " always reports it; a resumed one verifies nothing.",
    ),
    option(
        TRUST, "--cert", metavar="FILE", type=_READABLE,
        help="The client certificate, with its chain, in PEM.",
    ),
    option(
        TRUST, "--key", metavar="FILE", type=_READABLE, needs="cert",
        help="Its private key, in PEM; the default is the --cert file.",
    ),
    option(
        TRUST, "--passphrase-file", metavar="FILE", type=_READABLE, needs="cert",
        help="The key's passphrase is the first line of this file. Else it is asked for, or"
        " taken from $TLSRESUME_PASSPHRASE.",
    ),
    option(
        TIME, "--timeout", metavar="TIME", default="10s", show_default=True,
        callback=values.seconds(3600), help="Time allowed for one connection, such as 5s or 250ms.",
        short="time for one connection, such as 5s",
    ),
    option(
        TIME, "--ticket-wait", metavar="TIME", default="3s", show_default=True,
        callback=values.seconds(600), help="Time to wait for a TLS 1.3 ticket.",
    ),
    option(
        TIME, "--send", metavar="TEXT", callback=values.to_send, excludes="no_send",
        help="Send this after the handshake, for servers that give tickets only then."
        r" Escapes: \r \n \t \0 \\ \xHH. The default is a HEAD request for https, and for other"
        " protocols a command that ends the conversation.",
    ),
    flag(TIME, "--no-send", help="Send nothing."),
    option(
        TIME, "--mtu", metavar="BYTES", type=click.IntRange(*MTU_RANGE), default=1200,
        show_default=True, help="The most bytes of a DTLS datagram; where nothing comes back, the"
        " other of 1200 and 1400 is tried.",
    ),
    option(
        TIME, "--keylogfile", metavar="FILE", envvar="SSLKEYLOGFILE",
        type=click.Path(dir_okay=False, writable=True),
        help="Append the secrets of all connections to this file, for Wireshark; also"
        " $SSLKEYLOGFILE.",
    ),
)  # fmt: skip

_ROUTE = (
    "servername", "no_sni", "connect", "ipv4", "ipv6", "resolve", "proxy", "proxy_env",
    "proxy_protocol",
)  # fmt: skip


#: What an option of a line is called, without dashes.
_KEYS = {each.name: each.spelling.lstrip("-") for each in _OPTIONS} | {"quic": "quic"}


class Connection:
    """What the user said about connecting; gives a Target and ConnectOptions."""

    def __init__(self, said: dict[str, Any], own: dict[str, Any] | None = None) -> None:
        self._said = said
        #: What a line of a target list says, by the names of options.
        self.own: dict[str, Any] = own or {}
        #: Whether a line wants QUIC beside TCP for its own target.
        self.quic = bool(self.own.get("quic"))

    def target(self, text: str) -> Target:
        """The target that a text names, reached as the options say. Raises UsageError."""
        from tlsresume.cli.mistakes import check_target
        from tlsresume.targets.target import parse_target

        said, text = self._said, text.strip()
        check_target(text)
        target = parse_target(text, **self._route())
        if meant := perhaps_meant(text):
            from tlsresume.cli.console import note

            note(f"{text} is taken for an address without a port; with one it is {meant}")
        return with_proxy_of_environment(target) if said["proxy_env"] else target

    def _route(self) -> dict[str, Any]:
        """How a target is reached, in the words of `parse_target`."""
        said = self._said
        return {
            "servername": said["servername"],
            "sni": not said["no_sni"],
            "connect": said["connect"],
            "family": "ipv4" if said["ipv4"] else "ipv6" if said["ipv6"] else "any",
            "starttls": said["starttls"],
            "resolve": said["resolve"],
            "proxy": proxy_said(said),
            "proxy_header": proxy_header_said(said),
        }

    def saved_target(self, saved: SavedTarget | None) -> Target | None:
        """The target that a session file names, where the options send it another way.

        None when they say nothing about that, or the file names none. Raises UsageError.
        """
        said = self._said
        asked = said["starttls"] != "auto"
        if saved is None or not (asked or any(said[name] for name in _ROUTE)):
            return None
        from tlsresume.targets.target import Route, rerouted

        target = rerouted(saved.required, Route(**self._route()))
        return with_proxy_of_environment(target) if said["proxy_env"] else target

    def options(self) -> ConnectOptions:
        """How to speak TLS, as the options say. Raises UsageError."""
        from tlsresume.options import BOTH_VERSIONS, ConnectOptions
        from tlsresume.tls.registry import ProtocolVersion
        from tlsresume.transports.config import Trust

        said = self._said
        look_at_files(said)
        versions = {"1.2": ProtocolVersion.TLSv1_2, "1.3": ProtocolVersion.TLSv1_3}
        return ConnectOptions(
            tls=tuple(versions[name] for name in sorted(set(said["tls"]))) or BOTH_VERSIONS,
            ciphers=said["ciphers"],
            ciphersuites=said["ciphersuites"],
            groups=said["groups"],
            alpn=said["alpn"],
            trust=Trust(cafile=said["cafile"], capath=said["capath"]),
            verify=said["verify"],
            certificate=self._certificate(),
            timeout=said["timeout"],
            ticket_wait=said["ticket_wait"],
            send=b"" if said["no_send"] else said["send"],
            keylogfile=said["keylogfile"] or None,
            mtu=said["mtu"],
        )

    def _certificate(self) -> ClientCertificate | None:
        from tlsresume.transports.config import ClientCertificate

        certificate: str | None = self._said["cert"]
        if certificate is None:
            return None
        key: str = self._said["key"] or certificate
        return ClientCertificate(certificate, key, passphrase(key, self._said["passphrase_file"]))

    def line(self, words: list[str]) -> tuple[str, Connection]:
        """A line of a targets file: its target, and this connection as the line changes it.

        Raises click.UsageError.
        """
        if len(words) == 1 and not words[0].startswith("-"):
            return words[0], self
        context = _command_for(words).make_context("line", list(words))
        given = {
            name: value
            for name, value in context.params.items()
            if name != "target"
            and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        }
        said = dict(self._said)
        for each in _OPTIONS:
            if each.excludes and (each.name in given or each.excludes in given):
                # Of two that exclude each other, what the line says comes before the command line.
                said[each.name] = said[each.excludes] = None
        check_together(said | given, _OPTIONS)
        own = {_KEYS[name]: value for name, value in given.items()}
        return context.params["target"], Connection(said | given, own)


#: Give a command the connection options; it gets them as one `connection` argument.
connection_options = one_argument("connection", _OPTIONS, Connection)


def _command_for(words: list[str]) -> click.Command:
    """The command that parses a line. Since click's cost is that of the options which a command
    has, it has only those that the words name, where all are known: lists have many lines."""
    spelt = frozenset(word.partition("=")[0] for word in words if word.startswith("-"))
    return _line_command_with(spelt) if spelt <= _spellings() else _line_command


def line_options() -> tuple[str, ...]:
    """The options that a line of a target list may have, in the order of `--help`."""
    options = (each for each in _line_command.params if isinstance(each, click.Option))
    return tuple(option.opts[0] for option in options)


@functools.lru_cache(maxsize=1)
def _spellings() -> frozenset[str]:
    return frozenset(spelling for param in _line_command.params for spelling in param.opts)


@functools.lru_cache(maxsize=256)
def _line_command_with(spelt: frozenset[str]) -> click.Command:
    params = [
        param
        for param in _line_command.params
        if isinstance(param, click.Argument) or not spelt.isdisjoint(param.opts)
    ]
    return click.Command("line", params=params, add_help_option=False)


@click.command("line", add_help_option=False)
@click.argument("target")
@connection_options
@quic_option(ROUTE, "Test HTTP/3 on the same port, too.")
def _line_command(target: str, connection: Connection, *, quic: bool) -> None:
    """Parse one line of a targets file; it is never run."""
