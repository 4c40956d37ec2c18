"""What all connections to one target have in common: ClientConfigs and Tasks made from options.

An experiment changes one thing and takes the rest from here, so that two
attempts differ in nothing else.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import UsageError
from tlsresume.evidence.purpose import Purpose
from tlsresume.lab import Task
from tlsresume.options import ConnectOptions
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.target import Target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import HTTPRequest
from tlsresume.value import Value

#: Seconds of silence after a handshake before data is sent to elicit a ticket.
SILENCE = 0.3

#: The version that each mechanism belongs to.
VERSION_OF: dict[Mechanism, ProtocolVersion] = {
    "psk": ProtocolVersion.TLSv1_3,
    "ticket": ProtocolVersion.TLSv1_2,
    "session-id": ProtocolVersion.TLSv1_2,
}

#: The versions that a transport can have: DTLS 1.2 follows the rules of TLS 1.2, and nothing
#: here speaks DTLS 1.3.
VERSIONS_OF: dict[Transport, tuple[ProtocolVersion, ...]] = {
    "tcp": (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3),
    "quic": (ProtocolVersion.TLSv1_3,),
    "dtls": (ProtocolVersion.TLSv1_2,),
}


class TargetSetup(Value, frozen=True):
    """A target and how to connect to it. `user_agent` names us in HTTP requests; `show_tokens`
    sends the token for address validation that came with a QUIC session."""

    target: Target
    options: ConnectOptions
    user_agent: str
    show_tokens: bool = True

    @property
    def versions(self) -> tuple[ProtocolVersion, ...]:
        """The versions allowed that the transport can have, newest first."""
        possible = VERSIONS_OF[self.target.transport]
        return tuple(sorted(set(self.options.tls) & set(possible), reverse=True))

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The mechanisms of these versions."""
        return tuple(name for name in MECHANISMS if VERSION_OF[name] in self.versions)

    @property
    def send(self) -> bytes | HTTPRequest:
        """The data that elicits tickets and an answer; b"" for none."""
        if self.options.send is not None:
            return self.options.send
        if self.target.http:
            return self._request("HEAD")
        return self.target.protocol.farewell

    def _request(self, method: str) -> bytes | HTTPRequest:
        if self.target.transport == "quic":
            return HTTPRequest(
                method=method, authority=http_host(self.target), user_agent=self.user_agent
            )
        return request(self.target, self.user_agent, method)

    def config(self, *versions: ProtocolVersion, tickets: bool = True) -> ClientConfig:
        """A ClientConfig for some of the versions (none given: all that are allowed)."""
        chosen = versions or self.versions
        options = self.options
        return ClientConfig(
            minimum=min(chosen),
            maximum=max(chosen),
            server_name=self.target.server_name,
            verify_name=self.target.verify_name,
            verify=options.verify,
            alpn=self.target.alpn if options.alpn is None else options.alpn,
            ciphers=options.ciphers,
            ciphersuites=options.ciphersuites,
            groups=options.groups,
            tickets=tickets,
            trust=options.trust,
            certificate=options.certificate,
            keylogfile=options.keylogfile,
            mtu=options.mtu,
            address_token=None if self.show_tokens else b"",
        )

    def config_for(self, mechanism: Mechanism) -> ClientConfig:
        """A ClientConfig under which a server can only use this mechanism."""
        return self.config(VERSION_OF[mechanism], tickets=mechanism != "session-id")

    def task(self, purpose: Purpose, mechanism: Mechanism, *, wait: float | None = None) -> Task:
        """Wait for tickets; if none comes in a while, send data and wait on."""
        return Task(
            purpose=purpose,
            mechanism=mechanism,
            want_tickets=1 if mechanism == "psk" else 0,
            ticket_wait=self.options.ticket_wait if wait is None else wait,
            send=self.send if mechanism == "psk" else b"",
            send_after=SILENCE,
        )

    def with_answer(self, task: Task, *, body: bool = False) -> Task:
        """The same task, with data sent at once and the answer read; `body`: of HTTP, where
        the request is ours, with what the answer contains."""
        data = self.send
        if not data:
            return task
        if body and self.options.send is None and self.target.http:
            data = self._request("GET")
        return replace(task, send=data, send_after=0.0, want_response=True)


def http_host(target: Target) -> str:
    """The value of an HTTP Host header (RFC 9110 section 7.2). Raises UsageError."""
    name = target.server_name or target.host
    host = name if target.port == 443 else format_endpoint(name, target.port)
    if any(ord(character) < 33 or ord(character) > 126 for character in host):
        raise UsageError(f"{host!r} cannot stand in an HTTP Host header")
    return host


def request(target: Target, user_agent: str, method: str) -> bytes:
    """A request for / by a method, that asks for the connection to end."""
    return (
        f"{method} / HTTP/1.1\r\nHost: {http_host(target)}\r\nUser-Agent: {user_agent}\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def check_transport(target: Target, options: ConnectOptions) -> None:
    """Whether a transport can be used with these options. Raises UsageError, and BindingError
    where its library is too old."""
    transport = target.transport
    if transport == "tcp":
        return
    label = {"quic": "QUIC has TLS 1.3", "dtls": "DTLS is tested in version 1.2"}[transport]
    if not set(options.tls) & set(VERSIONS_OF[transport]):
        raise UsageError(f"{target.name}: {label} only", hints=("leave out --tls",))
    if transport == "dtls":
        if options.ciphersuites is not None:
            raise UsageError(f"{target.name}: --ciphersuites is of TLS 1.3; {label}: --ciphers")
        return
    from tlsresume.transports.quic.binding import check_available

    check_available()
    _check_quic(target, options)


def _check_quic(target: Target, options: ConnectOptions) -> None:
    alpn = target.alpn if options.alpn is None else options.alpn
    if not alpn:
        raise UsageError(
            f"{target.name}: QUIC has no connection without ALPN (RFC 9001 section 8.1)",
            hints=("name the protocol with --alpn, or use h3://HOST or doq://HOST",),
        )
    if options.ciphers is not None:
        raise UsageError(f"{target.name}: --ciphers is of TLS 1.2, QUIC has --ciphersuites")
    if options.groups is not None:
        raise UsageError(
            f"{target.name}: --groups has no effect on QUIC: aioquic has a list of its own"
        )
    if options.ciphersuites is not None:
        from tlsresume.transports.quic.binding import suite_numbers

        suite_numbers(options.ciphersuites)
    if target.http and options.send:
        raise UsageError(
            f"{target.name}: --send is for other protocols: an HTTP/3 request is no plain text",
            hints=("it is asked with HEAD; --no-send asks nothing",),
        )
